-- A web shop. Money is in integer cents, times are UTC text "YYYY-MM-DD HH:MM:SS".
CREATE TABLE customers (
  id          INTEGER PRIMARY KEY,
  first_name  TEXT NOT NULL,
  last_name   TEXT NOT NULL,
  email       TEXT NOT NULL UNIQUE,
  phone       TEXT,
  status      TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'blocked')),
  newsletter  INTEGER NOT NULL DEFAULT 0 CHECK (newsletter IN (0, 1)),
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL,
  CHECK (updated_at >= created_at)
);

CREATE TABLE addresses (
  id           INTEGER PRIMARY KEY,
  customer_id  INTEGER NOT NULL REFERENCES customers (id),
  label        TEXT NOT NULL CHECK (label IN ('home', 'work', 'other')),
  street       TEXT NOT NULL,
  city         TEXT NOT NULL,
  region       TEXT,
  postcode     TEXT NOT NULL,
  country      TEXT NOT NULL,
  country_code TEXT NOT NULL CHECK (length(country_code) = 2)
);

CREATE TABLE categories (
  id         INTEGER PRIMARY KEY,
  parent_id  INTEGER REFERENCES categories (id),
  name       TEXT NOT NULL UNIQUE,
  slug       TEXT NOT NULL UNIQUE
);

CREATE TABLE products (
  id           INTEGER PRIMARY KEY,
  category_id  INTEGER NOT NULL REFERENCES categories (id),
  sku          TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  description  TEXT,
  price_cents  INTEGER NOT NULL CHECK (price_cents > 0),
  stock        INTEGER NOT NULL CHECK (stock >= 0),
  active       INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at   TEXT NOT NULL
);

CREATE TABLE orders (
  id                   INTEGER PRIMARY KEY,
  customer_id          INTEGER NOT NULL REFERENCES customers (id),
  shipping_address_id  INTEGER NOT NULL REFERENCES addresses (id),
  status               TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'returned', 'cancelled')),
  total_cents          INTEGER NOT NULL CHECK (total_cents > 0), -- the sum of the order's lines
  created_at           TEXT NOT NULL,
  updated_at           TEXT NOT NULL,
  shipped_at           TEXT,
  delivered_at         TEXT,
  CHECK (updated_at >= created_at),
  CHECK (shipped_at >= created_at),
  CHECK (delivered_at >= shipped_at)
);

CREATE TABLE order_items (
  order_id          INTEGER NOT NULL REFERENCES orders (id),
  line_no           INTEGER NOT NULL CHECK (line_no >= 1),
  product_id        INTEGER NOT NULL REFERENCES products (id),
  quantity          INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 100),
  unit_price_cents  INTEGER NOT NULL CHECK (unit_price_cents > 0), -- the product's price
  PRIMARY KEY (order_id, line_no)
);

CREATE TABLE payments (
  id            INTEGER PRIMARY KEY,
  order_id      INTEGER NOT NULL UNIQUE REFERENCES orders (id),
  method        TEXT NOT NULL CHECK (method IN ('card', 'paypal', 'bank_transfer', 'gift_card')),
  status        TEXT NOT NULL CHECK (status IN ('authorized', 'captured', 'refunded', 'failed')),
  amount_cents  INTEGER NOT NULL CHECK (amount_cents > 0), -- the order's total
  paid_at       TEXT NOT NULL
);

CREATE TABLE reviews (
  id           INTEGER PRIMARY KEY,
  product_id   INTEGER NOT NULL REFERENCES products (id),
  customer_id  INTEGER NOT NULL REFERENCES customers (id),
  rating       INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
  title        TEXT,
  body         TEXT,
  created_at   TEXT NOT NULL,
  UNIQUE (product_id, customer_id)
);

CREATE TABLE tickets (
  id           INTEGER PRIMARY KEY,
  customer_id  INTEGER NOT NULL REFERENCES customers (id),
  order_id     INTEGER REFERENCES orders (id),
  subject      TEXT NOT NULL,
  body         TEXT NOT NULL,
  priority     TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  status       TEXT NOT NULL CHECK (status IN ('open', 'pending', 'solved', 'closed')),
  opened_at    TEXT NOT NULL,
  closed_at    TEXT CHECK (closed_at >= opened_at)
);

CREATE INDEX addresses_customer ON addresses (customer_id);
CREATE INDEX products_category ON products (category_id);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_created ON orders (created_at);
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX reviews_customer ON reviews (customer_id);
CREATE INDEX tickets_customer ON tickets (customer_id);
