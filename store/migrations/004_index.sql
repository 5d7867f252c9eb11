-- What can be searched is a file of its own (index.sql), made anew from the events.
DROP TABLE search_words;
DROP TABLE search;
DROP TABLE indexed;
