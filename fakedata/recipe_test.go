package fakedata

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func fingerprint(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// TestGolden fails when the output of a recipe changes. If that is what you
// want, raise Generator as well, and put the new sum here.
func TestGolden(t *testing.T) {
	golden := map[string]string{
		// sums
		"bank":     "d5c4249abbbdf956 271a24378a1ae955",
		"clinic":   "f415027c97234ccf ed58ab0d34a07d98",
		"helpdesk": "942dd6054ff0de1c 1a01b6ca8f2e047f",
		"hr":       "034e8c493ac98d83 ae9def371c034a22",
		"saas":     "2818b0e943b534f7 cf852542eebc33dc",
		"shop":     "33bf6d34c6314b9f 794dccc10e042203",
	}
	for _, name := range Builtins() {
		r := recipe(300)
		_, clean := generate(t, load(t, name), r)
		r.Mess = 0.05
		_, messy := generate(t, load(t, name), r)
		if got := fingerprint(t, clean)[:16] + " " + fingerprint(t, messy)[:16]; got != golden[name] {
			t.Errorf("the dataset of the same recipe is another one:\n%q: %q,", name, got)
		}
	}
}

// TestGeneratorNamesItsVersions: an upgrade of either changes the bytes.
func TestGeneratorNamesItsVersions(t *testing.T) {
	db, _ := generate(t, load(t, "shop"), recipe(1))
	var version string
	if err := db.QueryRowContext(t.Context(), "SELECT sqlite_version()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(mod), "brianvoe/gofakeit/v7 v")
	gofakeit, _, _ := strings.Cut(after, "\n")
	if want := "gofakeit/" + gofakeit + " sqlite/" + version; !strings.HasSuffix(Generator, want) {
		t.Errorf("Generator is %q, but this is %q: the bytes of old recipes change; name the new versions", Generator, want)
	}
}

// TestSameBytes makes one dataset twice here and once in each of several
// processes that see another machine.
func TestSameBytes(t *testing.T) {
	if path := os.Getenv("FAKEDATA_TEST_OUT"); path != "" {
		s, err := Load(t.Context(), os.Getenv("FAKEDATA_TEST_SCHEMA"))
		if err != nil {
			t.Fatal(err)
		}
		if err := Generate(t.Context(), s, recipe(400), Target{Path: path}, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range []string{"shop", "chinook", "sakila"} {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			_, first := generate(t, s, recipe(400))
			want := fingerprint(t, first)
			_, second := generate(t, s, recipe(400))
			if got := fingerprint(t, second); got != want {
				t.Errorf("second time in one process: %s, want %s", got, want)
			}
			arg := name
			if name != "shop" {
				arg = filepath.Join("..", "..", "shared", "schemas", name+".sql")
			}
			for _, env := range [][]string{
				{"GOMAXPROCS=1", "TZ=Asia/Kathmandu", "LC_ALL=C"},
				{"GOMAXPROCS=7", "TZ=America/St_Johns", "LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8"},
			} {
				path := filepath.Join(t.TempDir(), "other.db")
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSameBytes$")
				cmd.Env = append(append(os.Environ(), env...), "FAKEDATA_TEST_OUT="+path, "FAKEDATA_TEST_SCHEMA="+arg)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if got := fingerprint(t, path); got != want {
					t.Errorf("process with %v: %s, want %s", env, got, want)
				}
			}
			other := recipe(400)
			other.Clock = clock.In(time.FixedZone("elsewhere", -5*3600)).Add(time.Millisecond)
			_, path := generate(t, s, other)
			if got := fingerprint(t, path); got != want {
				t.Errorf("same moment, another zone: %s, want %s", got, want)
			}
			other.Seed++
			_, path = generate(t, s, other)
			if fingerprint(t, path) == want {
				t.Error("another seed gave the same bytes")
			}
		})
	}
}

// rowsOf returns a table's columns, as text, in key order.
func rowsOf(t *testing.T, s *Schema, r Recipe, table string, cols ...string) []string {
	t.Helper()
	db, _ := generate(t, s, r)
	rows, err := db.QueryContext(t.Context(), "SELECT concat_ws('|', "+strings.Join(cols, ", ")+") FROM "+table+" ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	return out
}

func TestMoreColumnsAndTablesChangeNothingElse(t *testing.T) {
	shop := load(t, "shop")
	tables := map[string][]string{
		"customers": {"id", "first_name", "last_name", "email", "phone", "status", "newsletter", "created_at", "updated_at"},
		"orders":    {"id", "customer_id", "shipping_address_id", "status", "total_cents", "created_at", "updated_at", "shipped_at", "delivered_at"},
		"products":  {"id", "category_id", "sku", "name", "description", "price_cents", "stock", "active", "created_at"},
		"tickets":   {"id", "customer_id", "order_id", "subject", "body", "priority", "status", "opened_at", "closed_at"},
	}
	more := map[string]string{
		"columns": strings.NewReplacer(
			"email       TEXT NOT NULL UNIQUE,", "birth_date DATE, email TEXT NOT NULL UNIQUE, city TEXT, deleted_at TEXT, gender TEXT,",
			"sku          TEXT NOT NULL UNIQUE,", "weight REAL, sku TEXT NOT NULL UNIQUE, color TEXT,",
			"shipped_at           TEXT,", "cancelled_at TEXT, shipped_at TEXT, note TEXT,",
			"subject      TEXT NOT NULL,", "channel TEXT, subject TEXT NOT NULL,",
		).Replace(shop.DDL),
		"tables": "CREATE TABLE aaa (id INTEGER PRIMARY KEY, name TEXT);" + shop.DDL +
			"CREATE TABLE wishes (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, product_id INTEGER NOT NULL REFERENCES products);" +
			"CREATE TABLE order_notes (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, note TEXT);",
	}
	for what, ddl := range more {
		wide := parse(t, ddl)
		for table, cols := range tables {
			want, got := rowsOf(t, shop, recipe(500), table, cols...), rowsOf(t, wide, recipe(500), table, cols...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("more %s: table %s changed:\n%.600s", what, table, diff)
			}
		}
	}
}

// TestOneMoreColumnInEachTable: nothing else changes, in any built-in schema.
func TestOneMoreColumnInEachTable(t *testing.T) {
	for _, name := range Builtins() {
		s := load(t, name)
		ddl := s.DDL + "\nCREATE TABLE aaa_extra (id INTEGER PRIMARY KEY, name TEXT);"
		for _, table := range s.Tables {
			ddl += "\nALTER TABLE " + quote(table.Name) + " ADD COLUMN edited_at TEXT;\nALTER TABLE " + quote(table.Name) + " ADD COLUMN came_in_at TEXT;\nALTER TABLE " + quote(table.Name) + " ADD COLUMN remark TEXT;"
		}
		old, err := newPlan(s, recipe(400))
		if err != nil {
			t.Fatal(err)
		}
		wide, err := newPlan(parse(t, ddl), recipe(400))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range old.tables {
			b := wide.tables[slices.IndexFunc(wide.tables, func(u *table) bool { return u.Name == a.Name })]
			for _, c := range a.cols {
				for i := range a.rows {
					if was, is := c.cell(i), b.cols[c.index].cell(i); show(was) != show(is) {
						t.Fatalf("%s: %s.%s, row %d: %v has become %v", name, a.Name, c.Name, i, was, is)
					}
				}
			}
		}
	}
}

func TestPreviewIsWhatGenerateWrites(t *testing.T) {
	opaque := parse(t, `CREATE TABLE p (id INTEGER PRIMARY KEY, n INT NOT NULL CHECK (n % 5 = 2), created_at TEXT NOT NULL, name TEXT);
		CREATE TABLE c (id INTEGER PRIMARY KEY, p INT NOT NULL REFERENCES p, n INT NOT NULL CHECK (n % 3 = 1), created_at TEXT);`)
	for _, s := range []*Schema{load(t, "shop"), opaque} {
		r := recipe(200)
		previews, err := Preview(t.Context(), s, r, 20)
		if err != nil {
			t.Fatal(err)
		}
		db, _ := generate(t, s, r)
		for _, p := range previews {
			if n := one(t, db, "SELECT count(*) FROM "+quote(p.Table)); n != p.Total {
				t.Errorf("%s: preview says %d rows, there are %d", p.Table, p.Total, n)
			}
			rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+quote(p.Table)+" ORDER BY rowid LIMIT 20")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var got [][]string
			for rows.Next() {
				vals, ptrs := make([]any, len(p.Columns)), make([]any, len(p.Columns))
				for i := range vals {
					ptrs[i] = &vals[i]
				}
				if err := rows.Scan(ptrs...); err != nil {
					t.Fatal(err)
				}
				var line []string
				for _, v := range vals {
					line = append(line, show(v))
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(got, p.Rows); diff != "" {
				t.Errorf("%s: written (-) and previewed (+) differ:\n%.600s", p.Table, diff)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	s := load(t, "shop")
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.db")
	if err := os.WriteFile(taken, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*Recipe)) Recipe {
		r := recipe(10)
		f(&r)
		return r
	}
	for want, c := range map[string]struct {
		r    Recipe
		path string
	}{
		"mess is 0.51":           {change(func(r *Recipe) { r.Mess = 0.51 }), "a.db"},
		"mess is -1":             {change(func(r *Recipe) { r.Mess = -1 }), "a.db"},
		"rows is 0":              {change(func(r *Recipe) { r.Rows = 0 }), "a.db"},
		"rows is -3":             {change(func(r *Recipe) { r.Rows = -3 }), "a.db"},
		"rows is 2000000000":     {change(func(r *Recipe) { r.Rows = 2_000_000_000 }), "a.db"},
		"no clock":               {change(func(r *Recipe) { r.Clock = time.Time{} }), "a.db"},
		"the year must be":       {change(func(r *Recipe) { r.Clock = time.Date(99, 1, 1, 0, 0, 0, 0, time.UTC) }), "a.db"},
		`generator "fakedata/0"`: {change(func(r *Recipe) { r.Generator = "fakedata/0" }), "a.db"},
		"DDL is not that":        {change(func(r *Recipe) { r.DDL = "CREATE TABLE a(x)" }), "a.db"},
		"file exists":            {recipe(10), "taken.db"},
		"no such file":           {recipe(10), "missing/a.db"},
	} {
		err := Generate(t.Context(), s, c.r, Target{Path: filepath.Join(dir, c.path)}, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
	if data, err := os.ReadFile(taken); err != nil || string(data) != "precious" {
		t.Errorf("the file that was in the way is now %q, %v", data, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	err := Generate(ctx, load(t, "shop"), recipe(20_000), Target{Path: filepath.Join(dir, "x.db")}, func(done, _ int64) {
		if done > 5000 {
			cancel()
		}
	})
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error %v, want it to be canceled", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestFileIsPlain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name? #1%20.db")
	var done, total int64
	if err := Generate(t.Context(), load(t, "shop"), recipe(50), Target{Path: path}, func(d, n int64) { done, total = d, n }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if done != total || total == 0 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("more than one file: %v", left)
	}
	head := make([]byte, 20)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(head); err != nil || !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) || head[18] != 1 || head[19] != 1 {
		t.Errorf("header %q, %v: want a database in rollback-journal mode", head, err)
	}
}

func TestMemoryDoesNotGrowWithRows(t *testing.T) {
	peak := func(rows int) uint64 {
		var most uint64
		path := filepath.Join(t.TempDir(), "x.db")
		err := Generate(t.Context(), load(t, "shop"), recipe(rows), Target{Path: path}, func(done, _ int64) {
			if done%8192 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return most
	}
	small, large := peak(2_000), peak(20_000)
	if large > small+small/5+1<<20 {
		t.Errorf("live heap: %d bytes at 2,000 rows, %d at 20,000", small, large)
	}
}

func TestDescribe(t *testing.T) {
	text := Describe(load(t, "shop"), recipe(10_000))
	for _, want := range []string{
		"synthetic", "2026-11-23", "## orders (3000 rows)", "- customer_id INTEGER, → customers.id", "- email TEXT, unique",
		"one of pending | paid", "primary key: (order_id, line_no)", "- shipped_at TEXT, may be NULL",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("DATA.md lacks %q:\n%s", want, text)
		}
	}
	if hostile := Describe(parse(t, "CREATE TABLE \"a\n# b\" (\"c\x1b[31m\" TEXT)"), recipe(1)); strings.ContainsAny(hostile, "\x1b") ||
		strings.Contains(hostile, "\n# b") {
		t.Errorf("a name got through unchanged: %q", hostile)
	}
	if text := Describe(load(t, "shop"), Recipe{}); !strings.HasPrefix(text, "No dataset: ") {
		t.Errorf("no reason given: %q", text)
	}
}

// TestNoClock: the only now is the recipe's.
func TestNoClock(t *testing.T) {
	for _, pattern := range []string{"*.go", "dialect/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(f, "_test.go") && regexp.MustCompile(`time\.(Now|Since|Until|Local)\b|math/rand"`).Match(text) {
				t.Errorf("%s looks at a clock or rolls dice of its own", f)
			}
		}
	}
}
