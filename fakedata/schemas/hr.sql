-- Human resources. Money is in integer cents per year, dates are text "YYYY-MM-DD".
CREATE TABLE departments (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  cost_center  TEXT NOT NULL UNIQUE CHECK (cost_center GLOB 'CC-[0-9][0-9][0-9]')
);

CREATE TABLE people (
  id             INTEGER PRIMARY KEY,
  department_id  INTEGER NOT NULL REFERENCES departments (id),
  manager_id     INTEGER REFERENCES people (id),
  first_name     TEXT NOT NULL,
  last_name      TEXT NOT NULL,
  email          TEXT NOT NULL UNIQUE,
  username       TEXT NOT NULL UNIQUE,
  phone          TEXT,
  birth_date     TEXT NOT NULL,
  age            INTEGER NOT NULL CHECK (age BETWEEN 16 AND 100),
  gender         TEXT CHECK (gender IN ('female', 'male')),
  job_title      TEXT NOT NULL,
  salary_cents   INTEGER NOT NULL CHECK (salary_cents > 0),
  city           TEXT NOT NULL,
  country        TEXT NOT NULL,
  hired_on       TEXT NOT NULL,
  left_on        TEXT,
  CHECK (left_on >= hired_on)
);

CREATE TABLE leave_requests (
  id            INTEGER PRIMARY KEY,
  person_id     INTEGER NOT NULL REFERENCES people (id),
  type          TEXT NOT NULL CHECK (type IN ('vacation', 'sick', 'parental', 'unpaid')),
  days          INTEGER NOT NULL CHECK (days BETWEEN 1 AND 60),
  status        TEXT NOT NULL CHECK (status IN ('requested', 'approved', 'rejected')),
  requested_on  TEXT NOT NULL,
  approved_on   TEXT,
  CHECK (approved_on >= requested_on)
);

CREATE TABLE reviews (
  id           INTEGER PRIMARY KEY,
  person_id    INTEGER NOT NULL REFERENCES people (id),
  reviewer_id  INTEGER NOT NULL REFERENCES people (id),
  rating       INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment      TEXT,
  created_on   TEXT NOT NULL,
  CHECK (reviewer_id <> person_id)
);

CREATE TABLE timesheets (
  person_id  INTEGER NOT NULL REFERENCES people (id),
  week_no    INTEGER NOT NULL,
  hours      REAL NOT NULL CHECK (hours BETWEEN 0 AND 60), -- in quarters
  approved   INTEGER NOT NULL CHECK (approved IN (0, 1)),
  PRIMARY KEY (person_id, week_no)
);

CREATE INDEX people_manager ON people (manager_id);
CREATE INDEX leave_person ON leave_requests (person_id);
