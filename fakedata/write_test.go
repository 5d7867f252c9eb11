package fakedata

import (
	"bufio"
	"crypto/sha256"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// pureSchema needs SQLite's word for nothing, so that workers write its rows.
const pureSchema = `CREATE TABLE people (id INTEGER PRIMARY KEY, first_name TEXT, email TEXT UNIQUE, birth_date TEXT, bio TEXT, balance REAL, active BOOLEAN, photo BLOB);
	CREATE TABLE orders (id INTEGER PRIMARY KEY, person_id INT NOT NULL REFERENCES people, total REAL, created_at TEXT NOT NULL, note TEXT);
	CREATE TABLE order_lines (order_id INT REFERENCES orders, line INT, price REAL, quantity INT, PRIMARY KEY (order_id, line));`

// TestFormatsHoldTheSameRows: whatever the format and whoever makes the rows.
func TestFormatsHoldTheSameRows(t *testing.T) {
	for name, s := range map[string]*Schema{"pure": parse(t, pureSchema), "shop": load(t, "shop"), "sakila": load(t, "sakila")} {
		for _, mess := range []float64{0, 0.05} {
			t.Run(fmt.Sprintf("%s/%g", name, mess), func(t *testing.T) {
				r := recipe(3000)
				r.Mess = mess
				r.Plan = "[defects]\nschema_drift = 0\n" // one file for each table
				p, err := newPlan(s, r)
				if err != nil {
					t.Fatal(err)
				}
				if p.pure() != (name != "sakila" && mess == 0) {
					t.Fatalf("pure: %t", p.pure())
				}
				db, _ := generate(t, s, r)
				dir := t.TempDir()
				for _, f := range []Format{FormatCSV, FormatJSONL, FormatSQLiteSQL} {
					to := Target{Path: filepath.Join(dir, string(f)), Format: f}
					if err := Generate(t.Context(), s, r, to, nil); err != nil {
						t.Fatal(err)
					}
					if left, _ := filepath.Glob(filepath.Join(dir, ".fakedata*")); len(left) > 0 {
						t.Errorf("left over: %v", left)
					}
				}
				copied, err := sql.Open("sqlite", ":memory:")
				if err != nil {
					t.Fatal(err)
				}
				defer copied.Close()
				copied.SetMaxOpenConns(1)
				script, err := os.ReadFile(filepath.Join(dir, "sql"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := copied.ExecContext(t.Context(), "PRAGMA ignore_check_constraints=ON;"+string(script)); err != nil {
					t.Fatal(err)
				}
				for i := range s.Tables {
					table := &s.Tables[i]
					want, got := dump(t, db, table, nil), dump(t, copied, table, nil)
					if len(want) == 0 || len(want) != len(got) {
						t.Errorf("%s: %d rows in SQLite, %d of the script", table.Name, len(want), len(got))
					}
					for k := range want {
						if want[k] != got[k] {
							t.Fatalf("%s %s:\nSQLite %s\nscript %s", table.Name, k, want[k], got[k])
						}
					}
					countRecords(t, dir, table, len(want))
				}
			})
		}
	}
}

// countRecords reads a table's CSV and JSONL and compares them with each other.
func countRecords(t *testing.T, dir string, table *Table, rows int) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "csv", table.Name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) != rows+1 {
		t.Fatalf("%s.csv: %d records for %d rows, %v", table.Name, len(records), rows, err)
	}
	g, err := os.Open(filepath.Join(dir, "jsonl", table.Name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	lines := bufio.NewScanner(g)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var object map[string]any
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil {
			t.Fatalf("%s.jsonl: %v in %q", table.Name, err, lines.Text())
		}
		for k, name := range records[0] {
			text, ok := object[name].(string)
			if cell := records[n+1][k]; ok && text != cell && !strings.HasPrefix(cell, `\x`) && !strings.Contains(text, "\r\n") {
				t.Fatalf("%s.%s: %q in JSONL, %q in CSV", table.Name, name, text, cell)
			}
		}
	}
	if n != rows {
		t.Errorf("%s.jsonl: %d lines for %d rows", table.Name, n, rows)
	}
}

// TestWorkersChangeNothing: one processor or five, the same bytes.
func TestWorkersChangeNothing(t *testing.T) {
	s := parse(t, pureSchema)
	sums := map[string]bool{}
	for _, n := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(n)
		dir := filepath.Join(t.TempDir(), "x")
		err := Generate(t.Context(), s, recipe(20_000), Target{Path: dir, Format: FormatCSV}, nil)
		db := dir + ".db"
		if err == nil {
			err = Generate(t.Context(), s, recipe(20_000), Target{Path: db}, nil)
		}
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for _, table := range s.Tables {
			fmt.Fprint(h, fingerprint(t, filepath.Join(dir, table.Name+".csv")))
		}
		fmt.Fprint(h, fingerprint(t, db))
		sums[fmt.Sprintf("%x", h.Sum(nil))] = true
	}
	if len(sums) != 1 {
		t.Errorf("%d different datasets", len(sums))
	}
}
