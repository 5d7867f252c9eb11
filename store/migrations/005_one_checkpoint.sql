-- A log keeps its last checkpoint only: with an older one somebody could cut off
-- what came after it.
DELETE FROM checkpoint WHERE size < (SELECT max(size) FROM checkpoint);
