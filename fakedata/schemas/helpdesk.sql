-- A help desk. Times are UTC text "YYYY-MM-DD HH:MM:SS".
CREATE TABLE organizations (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  website     TEXT,
  country     TEXT NOT NULL,
  plan        TEXT NOT NULL CHECK (plan IN ('free', 'team', 'enterprise')),
  created_at  TEXT NOT NULL
);

CREATE TABLE users (
  id               INTEGER PRIMARY KEY,
  organization_id  INTEGER NOT NULL REFERENCES organizations (id),
  full_name        TEXT NOT NULL,
  email            TEXT NOT NULL UNIQUE,
  language         TEXT NOT NULL,
  timezone         TEXT NOT NULL,
  active           INTEGER NOT NULL CHECK (active IN (0, 1)),
  created_at       TEXT NOT NULL
);

CREATE TABLE agents (
  id         INTEGER PRIMARY KEY,
  full_name  TEXT NOT NULL,
  email      TEXT NOT NULL UNIQUE,
  role       TEXT NOT NULL CHECK (role IN ('agent', 'lead', 'admin')),
  lead_id    INTEGER REFERENCES agents (id)
);

CREATE TABLE tags (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE
);

CREATE TABLE tickets (
  id            INTEGER PRIMARY KEY,
  requester_id  INTEGER NOT NULL REFERENCES users (id),
  assignee_id   INTEGER REFERENCES agents (id),
  subject       TEXT NOT NULL,
  priority      TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  status        TEXT NOT NULL CHECK (status IN ('new', 'open', 'pending', 'solved', 'closed')),
  channel       TEXT NOT NULL CHECK (channel IN ('email', 'web', 'chat', 'phone')),
  satisfaction  INTEGER CHECK (satisfaction BETWEEN 1 AND 5),
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL,
  solved_at     TEXT,
  CHECK (updated_at >= created_at),
  CHECK (solved_at >= created_at)
);

CREATE TABLE ticket_messages (
  ticket_id   INTEGER NOT NULL REFERENCES tickets (id),
  seq         INTEGER NOT NULL,
  from_agent  INTEGER NOT NULL CHECK (from_agent IN (0, 1)),
  body        TEXT NOT NULL,
  sent_at     TEXT NOT NULL,
  PRIMARY KEY (ticket_id, seq)
);

CREATE TABLE ticket_tags (
  ticket_id  INTEGER NOT NULL REFERENCES tickets (id),
  tag_id     INTEGER NOT NULL REFERENCES tags (id),
  PRIMARY KEY (ticket_id, tag_id)
);

CREATE INDEX users_organization ON users (organization_id);
CREATE INDEX tickets_requester ON tickets (requester_id);
CREATE INDEX tickets_assignee ON tickets (assignee_id);
