-- The search index: a file beside the log, made from it. The text itself is in
-- the events; column about has words made of kind, tool and exit status.
CREATE VIRTUAL TABLE search USING fts5(text, about, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2 tokenchars '_'");

-- It is merged seldom: half the work is saved, and a search looks into at most
-- 64 pieces of a size.
INSERT INTO search (search, rank) VALUES ('automerge', 0);
INSERT INTO search (search, rank) VALUES ('crisismerge', 64);

-- Its words as they stand: the next one is found without counting all of the last.
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'instance');

CREATE TABLE indexed (
    session INTEGER PRIMARY KEY, -- its n in the log
    id      TEXT NOT NULL,       -- and its name
    seq     INTEGER NOT NULL,    -- up to and including this event
    root    BLOB NOT NULL        -- of the session's tree with that event: no other history has it
) STRICT;

-- See indexseal.go.
CREATE TABLE seal (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    box BLOB NOT NULL
) STRICT;
