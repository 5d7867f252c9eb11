-- A retail bank. Money is in integer cents, times are UTC text "YYYY-MM-DD HH:MM:SS".
CREATE TABLE customers (
  id           INTEGER PRIMARY KEY,
  first_name   TEXT NOT NULL,
  last_name    TEXT NOT NULL,
  email        TEXT NOT NULL UNIQUE,
  phone        TEXT NOT NULL,
  birth_date   TEXT NOT NULL,
  age          INTEGER NOT NULL CHECK (age >= 18),
  street       TEXT NOT NULL,
  postcode     TEXT NOT NULL,
  city         TEXT NOT NULL,
  country      TEXT NOT NULL,
  income_cents INTEGER NOT NULL CHECK (income_cents >= 0),
  status       TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'blocked')),
  created_at   TEXT NOT NULL
);

CREATE TABLE accounts (
  id             INTEGER PRIMARY KEY,
  customer_id    INTEGER NOT NULL REFERENCES customers (id),
  iban           TEXT NOT NULL UNIQUE,
  type           TEXT NOT NULL CHECK (type IN ('checking', 'savings', 'business')),
  currency       TEXT NOT NULL CHECK (length(currency) = 3),
  balance_cents  INTEGER NOT NULL CHECK (balance_cents >= 0), -- the sum of the account's transactions
  opened_at      TEXT NOT NULL
);

CREATE TABLE cards (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES accounts (id),
  card_number  TEXT NOT NULL,
  cardholder   TEXT NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'expired')),
  issued_at    TEXT NOT NULL,
  expires_on   TEXT NOT NULL,
  CHECK (expires_on > issued_at)
);

CREATE TABLE account_transactions (
  account_id           INTEGER NOT NULL REFERENCES accounts (id),
  seq                  INTEGER NOT NULL CHECK (seq >= 1),
  type                 TEXT NOT NULL CHECK (type IN ('card_payment', 'withdrawal', 'transfer_out', 'fee', 'salary', 'deposit', 'transfer_in', 'interest')),
  amount_cents         INTEGER NOT NULL CHECK (amount_cents <> 0), -- negative: the money goes out
  balance_after_cents  INTEGER NOT NULL CHECK (balance_after_cents >= 0),
  counterparty         TEXT,
  reference            TEXT,
  booked_at            TEXT NOT NULL,
  PRIMARY KEY (account_id, seq)
);

CREATE TABLE loans (
  id               INTEGER PRIMARY KEY,
  customer_id      INTEGER NOT NULL REFERENCES customers (id),
  amount_cents     INTEGER NOT NULL CHECK (amount_cents > 0),
  interest_rate    REAL NOT NULL CHECK (interest_rate BETWEEN 0 AND 25),
  term_months      INTEGER NOT NULL CHECK (term_months IN (12, 24, 36, 48, 60, 84)),
  status           TEXT NOT NULL CHECK (status IN ('requested', 'approved', 'paid_out', 'closed', 'rejected')),
  requested_at     TEXT NOT NULL,
  approved_at      TEXT,
  closed_at        TEXT,
  CHECK (approved_at >= requested_at)
);

CREATE INDEX accounts_customer ON accounts (customer_id);
CREATE INDEX transactions_booked ON account_transactions (booked_at);
CREATE INDEX loans_customer ON loans (customer_id);
