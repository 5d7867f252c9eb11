-- Every event carries the root of its session's tree (see package proof), and
-- the ledger, a tree of its own, what became of whole sessions. Times are
-- microseconds since 1970, UTC. The events of an older log are copied, and
-- hashed, by the program.
DROP TRIGGER event_in_order;
DROP TRIGGER event_no_update;
DROP TRIGGER event_no_delete;
ALTER TABLE event RENAME TO old_event;
ALTER TABLE session RENAME TO old_session;
DROP INDEX session_newest;
DROP INDEX session_running;

CREATE TABLE log (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    id   TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT 0, -- entries of the ledger
    edge BLOB NOT NULL DEFAULT x''   -- of its tree
) STRICT;

CREATE TABLE ledger (
    n     INTEGER PRIMARY KEY, -- 1, 2, 3, …
    entry TEXT NOT NULL,
    root  BLOB NOT NULL        -- of the ledger's tree with this entry
) STRICT;

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY, -- entries of the ledger that it covers
    note TEXT NOT NULL        -- signed
) STRICT;

-- A session's row is a projection of its events, kept in the transaction that
-- appends them.
CREATE TABLE session (
    n          INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL DEFAULT '',
    model      TEXT NOT NULL DEFAULT '',
    started_at INTEGER NOT NULL DEFAULT 0,
    ended_at   INTEGER,
    status     TEXT NOT NULL DEFAULT 'running'
               CHECK (status IN ('running', 'done', 'limited', 'denied', 'failed', 'interrupted', 'removed')),
    steps      INTEGER NOT NULL DEFAULT 0,
    tokens     INTEGER NOT NULL DEFAULT 0,
    cost_usd   REAL,
    tags       TEXT NOT NULL DEFAULT '', -- in order, a space between two
    starred    INTEGER NOT NULL DEFAULT 0,
    last_seq   INTEGER NOT NULL DEFAULT 0,
    secret     BLOB NOT NULL,
    edge       BLOB NOT NULL DEFAULT x'',
    owner_pid   INTEGER NOT NULL,
    owner_start INTEGER NOT NULL,
    owner_boot  TEXT NOT NULL
) STRICT;

CREATE INDEX session_newest ON session (started_at, n);
CREATE INDEX session_running ON session (status) WHERE status = 'running';

CREATE TABLE event (
    id      INTEGER PRIMARY KEY, -- the session's n in the upper half, seq in the lower
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL,
    blobs   TEXT,                -- fields of body that are null here and kept in blob: {"stdout":7}
    root    BLOB NOT NULL,       -- of the session's tree with this event
    proof   BLOB,                -- of an imported one: what proves it where it comes from
    session INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
    seq     INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL
) STRICT;

CREATE INDEX event_blobs ON event (id) WHERE blobs IS NOT NULL;

CREATE TABLE blob (
    n    INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE, -- SHA-256 of data
    size INTEGER NOT NULL,     -- unpacked
    data BLOB NOT NULL         -- zstd
) STRICT;

CREATE TRIGGER event_in_order BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id)
  OR (NEW.id & 4294967295) <> 1 AND NOT EXISTS (SELECT 1 FROM event WHERE id = NEW.id - 1)
BEGIN
    SELECT raise(ABORT, 'events are appended in order, without gaps');
END;

CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN
    SELECT raise(ABORT, 'events are never changed');
END;

-- A session goes as a whole, once the ledger says so: the entry stays.
CREATE TRIGGER event_no_delete BEFORE DELETE ON event
WHEN (SELECT status FROM session WHERE n = OLD.id >> 32) IS NOT 'removed'
BEGIN
    SELECT raise(ABORT, 'events are never removed');
END;

CREATE TRIGGER session_no_delete BEFORE DELETE ON session
BEGIN
    SELECT raise(ABORT, 'sessions leave a tombstone');
END;

CREATE TRIGGER session_removed BEFORE UPDATE OF status ON session
WHEN NEW.status = 'removed' AND NOT EXISTS (SELECT 1 FROM ledger WHERE entry ->> 'session' = NEW.id AND entry ->> 'what' = 'removed')
BEGIN
    SELECT raise(ABORT, 'a session is removed only with an entry in the ledger');
END;

CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
WHEN NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM ledger)
BEGIN
    SELECT raise(ABORT, 'the ledger is appended to in order, without gaps');
END;

CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN
    SELECT raise(ABORT, 'the ledger is never changed');
END;

CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN
    SELECT raise(ABORT, 'the ledger is never shortened');
END;

-- What can be searched. The text itself is in the events; column about has
-- words made of kind, tool and exit status.
CREATE VIRTUAL TABLE search USING fts5(text, about, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2 tokenchars '_'");

CREATE VIRTUAL TABLE search_words USING fts5vocab(search, 'row');

CREATE TABLE indexed (
    session INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL -- up to and including this event
) STRICT;

-- Where an imported session comes from.
CREATE TABLE foreign_session (
    session INTEGER PRIMARY KEY,
    origin  TEXT NOT NULL -- JSON, whole; the ledger has its SHA-256
) STRICT;

-- Keys that bundles of other logs were signed with, as first seen.
CREATE TABLE foreign_key (
    log TEXT PRIMARY KEY,
    key TEXT NOT NULL
) STRICT;
