package fakedata

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostileScripts are scripts that want to hurt, each with a part of the error
// they get; "" where they simply work.
func hostileScripts() map[string][2]string {
	many := func(n int, f func(i int) string, sep string) string {
		out := make([]string, n)
		for i := range out {
			out[i] = f(i)
		}
		return strings.Join(out, sep)
	}
	return map[string][2]string{
		"10,000 columns in one table": {"CREATE TABLE t (" + many(10_000, func(i int) string { return fmt.Sprintf("c%d INT", i) }, ",") + ")", "too many columns"},
		"10,001 columns in six tables": {many(6, func(k int) string {
			return fmt.Sprintf("CREATE TABLE t%d (", k) + many(1700, func(i int) string { return fmt.Sprintf("c%d INT", i) }, ",") + ")"
		}, ";"), "at most 10000 are accepted"},
		"501 tables": {many(501, func(i int) string { return fmt.Sprintf("CREATE TABLE t%d (x)", i) }, ";"), "at most 500"},
		"a cycle of 400": {many(400, func(i int) string {
			return fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY, x INT NOT NULL REFERENCES t%d, created_at TEXT)", i, (i+1)%400)
		}, ";"), ""},
		"a key copied around a cycle of 400": {many(400, func(i int) string {
			return fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY REFERENCES t%d)", i, (i+1)%400)
		}, ";"), "copied from itself"},
		"a chain of 490": {"CREATE TABLE t0 (id INTEGER PRIMARY KEY);" + many(489, func(i int) string {
			return fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY, a INT REFERENCES t%d, b INT REFERENCES t%d, created_at TEXT NOT NULL, city TEXT)", i+1, i, i/2)
		}, ";"), ""},
		"everything refers to everything": {many(40, func(i int) string {
			return fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY, %s, created_at TEXT, email TEXT)", i, many(40, func(k int) string { return fmt.Sprintf("r%d INT REFERENCES t%d", k, k) }, ","))
		}, ";"), ""},
		"a CHECK that nothing meets":         {"CREATE TABLE t (x INT NOT NULL CONSTRAINT never CHECK (x > 5 AND x < 3))", "never"},
		"a CHECK that is always false":       {"CREATE TABLE t (x INT, CONSTRAINT no_way CHECK (1 = 2))", "no_way"},
		"two CHECKs that exclude another":    {"CREATE TABLE t (x TEXT NOT NULL CONSTRAINT a CHECK (length(x) = 2), CONSTRAINT b CHECK (length(x) = 3))", "no values were found"},
		"a CHECK that takes for ever":        {"CREATE TABLE t (x INT NOT NULL CHECK (" + many(400, func(i int) string { return fmt.Sprintf("x %% %d <> %d", i+2, i) }, " AND ") + "))", ""},
		"parentheses without end":            {"CREATE TABLE t (x INT CHECK (" + strings.Repeat("(", 1200) + "x > 1" + strings.Repeat(")", 1200) + "))", ""},
		"an expression of great depth":       {"CREATE TABLE t (x INT CHECK (" + strings.Repeat("NOT ", 600) + "x > 1))", "Expression tree is too large"},
		"too few values for a unique key":    {"CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (p INT NOT NULL UNIQUE REFERENCES p, x INT CHECK (x IN (1)) UNIQUE NOT NULL)", ""},
		"owners of each other":               {"CREATE TABLE a (b INT NOT NULL REFERENCES b (n), n INTEGER NOT NULL UNIQUE, line INT, PRIMARY KEY (b, line)); CREATE TABLE b (a INT NOT NULL REFERENCES a (n), n INTEGER NOT NULL UNIQUE, line INT, at DATE, PRIMARY KEY (a, line)); CREATE TABLE c (x INT NOT NULL REFERENCES a (n), y INT REFERENCES b (n), created_at TEXT)", ""},
		"accounts of cards of accounts":      {"CREATE TABLE account (id INTEGER PRIMARY KEY, card_id INT NOT NULL REFERENCES card); CREATE TABLE card (id INTEGER PRIMARY KEY, account_id INT NOT NULL REFERENCES account, created_at TEXT); CREATE TABLE orders (id INTEGER PRIMARY KEY, card_id INT NOT NULL REFERENCES card, account_id INT NOT NULL REFERENCES account, created_at TEXT)", ""},
		"payments in runs of something else": {"CREATE TABLE orders (id INTEGER PRIMARY KEY, at DATE); CREATE TABLE batch (id INTEGER PRIMARY KEY); CREATE TABLE payments (batch_id INT NOT NULL REFERENCES batch, line_no INT NOT NULL, order_id INT NOT NULL REFERENCES orders, paid_at DATE, PRIMARY KEY (batch_id, line_no)); CREATE TABLE refunds (id INTEGER PRIMARY KEY, order_id INT UNIQUE NOT NULL REFERENCES orders, at DATE)", ""},
		"from one to another of the same":    {"CREATE TABLE people (id INTEGER PRIMARY KEY); CREATE TABLE transfers (a INT NOT NULL REFERENCES people, b INT NOT NULL REFERENCES people, x INT, y INT, CHECK (a <> b AND x != y), CHECK (b <> a))", ""},
		"quotes, keywords and line breaks":   {"CREATE TABLE \"select\" (\"a\"\"b\" INTEGER PRIMARY KEY, \"x\ny\" TEXT, `from` INT, [gr oup] TEXT, 'order' TEXT); CREATE TABLE \"it's\" (\"ref\" INT REFERENCES \"select\"(\"a\"\"b\"))", ""},
		"letters of the world":               {"CREATE TABLE заказы (номер INTEGER PRIMARY KEY, имя TEXT NOT NULL); CREATE TABLE \"注文\" (\"番号\" INTEGER PRIMARY KEY, \"顧客\" INT NOT NULL REFERENCES заказы, \"مبلغ\" REAL, \"🦆\" TEXT UNIQUE)", ""},
		"a NUL byte":                         {"CREATE TABLE t (x)\x00", "NUL byte"},
		"a recursive view":                   {"CREATE TABLE t (x INT); CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", ""},
		"a trigger that never ends":          {"CREATE TABLE t (x INT); CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO t SELECT x + 1 FROM t; END", ""},
		"a generated column of a gigabyte":   {"CREATE TABLE t (x INT, y AS (randomblob(1000000000)) STORED)", "non-deterministic"},
		"a default that reads a file":        {"CREATE TABLE t (x TEXT DEFAULT (readfile('/etc/passwd')), y INT)", ""},
	}
}

// TestHostileSchemas: each gets its dataset or a clear error, and soon (the
// log says how soon); none runs away.
func TestHostileSchemas(t *testing.T) {
	work := func(ddl string) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		path := filepath.Join(t.TempDir(), "x.db")
		start := time.Now()
		s, err := Parse(ctx, "hostile", ddl)
		if err == nil {
			err = Generate(ctx, s, recipe(20), Target{Path: path}, nil)
		}
		took := time.Since(start)
		if _, missing := os.Stat(path); err != nil && missing == nil {
			t.Errorf("a half-made file was left")
		}
		return took, err
	}
	for name, c := range hostileScripts() {
		t.Run(name, func(t *testing.T) {
			took, err := work(c[0])
			t.Logf("%v: %v", took.Round(time.Millisecond), err)
			switch {
			case c[1] == "" && err != nil:
				t.Errorf("it should work: %v", err)
			case c[1] != "" && (err == nil || !strings.Contains(err.Error(), c[1])):
				t.Errorf("error %v, want %q in it", err, c[1])
			case err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 500):
				t.Errorf("not one short line: %.600q", err.Error())
			}
		})
	}
}
