package mask

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// public schemas, filled with what stands for real data.
func public() []string {
	return []string{"chinook", "sakila", "shop", "bank", "clinic", "helpdesk", "hr", "saas"}
}

// Values that are nowhere else are planted in every column of text that takes
// them; none of them is in the twin, not as bytes in any case.
func TestPlantedValuesAreGone(t *testing.T) {
	for _, name := range public() {
		t.Run(name, func(t *testing.T) {
			from := filled(t, name, 150)
			planted := plant(t, from)
			if len(planted) < 10 {
				t.Fatalf("only %d values were planted", len(planted))
			}
			to, p := masked(t, from, "twin.db", "")
			twin := bytes.ToLower(read(t, to))
			was := bytes.ToLower(read(t, from))
			for value, where := range planted {
				if !bytes.Contains(was, []byte(strings.ToLower(value))) {
					t.Fatalf("%s was not planted", where)
				}
				if bytes.Contains(twin, []byte(strings.ToLower(value))) {
					t.Errorf("%q of %s survives", value, where)
				}
			}
			for _, q := range []string{"SELECT count(*) FROM pragma_foreign_key_check", "SELECT count(*) FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL", "SELECT count(*) FROM sqlite_schema"} {
				if a, b := ask(t, from, q), ask(t, to, q); strings.Contains(q, "type") && a != b || strings.Contains(q, "check") && b != "0\n" {
					t.Errorf("%s: %s became %s", q, a, b)
				}
			}
			if p.Leaks.Values == 0 || p.Leaks.Cells == 0 || p.Leaks.Bytes != int64(len(read(t, to))) {
				t.Errorf("searched %+v", p.Leaks)
			}
		})
	}
}

// plant puts values of its own into rows of each column that takes text, but for
// dates that a CHECK compares: no method makes "9x" and 2024-01-01 keep their order.
func plant(t *testing.T, path string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]string{}
	for i, where := range strings.Fields(ask(t, path, `SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c
		WHERE m.type = 'table' AND c.hidden = 0 AND c.type NOT LIKE '%INT%' AND m.name NOT LIKE 'sqlite%'
		AND NOT (m.sql LIKE '%>= ' || '%' AND c.name GLOB '*_[ao][tn]')`)) {
		table, column, _ := strings.Cut(where, ".")
		for k, form := range []string{"Qz%dvraxblorn", "qz%dvraxblorn@nowhere.org", "%d1234567890", "the Qz%dvrax blorn of a person who wrote some more words than names have"} {
			value := fmt.Sprintf(form, 7000+10*i+k)
			r, err := db.ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET %s = ? WHERE rowid = (SELECT rowid FROM %s ORDER BY rowid LIMIT 1 OFFSET %d)",
				quote(table), quote(column), quote(table), k), value)
			if err != nil {
				continue // a CHECK or a trigger knows better
			}
			if n, _ := r.RowsAffected(); n == 1 && strings.TrimSpace(ask(t, path, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s = '%s' AND typeof(%s) = 'text'", quote(table), quote(column), value, quote(column)))) == "1" {
				out[value] = where
			}
		}
	}
	return out
}

// A damaged file gives an error or a twin without what was in it; never a
// panic, never half a file, and the source stays as it is.
func TestDamagedFiles(t *testing.T) {
	whole := read(t, filled(t, "helpdesk", 40))
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		bad := bytes.Clone(whole[:rapid.IntRange(20, len(whole)).Draw(t, "length")])
		for range rapid.IntRange(0, 20).Draw(t, "flips") {
			bad[rapid.IntRange(16, len(bad)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		from, to := filepath.Join(dir, "bad.db"), filepath.Join(dir, "twin.db")
		if err := os.WriteFile(from, bad, 0o400); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err = File(ctx, from, to, Options{Key: testKey})
		if now, _ := os.ReadFile(from); !bytes.Equal(now, bad) {
			t.Fatal("the source was changed")
		}
		left, _ := os.ReadDir(dir)
		if err != nil && len(left) != 1 || err == nil && len(left) != 3 {
			t.Fatalf("%v left %v", err, left)
		}
		if ctx.Err() != nil {
			t.Fatal("it takes too long")
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "\x1b")) {
			t.Fatalf("%q", err)
		}
	})
}

func TestHostileSources(t *testing.T) {
	odd := database(t, `CREATE TABLE "a ""b"" [c]; DROP TABLE x; --" ("select" TEXT, "x'y" TEXT UNIQUE, "
" INT, "名前" TEXT, rowid TEXT, oid TEXT, _rowid_ TEXT)`,
		`INSERT INTO "a ""b"" [c]; DROP TABLE x; --" VALUES ('Überraschung für alle', 'secret value one', 5, '李小龙说话很多', 'r', 'o', 'u'), (char(0) || 'nul inside', x'', NULL, char(8238) || 'bidi text', 'r', 'o', 'u')`)
	if to, _ := masked(t, odd, "a.db", ""); strings.Contains(string(read(t, to)), "secret value one") {
		t.Error("it survives")
	}

	fts := database(t, "CREATE VIRTUAL TABLE docs USING fts5(body)", "INSERT INTO docs VALUES ('the mountebank conspiracy')", "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
		"INSERT INTO t VALUES (1, 'mountebank')", "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO docs VALUES (new.x); END")
	to, p := masked(t, fts, "b.db", "")
	if len(p.Notes) < 3 || ask(t, to, "SELECT count(*) FROM sqlite_schema") != "1\n" || bytes.Contains(read(t, to), []byte("mountebank")) {
		t.Errorf("of the index there is: %v", p.Notes)
	}

	wal := database(t, "PRAGMA journal_mode=WAL")
	db, err := sql.Open("sqlite", wal)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('only in the log')"); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadDir(filepath.Dir(wal))
	if err := refused(t, wal, ""); !strings.Contains(err.Error(), "VACUUM INTO") {
		t.Errorf("%v", err)
	}
	if after, _ := os.ReadDir(filepath.Dir(wal)); len(after) != len(before) {
		t.Errorf("beside the source there is now: %v", after)
	}

	for name, c := range map[string]struct{ ddl, want string }{
		"no table":      {"PRAGMA user_version=1", "creates no table"},
		"a CHECK":       {"CREATE TABLE t (x TEXT CHECK (x <> lower(x) AND length(x) = 3 OR x = 'left alone')); INSERT INTO t VALUES ('left alone')", "CHECK constraint failed"},
		"a value":       {"CREATE TABLE t (x BLOB); INSERT INTO t VALUES (zeroblob(70000000))", "too big"},
		"no such table": {"CREATE TABLE t (x REFERENCES gone(y))", "does not exist"},
	} {
		if err := refused(t, database(t, c.ddl), ""); !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}

	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, pipe, ""); !strings.Contains(err.Error(), "regular") {
		t.Errorf("%v", err)
	}
	if err := refused(t, filepath.Join(t.TempDir(), "none.db"), ""); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("%v", err)
	}
	text := filepath.Join(t.TempDir(), "x.txt")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, text, ""); !strings.Contains(err.Error(), "neither") {
		t.Errorf("%v", err)
	}
}

func unwrapAll(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = u.Unwrap()
	}
}

// A cell's masking must not take longer than its length warrants.
func TestDeepAndLongValues(t *testing.T) {
	from := database(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, meta TEXT)")
	edit(t, from,
		"INSERT INTO t VALUES (1, '"+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+"')",
		"INSERT INTO t VALUES (2, '{\"k\":"+strings.Repeat(`{"k":`, 150)+`"secretive"`+strings.Repeat("}", 151)+"')",
		"INSERT INTO t VALUES (3, '"+strings.Repeat("a long text ", 100_000)+"')",
		"INSERT INTO t VALUES (4, '"+strings.Repeat("9", 100_000)+"')")
	to, _ := masked(t, from, "a.db", "")
	if got, want := ask(t, to, "SELECT length(meta) FROM t ORDER BY 1"), ask(t, from, "SELECT length(meta) FROM t ORDER BY 1"); got != want {
		t.Errorf("lengths %s, not %s", got, want)
	}
	if bytes.Contains(read(t, to), []byte("secretive")) {
		t.Error("what lies deep survives")
	}
}
