-- The index is merged less often while it grows: half the work is saved, and a
-- search looks into at most sixteen pieces of a size. Its words are kept as
-- they stand, so that the next one is found without counting all of the last.
INSERT INTO search (search, rank) VALUES ('automerge', 16);

DROP TABLE search_words;

CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'instance');
