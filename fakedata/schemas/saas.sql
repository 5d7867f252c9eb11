-- Software as a service. Money is in integer cents, times are UTC text "YYYY-MM-DD HH:MM:SS".
CREATE TABLE plans (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE CHECK (name IN ('free', 'starter', 'team', 'business', 'enterprise')),
  price_cents  INTEGER NOT NULL CHECK (price_cents >= 0),
  seats        INTEGER NOT NULL CHECK (seats > 0)
);

CREATE TABLE workspaces (
  id          INTEGER PRIMARY KEY,
  company     TEXT NOT NULL,
  slug        TEXT NOT NULL UNIQUE,
  country     TEXT NOT NULL,
  timezone    TEXT NOT NULL,
  created_at  TEXT NOT NULL
);

CREATE TABLE users (
  id             INTEGER PRIMARY KEY,
  email          TEXT NOT NULL UNIQUE,
  full_name      TEXT NOT NULL,
  password_hash  TEXT NOT NULL,
  locale         TEXT NOT NULL,
  created_at     TEXT NOT NULL,
  last_login_at  TEXT,
  CHECK (last_login_at >= created_at)
);

CREATE TABLE memberships (
  workspace_id  INTEGER NOT NULL REFERENCES workspaces (id),
  user_id       INTEGER NOT NULL REFERENCES users (id),
  role          TEXT NOT NULL CHECK (role IN ('member', 'admin', 'owner', 'guest')),
  joined_at     TEXT NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
);

CREATE TABLE api_keys (
  id            INTEGER PRIMARY KEY,
  workspace_id  INTEGER NOT NULL REFERENCES workspaces (id),
  label         TEXT NOT NULL,
  token         TEXT NOT NULL UNIQUE,
  created_at    TEXT NOT NULL,
  expires_at    TEXT NOT NULL,
  CHECK (expires_at >= created_at)
);

CREATE TABLE subscriptions (
  id            INTEGER PRIMARY KEY,
  workspace_id  INTEGER NOT NULL REFERENCES workspaces (id),
  plan_id       INTEGER NOT NULL REFERENCES plans (id),
  status        TEXT NOT NULL CHECK (status IN ('pending', 'active', 'cancelled')),
  started_at    TEXT NOT NULL,
  cancelled_at  TEXT,
  CHECK (cancelled_at >= started_at)
);

CREATE TABLE invoices (
  id               INTEGER PRIMARY KEY,
  subscription_id  INTEGER NOT NULL REFERENCES subscriptions (id),
  number           TEXT NOT NULL UNIQUE,
  total_cents      INTEGER NOT NULL CHECK (total_cents >= 0), -- the sum of the invoice's lines
  currency         TEXT NOT NULL CHECK (length(currency) = 3),
  status           TEXT NOT NULL CHECK (status IN ('draft', 'issued', 'paid', 'void')),
  issued_at        TEXT NOT NULL,
  due_on           TEXT NOT NULL,
  paid_at          TEXT,
  CHECK (paid_at >= issued_at)
);

CREATE TABLE invoice_lines (
  invoice_id        INTEGER NOT NULL REFERENCES invoices (id),
  line_no           INTEGER NOT NULL,
  description       TEXT NOT NULL,
  quantity          INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 500),
  unit_price_cents  INTEGER NOT NULL CHECK (unit_price_cents > 0),
  PRIMARY KEY (invoice_id, line_no)
);

CREATE TABLE events (
  id            INTEGER PRIMARY KEY,
  workspace_id  INTEGER NOT NULL REFERENCES workspaces (id),
  user_id       INTEGER REFERENCES users (id),
  type          TEXT NOT NULL CHECK (type IN ('page_view', 'login', 'search', 'export', 'invite', 'error')),
  ip            TEXT NOT NULL,
  user_agent    TEXT,
  occurred_at   TEXT NOT NULL
);

CREATE INDEX subscriptions_workspace ON subscriptions (workspace_id);
CREATE INDEX invoices_subscription ON invoices (subscription_id);
CREATE INDEX events_occurred ON events (occurred_at);
