package fakedata

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// clock is "now" in all tests.
var clock = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func recipe(rows int) Recipe { return Recipe{Seed: 42, Rows: rows, Clock: clock} }

// generate makes a dataset of r in a temporary file and opens it.
func generate(t *testing.T, s *Schema, r Recipe) (*sql.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.db")
	if err := Generate(t.Context(), s, r, Target{Path: path}, nil); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, path
}

func parse(t *testing.T, ddl string) *Schema {
	t.Helper()
	s, err := Parse(t.Context(), "test", ddl)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load returns a built-in schema or one of the public ones kept beside the
// repository.
func load(t *testing.T, name string) *Schema {
	t.Helper()
	if !slices.Contains(Builtins(), name) {
		name = filepath.Join("..", "..", "shared", "schemas", name+".sql")
		if _, err := os.Stat(name); err != nil {
			t.Skipf("the public schema is not here: %v", err)
		}
	}
	s, err := Load(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one returns the single number a query gives.
func one(t *testing.T, db *sql.DB, query string) int64 {
	t.Helper()
	var n sql.NullInt64
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n.Int64
}

// sound fails the test unless SQLite finds every constraint to hold.
func sound(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, pragma := range []string{"foreign_key_check", "integrity_check"} {
		rows, err := db.QueryContext(t.Context(), "PRAGMA "+pragma)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		cols, _ := rows.Columns()
		for rows.Next() {
			vals := make([]any, len(cols))
			for i := range vals {
				vals[i] = new(any)
			}
			if err := rows.Scan(vals...); err != nil {
				t.Fatal(err)
			}
			if len(cols) == 1 && fmt.Sprint(*vals[0].(*any)) == "ok" {
				continue
			}
			var text []string
			for _, v := range vals {
				text = append(text, fmt.Sprint(*v.(*any)))
			}
			t.Errorf("%s: %s", pragma, strings.Join(text, " | "))
			break
		}
	}
}

func TestPublicSchemasAtScale(t *testing.T) {
	for _, name := range append(Builtins(), "chinook", "sakila") {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			db, _ := generate(t, s, recipe(10_000))
			sound(t, db)
			largest := int64(0)
			for _, table := range s.Tables {
				n := one(t, db, "SELECT count(*) FROM "+quote(table.Name))
				largest = max(largest, n)
				if n < 1 || n > 10_000 {
					t.Errorf("%s has %d rows", table.Name, n)
				}
			}
			if largest != 10_000 {
				t.Errorf("the largest table has %d rows", largest)
			}
			keepsObjects(t, s, db)
		})
	}
}

// keepsObjects compares the dataset's structure with what SQLite makes of the
// script itself: every table, index, trigger and view, word for word.
func keepsObjects(t *testing.T, s *Schema, db *sql.DB) {
	t.Helper()
	plain, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	plain.SetMaxOpenConns(1)
	if _, err := plain.ExecContext(t.Context(), s.DDL); err != nil {
		t.Fatal(err)
	}
	const all = "SELECT group_concat(x, char(10)) FROM (SELECT type||' '||name||' '||coalesce(trim(sql, char(9,10,13,32)),'') x FROM sqlite_schema ORDER BY x)"
	var want, got string
	if err := plain.QueryRowContext(t.Context(), all).Scan(&want); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), all).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("structure changed:\n%s\nwant:\n%s", got, want)
	}
}

func TestConstraints(t *testing.T) {
	for name, ddl := range map[string]string{
		"junction":         `CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY); CREATE TABLE ab(a INT REFERENCES a, b INT REFERENCES b, PRIMARY KEY(a,b));`,
		"three-way":        `CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY); CREATE TABLE abc(a INT REFERENCES a, b INT REFERENCES b, c INT REFERENCES c, PRIMARY KEY(a,b,c)) WITHOUT ROWID;`,
		"tenants":          `CREATE TABLE tenants(id INTEGER PRIMARY KEY, name TEXT UNIQUE); CREATE TABLE users(tenant_id INT REFERENCES tenants, id INT, email TEXT UNIQUE, PRIMARY KEY(tenant_id,id)); CREATE TABLE projects(tenant_id INT REFERENCES tenants, id INT, name TEXT, PRIMARY KEY(tenant_id,id)); CREATE TABLE members(tenant_id INT NOT NULL, user_id INT NOT NULL, project_id INT NOT NULL, FOREIGN KEY(tenant_id,user_id) REFERENCES users, FOREIGN KEY(tenant_id,project_id) REFERENCES projects);`,
		"tenant tree":      `CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE nodes(t INT REFERENCES t, id INT, up INT, PRIMARY KEY(t,id), FOREIGN KEY(t,up) REFERENCES nodes(t,id));`,
		"self not null":    `CREATE TABLE emp(id INTEGER PRIMARY KEY, boss INT NOT NULL REFERENCES emp);`,
		"linked list":      `CREATE TABLE node(id INTEGER PRIMARY KEY, next INT UNIQUE REFERENCES node);`,
		"cycle":            `CREATE TABLE a(id INTEGER PRIMARY KEY, b INT NOT NULL REFERENCES b); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT NOT NULL REFERENCES a);`,
		"cycle of three":   `CREATE TABLE a(id INTEGER PRIMARY KEY, x INT NOT NULL REFERENCES b); CREATE TABLE b(id INTEGER PRIMARY KEY, x INT NOT NULL REFERENCES c); CREATE TABLE c(id INTEGER PRIMARY KEY, x INT NOT NULL UNIQUE REFERENCES a);`,
		"one to one":       `CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL); CREATE TABLE profiles(user_id INTEGER PRIMARY KEY REFERENCES users, bio TEXT);`,
		"text keys":        `CREATE TABLE country(code CHAR(2) PRIMARY KEY, name TEXT UNIQUE); CREATE TABLE airport(iata CHAR(3) PRIMARY KEY, country_code CHAR(2) NOT NULL REFERENCES country(code)); CREATE TABLE flight(no TEXT PRIMARY KEY, "from" CHAR(3) REFERENCES airport, "to" CHAR(3) REFERENCES airport);`,
		"unique by nocase": `CREATE TABLE u(id INTEGER PRIMARY KEY, login TEXT COLLATE NOCASE UNIQUE, mail TEXT); CREATE UNIQUE INDEX lower_mail ON u(lower(mail));`,
		"partial unique":   `CREATE TABLE u(id INTEGER PRIMARY KEY, room INT, day DATE, gone INT); CREATE UNIQUE INDEX x ON u(room, day) WHERE gone = 0;`,
		"unique dates":     `CREATE TABLE room(id INTEGER PRIMARY KEY); CREATE TABLE booking(room_id INT NOT NULL REFERENCES room, day DATE NOT NULL, guest TEXT, UNIQUE(room_id, day));`,
		"unique enum":      `CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE addr(p INT NOT NULL REFERENCES p, kind TEXT CHECK(kind IN ('home','work','other')), UNIQUE(p, kind));`,
		"only enum":        `CREATE TABLE k(kind TEXT PRIMARY KEY CHECK(kind IN ('a','b','c'))); CREATE TABLE x(id INTEGER PRIMARY KEY, kind TEXT REFERENCES k);`,
		"line numbers":     `CREATE TABLE orders(id INTEGER PRIMARY KEY); CREATE TABLE order_lines(order_id INT REFERENCES orders, line INT, PRIMARY KEY(order_id, line));`,
		"two keys":         `CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT REFERENCES a, nr INT, code TEXT UNIQUE, UNIQUE(a,nr));`,
		"no keys at all":   `CREATE TABLE a(x, y TEXT, z REAL, w BLOB);`,
		"generated":        `CREATE TABLE a(id INTEGER PRIMARY KEY, price INT NOT NULL, qty INT NOT NULL, sum INT GENERATED ALWAYS AS (price*qty) STORED, up TEXT AS (upper(note)), note TEXT);`,
		"strict":           `CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, data BLOB, n INT, any ANY, created_at TEXT, flag INT) STRICT;`,
		"autoincrement":    `CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);`,
		"only generated":   `CREATE TABLE a(x INT AS (1)  , y INT DEFAULT 3);`,
		"deferred":         `CREATE TABLE a(id INTEGER PRIMARY KEY, b INT NOT NULL REFERENCES b(id) DEFERRABLE INITIALLY DEFERRED); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT NOT NULL REFERENCES a(id) DEFERRABLE INITIALLY DEFERRED);`,
		"reserved words":   `CREATE TABLE "order" ("group" INTEGER PRIMARY KEY, "select" TEXT, [from] TEXT, ` + "`where`" + ` INT); CREATE TABLE "table" ("order" INT REFERENCES "order"("group"));`,
		"strange names":    "CREATE TABLE \"a \"\"b\"\"\n'c'\" (\"x\ny\" INTEGER PRIMARY KEY, \"; DROP TABLE a --\" TEXT, \"\" TEXT, \"名前\" TEXT, \"имя\" TEXT, \"🦆\" INT CHECK(\"🦆\" > 5)); CREATE TABLE 注文(番号 INTEGER PRIMARY KEY, 客 INT REFERENCES \"a \"\"b\"\"\n'c'\");",
		"triggers asleep":  `CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT NOT NULL); CREATE TABLE log(n INT); CREATE TRIGGER tr AFTER INSERT ON a BEGIN SELECT RAISE(ABORT, 'the trigger ran'); END;`,
		"data left out":    `BEGIN; CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO a VALUES(1,'a; real value'); UPDATE a SET name='x'; PRAGMA foreign_keys=ON; DELETE FROM a; COMMIT;`,
		"altered":          `CREATE TABLE a(id INTEGER PRIMARY KEY); ALTER TABLE a ADD COLUMN email TEXT NOT NULL DEFAULT ''; ALTER TABLE a RENAME TO people; CREATE INDEX i ON people(email);`,
		"short columns":    `CREATE TABLE a(id INTEGER PRIMARY KEY, email VARCHAR(12) UNIQUE, name VARCHAR(3) NOT NULL, username VARCHAR(6) UNIQUE, code CHAR(4) UNIQUE, phone CHAR(5));`,
		"overlap":          `CREATE TABLE a(id INTEGER PRIMARY KEY, k INT, UNIQUE(id,k)); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT NOT NULL REFERENCES a(id), k INT NOT NULL, FOREIGN KEY(a,k) REFERENCES a(id,k));`,
		"calendar":         `CREATE TABLE dim_date(day DATE PRIMARY KEY, iso TEXT); CREATE TABLE fact(day DATE NOT NULL REFERENCES dim_date, at TIMESTAMP UNIQUE, x REAL UNIQUE);`,
		"shaped keys":      `CREATE TABLE gate(code TEXT PRIMARY KEY CHECK(code GLOB '[A-F][0-9][0-9]')); CREATE TABLE seat(gate TEXT NOT NULL REFERENCES gate, ref TEXT UNIQUE CHECK(ref LIKE 'S-%'), device_id TEXT);`,
		"hash keys":        `CREATE TABLE a(id CHAR(36) PRIMARY KEY, token CHAR(4) UNIQUE, ip TEXT UNIQUE, uuid BLOB UNIQUE, color TEXT UNIQUE); CREATE TABLE b(id TEXT PRIMARY KEY, a CHAR(36) REFERENCES a);`,
		"key of a key":     `CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY REFERENCES a); CREATE TABLE c(id INTEGER PRIMARY KEY REFERENCES b); CREATE TABLE d(c INT NOT NULL REFERENCES c);`,
	} {
		for _, rows := range []int{1, 7, 500} {
			t.Run(fmt.Sprintf("%s/%d", name, rows), func(t *testing.T) {
				db, _ := generate(t, parse(t, ddl), recipe(rows))
				sound(t, db)
			})
		}
	}
}

func TestChecks(t *testing.T) {
	for _, column := range []string{
		"x INT CHECK (x > 0)", "x INT CHECK (x >= -5 AND x < -2)", "x INT CHECK (x BETWEEN 10 AND 12)", "x REAL CHECK (x > 0.5 AND x <= 0.75)",
		"x TEXT CHECK (x IN ('a','b''c','ü'))", "x INT CHECK (x IN (1,-2,3))", "x TEXT CHECK (length(x) = 7)", "x TEXT CHECK (length(x) BETWEEN 3 AND 5)",
		"x TEXT CHECK (x LIKE 'AB-__%')", "x TEXT CHECK (x LIKE '%@%' OR x IS NULL)", "x TEXT CHECK (x GLOB '[A-Z][A-Z]-[0-9][0-9]*')",
		"x INT NOT NULL CHECK (x % 7 = 3)", "x INT, y INT, CHECK (x <= y)", "x DATE, y DATE, CHECK (y >= x)", "x INT CHECK (NOT (x = 4))",
		"x TEXT CHECK (x = 'a' OR x = 'b')", "x INT CHECK (5 < x AND 9 >= x)", "x TEXT NOT NULL CHECK (trim(x) <> '')", "x INT CHECK (x <> 0)",
		"x TEXT CHECK (x IS NULL OR (length(x) > 2 AND x NOT LIKE '% %'))", "x NUMERIC(6,2) CHECK (x >= 9.99 AND x < 10.02)",
		"price REAL NOT NULL, discount REAL NOT NULL, CHECK (discount < price AND discount >= 0)", "x TEXT CHECK (x IN ('on','off')) DEFAULT 'on' NOT NULL",
		"start_date TEXT NOT NULL, end_date TEXT, CHECK (end_date IS NULL OR end_date >= start_date)", "email TEXT UNIQUE CHECK (email LIKE '%_@_%.__%')",
		"x TEXT CHECK (upper(x) = x)", "x INT UNIQUE CHECK (x >= 1000)", "year INT CHECK (year >= 2000 AND year <= 2010)", "x BOOLEAN CHECK (x IN (0,1))",
		"latitude REAL CHECK (latitude BETWEEN -90 AND 90)", "status TEXT CHECK (status IN ('draft','published','archived'))",
		"x TEXT CHECK (json_valid(x))", "x DATE CHECK (x GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]')", "x TEXT CHECK (x = lower(x) AND length(x) > 3)",
		"rating INT CHECK (rating >= 1) CHECK (rating <= 5)", "x TEXT CHECK (substr(x,1,1) IN ('a','b','c','d','e','g','s'))",
	} {
		t.Run(column, func(t *testing.T) {
			s := parse(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, "+column+"); CREATE TABLE child (t INT NOT NULL REFERENCES t, at TEXT)")
			db, _ := generate(t, s, recipe(300))
			sound(t, db)
		})
	}
}

func TestImpossibleConstraints(t *testing.T) {
	for ddl, want := range map[string]string{
		`CREATE TABLE t (x INT NOT NULL, CONSTRAINT never CHECK (x > 5 AND x < 3))`:                                "never",
		`CREATE TABLE t (x INT NOT NULL CONSTRAINT odd CHECK (x = 1 AND x = 2))`:                                   "odd",
		`CREATE TABLE t (x TEXT NOT NULL CHECK (x = x || 'a'))`:                                                    "x = x || 'a'",
		`CREATE TABLE a(id INTEGER PRIMARY KEY REFERENCES b); CREATE TABLE b(id INTEGER PRIMARY KEY REFERENCES a)`: "copied from itself",
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		err := Generate(t.Context(), parse(t, ddl), recipe(10), Target{Path: path}, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", ddl, err, want)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s: a half-made file was left", ddl)
		}
	}
}
