-- A session's row is a projection of its events, kept in the transaction that
-- appends them. Times are microseconds since 1970, UTC.
CREATE TABLE session (
    n          INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL DEFAULT '',
    model      TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    status     TEXT NOT NULL DEFAULT 'running'
               CHECK (status IN ('running', 'done', 'limited', 'denied', 'failed', 'interrupted')),
    steps      INTEGER NOT NULL DEFAULT 0,
    tokens     INTEGER NOT NULL DEFAULT 0,
    cost_usd   REAL,
    last_seq   INTEGER NOT NULL DEFAULT 0,
    owner_pid   INTEGER NOT NULL,
    owner_start INTEGER NOT NULL,
    owner_boot  TEXT NOT NULL
) STRICT;

CREATE INDEX session_newest ON session (started_at, n);
CREATE INDEX session_running ON session (status) WHERE status = 'running';

CREATE TABLE event (
    id      INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session (n),
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL,
    UNIQUE (session, seq)
) STRICT;

CREATE TRIGGER event_in_order BEFORE INSERT ON event
WHEN NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM event WHERE session = NEW.session)
BEGIN
    SELECT raise(ABORT, 'events are appended in order, without gaps');
END;

CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN
    SELECT raise(ABORT, 'events are never changed');
END;

CREATE TRIGGER event_no_delete BEFORE DELETE ON event
BEGIN
    SELECT raise(ABORT, 'events are never removed');
END;
