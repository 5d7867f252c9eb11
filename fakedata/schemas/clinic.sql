-- A clinic. Money is in integer cents, times are UTC text "YYYY-MM-DD HH:MM:SS".
CREATE TABLE departments (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE CHECK (name IN ('Cardiology', 'Dermatology', 'Emergency', 'General Medicine', 'Neurology', 'Orthopaedics', 'Paediatrics', 'Radiology'))
);

CREATE TABLE doctors (
  id             INTEGER PRIMARY KEY,
  department_id  INTEGER NOT NULL REFERENCES departments (id),
  first_name     TEXT NOT NULL,
  last_name      TEXT NOT NULL,
  email          TEXT NOT NULL UNIQUE,
  phone          TEXT NOT NULL,
  hired_on       TEXT NOT NULL
);

CREATE TABLE patients (
  id             INTEGER PRIMARY KEY,
  first_name     TEXT NOT NULL,
  last_name      TEXT NOT NULL,
  gender         TEXT NOT NULL CHECK (gender IN ('female', 'male')),
  birth_date     TEXT NOT NULL,
  age            INTEGER NOT NULL CHECK (age BETWEEN 0 AND 110),
  height_cm      INTEGER NOT NULL CHECK (height_cm BETWEEN 30 AND 230),
  weight_kg      INTEGER NOT NULL CHECK (weight_kg BETWEEN 2 AND 250),
  blood_type     TEXT CHECK (blood_type IN ('O+', 'A+', 'B+', 'O-', 'A-', 'AB+', 'B-', 'AB-')),
  phone          TEXT,
  email          TEXT,
  street         TEXT NOT NULL,
  postcode       TEXT NOT NULL,
  city           TEXT NOT NULL,
  country        TEXT NOT NULL,
  registered_at  TEXT NOT NULL
);

CREATE TABLE appointments (
  id            INTEGER PRIMARY KEY,
  patient_id    INTEGER NOT NULL REFERENCES patients (id),
  doctor_id     INTEGER NOT NULL REFERENCES doctors (id),
  status        TEXT NOT NULL CHECK (status IN ('requested', 'confirmed', 'completed', 'cancelled')),
  reason        TEXT NOT NULL,
  requested_at  TEXT NOT NULL,
  confirmed_at  TEXT,
  completed_at  TEXT,
  CHECK (confirmed_at >= requested_at),
  CHECK (completed_at >= confirmed_at)
);

CREATE TABLE prescriptions (
  id               INTEGER PRIMARY KEY,
  appointment_id   INTEGER NOT NULL REFERENCES appointments (id),
  medicine         TEXT NOT NULL CHECK (medicine IN ('Ibuprofen 400 mg', 'Paracetamol 500 mg', 'Amoxicillin 500 mg', 'Metformin 850 mg', 'Lisinopril 10 mg', 'Omeprazole 20 mg', 'Salbutamol 100 µg', 'Cetirizine 10 mg')),
  times_per_day    INTEGER NOT NULL CHECK (times_per_day BETWEEN 1 AND 4),
  days             INTEGER NOT NULL CHECK (days IN (3, 5, 7, 10, 14, 28, 30, 90)),
  prescribed_at    TEXT NOT NULL
);

CREATE TABLE invoices (
  id           INTEGER PRIMARY KEY,
  patient_id   INTEGER NOT NULL REFERENCES patients (id),
  number       TEXT NOT NULL UNIQUE,
  total_cents  INTEGER NOT NULL CHECK (total_cents > 0), -- the sum of the invoice's items
  status       TEXT NOT NULL CHECK (status IN ('issued', 'paid', 'cancelled')),
  issued_at    TEXT NOT NULL,
  paid_at      TEXT CHECK (paid_at >= issued_at)
);

CREATE TABLE invoice_items (
  invoice_id        INTEGER NOT NULL REFERENCES invoices (id),
  line_no           INTEGER NOT NULL,
  description       TEXT NOT NULL CHECK (description IN ('Consultation', 'Blood test', 'X-ray', 'Vaccination', 'ECG', 'Physiotherapy', 'Ultrasound')),
  quantity          INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 5),
  unit_price_cents  INTEGER NOT NULL CHECK (unit_price_cents > 0),
  PRIMARY KEY (invoice_id, line_no)
);

CREATE INDEX appointments_patient ON appointments (patient_id);
CREATE INDEX appointments_doctor ON appointments (doctor_id);
CREATE INDEX prescriptions_appointment ON prescriptions (appointment_id);
CREATE INDEX invoices_patient ON invoices (patient_id);
