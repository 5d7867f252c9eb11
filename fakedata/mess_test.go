package fakedata

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// messy makes a dataset with defects and its clean twin.
func messy(t *testing.T, s *Schema, r Recipe) (clean, dirty *sql.DB, key []Answer, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	open := func(r Recipe, name string) *sql.DB {
		to := Target{Path: filepath.Join(dir, name+".db")}
		if r.Mess > 0 {
			to.Answers = filepath.Join(dir, "answers.jsonl")
		}
		if err := Generate(t.Context(), s, r, to, nil); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", to.Path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		db.SetMaxOpenConns(1)
		return db
	}
	dirty = open(r, "dirty")
	r.Mess = 0
	clean = open(r, "clean")
	keyFile = filepath.Join(dir, "answers.jsonl")
	f, err := os.Open(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var a Answer
		d := json.NewDecoder(strings.NewReader(lines.Text()))
		d.UseNumber()
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		key = append(key, a)
	}
	return clean, dirty, key, keyFile
}

// answered is a value of the key as SQLite is told it.
func answered(v any) any {
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i
		}
		f, _ := n.Float64()
		return f
	}
	return v
}

// where finds a row by the key's key.
func where(s *Schema, a Answer) (string, []any) {
	t := &s.Tables[s.table(a.Table)]
	names := []string{"rowid"}
	if len(t.Keys) > 0 && t.Keys[0].Primary {
		names = nil
		for _, c := range t.Keys[0].Columns {
			names = append(names, quote(t.Columns[c].Name))
		}
	}
	var args []any
	for _, k := range a.Key {
		args = append(args, answered(k))
	}
	return strings.Join(names, " = ? AND ") + " = ?", args
}

// spoil does to the clean twin what the key says.
func spoil(ctx context.Context, db *sql.DB, s *Schema, key []Answer) error {
	if _, err := db.ExecContext(ctx, "PRAGMA ignore_check_constraints=ON; PRAGMA synchronous=OFF; PRAGMA recursive_triggers=OFF; BEGIN"); err != nil {
		return err
	}
	triggers, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
	if err != nil {
		return err
	}
	var names []string
	for triggers.Next() {
		var n string
		if err := triggers.Scan(&n); err != nil {
			return err
		}
		names = append(names, n)
	}
	for _, n := range names {
		if _, err := db.ExecContext(ctx, "DROP TRIGGER "+quote(n)); err != nil {
			return err
		}
	}
	for _, a := range key {
		if a.Column == "" {
			continue
		}
		cond, args := where(s, a)
		res, err := db.ExecContext(ctx, "UPDATE "+quote(a.Table)+" SET "+quote(a.Column)+" = ? WHERE "+cond+" AND "+quote(a.Column)+" IS ?",
			append(append([]any{answered(a.Dirty)}, args...), answered(a.Clean))...)
		if err != nil {
			return err
		}
		if n, _ := res.RowsAffected(); n != 1 {
			return fmt.Errorf("%v: the clean twin does not hold what the key says", a)
		}
	}
	_, err = db.ExecContext(ctx, "COMMIT")
	return err
}

// dump is every row of a table as SQL text, in key order, without the rows too many.
func dump(t *testing.T, db *sql.DB, table *Table, key []Answer) map[string]string {
	t.Helper()
	var cols []string
	for _, c := range table.Columns {
		cols = append(cols, "quote("+quote(c.Name)+")")
	}
	cond := []string{"rowid"}
	if len(table.Keys) > 0 && table.Keys[0].Primary {
		cond = nil
		for _, c := range table.Keys[0].Columns {
			cond = append(cond, quote(table.Columns[c].Name))
		}
	}
	rows, err := db.QueryContext(t.Context(), "SELECT "+strings.Join(cond, "||'/'||")+", "+strings.Join(cols, "||'|'||")+" FROM "+quote(table.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var k, v sql.NullString
		if err := rows.Scan(&k, &v); err != nil {
			t.Fatal(err)
		}
		out[k.String] = v.String
	}
	for _, a := range key {
		if a.Column == "" && a.Table == table.Name {
			var parts []string
			for _, k := range a.Key {
				parts = append(parts, fmt.Sprint(k))
			}
			k := strings.Join(parts, "/")
			if _, ok := out[k]; !ok {
				t.Errorf("%s %s is in the key as %s, but not in the dataset", a.Table, k, a.Kind)
			}
			delete(out, k)
		}
	}
	return out
}

// TestCleanTwinAndKeyMakeTheMessyOne: the key lists each defect and nothing else.
func TestCleanTwinAndKeyMakeTheMessyOne(t *testing.T) {
	odd := parse(t, `CREATE TABLE p (id INTEGER PRIMARY KEY, n INT NOT NULL CHECK (n % 5 = 2), created_at TEXT NOT NULL, name TEXT, email TEXT UNIQUE, up TEXT AS (upper(name)));
		CREATE TABLE c (a TEXT, b INT NOT NULL REFERENCES p, k INT, note TEXT, price REAL, at TIMESTAMP, PRIMARY KEY (b, k)) WITHOUT ROWID;
		CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, n INT CHECK (n > 3), at TEXT) STRICT;
		CREATE TABLE free (name TEXT, day DATE);`)
	for name, s := range map[string]*Schema{"shop": load(t, "shop"), "chinook": load(t, "chinook"), "sakila": load(t, "sakila"), "odd": odd} {
		t.Run(name, func(t *testing.T) {
			r := recipe(1500)
			r.Mess = 0.05
			clean, dirty, key, _ := messy(t, s, r)
			if err := spoil(t.Context(), clean, s, key); err != nil {
				t.Fatal(err)
			}
			for i := range s.Tables {
				table := &s.Tables[i]
				want, got := dump(t, clean, table, nil), dump(t, dirty, table, key)
				if len(want) != len(got) {
					t.Errorf("%s: %d rows, want %d", table.Name, len(got), len(want))
				}
				bad := 0
				for k, row := range want {
					if got[k] != row && bad < 3 {
						bad++
						t.Errorf("%s %s:\n got %.300s\nwant %.300s", table.Name, k, got[k], row)
					}
				}
			}
		})
	}
}

// TestMessRate: each kind hits the share of rows that the rate says.
func TestMessRate(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 rows")
	}
	s := parse(t, `CREATE TABLE city (id INTEGER PRIMARY KEY, city TEXT);
		CREATE TABLE visit (id INTEGER PRIMARY KEY, city_id INT REFERENCES city, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
		email TEXT NOT NULL, company TEXT, job TEXT, notes TEXT, price REAL, quantity INT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);`)
	for _, rate := range []float64{0.001, 0.02, 0.2} {
		p, err := newPlan(s, Recipe{Seed: 1, Rows: 100_000, Clock: clock, Mess: rate})
		if err != nil {
			t.Fatal(err)
		}
		v := p.tables[1]
		counts := map[string]int{}
		for i := range v.rows {
			seen := map[string]bool{}
			for _, a := range v.mess.row(i, v.values(i)) {
				if !seen[a.Kind] {
					seen[a.Kind] = true
					counts[a.Kind]++
				}
			}
		}
		if err := v.mess.rowsTooMany(func(_ int64, _ []any, a Answer) error { counts[a.Kind]++; return nil }); err != nil {
			t.Fatal(err)
		}
		if d := v.drifted(); d != nil {
			counts[schemaDriftKind] = int(d.n)
		}
		for _, kind := range Defects() {
			if want := rate * 100_000; float64(counts[kind]) < 0.9*want || float64(counts[kind]) > 1.1*want {
				t.Errorf("at rate %g there are %d rows with %s, want %g ± 10 %%", rate, counts[kind], kind, want)
			}
		}
		t.Logf("rate %g: %v", rate, counts)
	}
}
