package fakedata

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planted is a value that occurs nowhere but in the rows of a file.
func planted(i int) string { return fmt.Sprintf("zqxv%05dwyk", i*7919%100_000) }

// nothingPlanted fails if any file below dir holds one of the planted values.
func nothingPlanted(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if files++; err == nil && bytes.Contains(bytes.ToLower(data), []byte("zqxv")) {
			t.Errorf("%s holds a planted value", path)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files looked through, %v", files, err)
	}
}

// make all of what can be made of a schema.
func everything(t *testing.T, s *Schema, dir string) {
	t.Helper()
	r := recipe(200)
	r.Mess = 0.05
	for _, f := range []Format{FormatSQLite, FormatCSV, FormatJSONL, FormatSQLiteSQL} {
		to := Target{Path: filepath.Join(dir, string(f)), Format: f, Answers: filepath.Join(dir, "answers-"+string(f))}
		if err := Generate(t.Context(), s, r, to, nil); err != nil {
			t.Fatal(err)
		}
	}
	text := writePlan(t, s, recipe(10)) + Describe(s, recipe(10)) + s.DDL
	if err := os.WriteFile(filepath.Join(dir, "plan"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNoValueOfASQLiteFileGetsIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "real.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{
		"PRAGMA journal_mode=WAL", "CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, -- such as zqxv00001wyk\n email TEXT UNIQUE, notes TEXT)",
		"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT NOT NULL REFERENCES customers, status TEXT, total REAL)",
		"CREATE INDEX by_status ON orders (status)", "CREATE VIEW v AS SELECT * FROM orders /* zqxv00002wyk */",
		"CREATE VIRTUAL TABLE found USING fts5(body)", "INSERT INTO found VALUES ('zqxv00003wyk')",
	} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 300 {
		v := planted(i)
		if _, err := db.ExecContext(t.Context(), "INSERT INTO customers VALUES (?, ?, ?, ?)", i, v, v+"@"+v+".example", strings.Repeat(v+" ", 50)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO orders VALUES (?, ?, ?, 1)", i, i, v); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(t.Context(), path) // while it is open, with a log beside it
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Tables) != 2 || len(s.Tables[1].ForeignKeys) != 1 {
		t.Errorf("the structure is %+v", s.Tables)
	}
	dir := t.TempDir()
	everything(t, s, dir)
	nothingPlanted(t, dir)
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestNoValueOfACSVFileGetsIn(t *testing.T) {
	for name, header := range map[string]string{
		"people.csv": "id,First Name,last_name,E-Mail,City,notes\n", "semi.csv": "\ufeffCustomer;E-Mail;Amount\r\n", "tabs.tsv": "email\tphone\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			text := header
			for i := range 500 {
				text += strings.Join([]string{fmt.Sprint(i), planted(i), planted(i + 1), planted(i) + "@x.example"}, ",") + "\n"
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Load(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			everything(t, s, dir)
			nothingPlanted(t, dir)
		})
	}
	for header, want := range map[string]string{
		"17,Anna,anna@example.com\n": "looks like data", "zqxvAnna,zqxvBerg\n": "can be understood", "id,,name\n": "empty",
		"name,Name\n": "twice", "": "no CSV header", "name,2024-01-01\n": "looks like data",
	} {
		path := filepath.Join(t.TempDir(), "x.csv")
		if err := os.WriteFile(path, []byte(header), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "zqxv") {
			t.Errorf("%q: error %v, want %q", header, err, want)
		}
	}
}
