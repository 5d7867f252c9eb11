package fakedata

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestBadScripts(t *testing.T) {
	t.Chdir(t.TempDir())
	var wide, many, refs strings.Builder
	for i := range 300 {
		fmt.Fprintf(&refs, "CREATE TABLE r%d (x%s);", i, strings.Repeat(" REFERENCES a", 10))
	}
	wide.WriteString("CREATE TABLE a (c0")
	for i := range 10_000 {
		fmt.Fprintf(&wide, ", c%d INT", i+1)
		if i < 600 {
			fmt.Fprintf(&many, "CREATE TABLE t%d (x);\n", i)
		}
	}
	for _, c := range []struct{ name, ddl, want string }{
		{"empty", "", "creates no table"},
		{"blank", " \n\t -- nothing\n/* here */ ;;", "creates no table"},
		{"only data", "INSERT INTO a VALUES (1);", "creates no table"},
		{"only a view", "CREATE VIEW v AS SELECT 1", "creates no table"},
		{"misspelt", "CREATE TABLE a (x INT);\n\nCREATE TABEL b (y INT);", `line 3: near "TABEL": syntax error`},
		{"later line", "CREATE TABLE a (\n  x INT,\n  y INT NOT NUL\n);", `line 3: near "NUL": syntax error`},
		{"another dialect", "CREATE TABLE a (x INT);\nSET NAMES utf8;", `line 2: near "SET": syntax error`},
		{"cut off", "CREATE TABLE a (x INT", "line 1: incomplete input"},
		{"prose", "This is not SQL at all.", `near "This"`},
		{"twice", "CREATE TABLE a (x); CREATE TABLE a (x);", "already exists"},
		{"missing parent", "CREATE TABLE a (x INT REFERENCES b);", `refers to table "b", which does not exist`},
		{"no key there", "CREATE TABLE b (y INT); CREATE TABLE a (x INT REFERENCES b(y));", "no key of it"},
		{"missing column", "CREATE TABLE b (y INT PRIMARY KEY); CREATE TABLE a (x INT REFERENCES b(z));", "no key of it"},
		{"attach", "ATTACH 'stolen.db' AS x; CREATE TABLE x.a (y)", "ATTACH is refused"},
		{"attach by comment", "/* */ attach 'stolen.db' AS x;", "ATTACH is refused"},
		{"virtual", "CREATE VIRTUAL TABLE a USING fts5(x)", "virtual tables are not supported"},
		{"temporary", "CREATE TEMP TABLE a (x)", "temporary"},
		{"vacuum into", "VACUUM INTO 'stolen.db'", "creates no table"},
		{"endless query", "CREATE TABLE a AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT x FROM r", "not authorized"},
		{"extension", "CREATE TABLE a AS SELECT load_extension('/tmp/x.so')", "line 1"},
		{"pragma function", "CREATE TABLE a (x DEFAULT (1)); CREATE INDEX i ON a (x) WHERE 1 = (SELECT 1)", "line 1"},
		{"10,000 columns", wide.String() + ")", "too many columns"},
		{"600 tables", many.String(), "600 tables"},
		{"3,000 references", "CREATE TABLE a (id INTEGER PRIMARY KEY);" + refs.String(), "more than 2000"},
		{"too large", strings.Repeat("-", maxDDL+1), "larger than"},
		{"not text", "CREATE TABLE a (x \xff)", "not UTF-8"},
		{"NUL", "CREATE TABLE a (x)\x00;", "NUL byte"},
		{"deep", "CREATE TABLE a (x CHECK (" + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + "))", "line 1"},
		{"escape codes", "CREATE TABLE a (x); \x1b[2Jboo;", "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(t.Context(), "bad", c.ddl)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q in it", err, c.want)
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) || len(err.Error()) > 500 {
				t.Errorf("not one short, harmless line: %q", err)
			}
		})
	}
	if left, _ := filepath.Glob("*"); len(left) != 0 {
		t.Errorf("a script made files: %v", left)
	}
}

func TestParseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Parse(ctx, "x", "CREATE TABLE a (x)"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestParseReadsTheStructure(t *testing.T) {
	s := parse(t, `CREATE TABLE child (id INTEGER PRIMARY KEY, parent INT REFERENCES parent, n AS (id+1), CONSTRAINT few CHECK (id < 9));
		CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(9) NOT NULL DEFAULT 'x' UNIQUE);`)
	if len(s.Tables) != 2 || s.Tables[0].Name != "parent" || s.Tables[1].Name != "child" {
		t.Fatalf("tables %+v, want parent before child", s.Tables)
	}
	parent, child := s.Tables[0], s.Tables[1]
	if got := parent.Columns[1]; got != (Column{Name: "name", Type: "VARCHAR(9)", Default: "'x'", NotNull: true}) {
		t.Errorf("column %+v", got)
	}
	if len(parent.Keys) != 2 || !parent.Keys[0].Primary || !slices.Equal(parent.Keys[1].Columns, []int{1}) {
		t.Errorf("keys %+v", parent.Keys)
	}
	if len(child.ForeignKeys) != 1 || child.ForeignKeys[0].Table != 0 || !slices.Equal(child.ForeignKeys[0].To, []int{0}) {
		t.Errorf("foreign keys %+v", child.ForeignKeys)
	}
	if len(child.Checks) != 1 || child.Checks[0] != (Check{Name: "few", Expr: "id < 9"}) {
		t.Errorf("checks %+v", child.Checks)
	}
	if !child.Columns[2].Generated {
		t.Errorf("column %+v is computed", child.Columns[2])
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "my things.sql")
	if err := os.WriteFile(path, []byte("\ufeffCREATE TABLE a (x);"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(t.Context(), path)
	if err != nil || s.Name != "my things" || len(s.Tables) != 1 {
		t.Errorf("schema %+v, %v", s, err)
	}
	for name, want := range map[string]string{
		"shpo": "did you mean shop?", "elephants": "helpdesk, hr, saas, shop", "": "Built in: bank",
		"missing.sql": "no such file", dir: "not a regular file", "../shop": "no such file",
	} {
		if _, err := Load(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Load(%q): error %v, want %q in it", name, err, want)
		}
	}
	if names := Builtins(); !slices.Contains(names, "shop") || !slices.IsSorted(names) {
		t.Errorf("built in: %v", names)
	}
	for _, name := range Builtins() {
		if _, err := Builtin(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := Builtin("../shop"); err == nil {
		t.Error("a path counts as a built-in name")
	}
}

func TestStatements(t *testing.T) {
	script := "CREATE TABLE a(x TEXT DEFAULT ';'); -- ; no\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n" +
		"  UPDATE a SET x = CASE WHEN 1 THEN ';' END; DELETE FROM a;\nEND;\n/* ; */ CREATE VIEW \";\" AS SELECT 1"
	var got []string
	for _, st := range statements(script) {
		got = append(got, fmt.Sprintf("%d:%.14s", st.line, st.text))
	}
	want := []string{"1:CREATE TABLE a", "2:CREATE TRIGGER", "5:CREATE VIEW \";"}
	if !slices.Equal(got, want) {
		t.Errorf("statements %q, want %q", got, want)
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"CustomerID": "customer id", "first_name": "first name", "PostalCode": "postcode code", "addressLine2": "address line 2",
		"HTTPServerURL": "http server url", "created-at": "created at", "EMAIL": "email", "qty": "quantity", "名前": "名前", "": "", "$$": "$$",
	} {
		if got := strings.Join(words(name), " "); got != want {
			t.Errorf("words(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestInference(t *testing.T) {
	s := parse(t, `CREATE TABLE users (id INTEGER PRIMARY KEY, UserName TEXT, pwd_hash CHAR(64), emailAddress TEXT, dob DATE, homePhone TEXT,
		addr1 TEXT, zip TEXT, lat REAL, isAdmin INT, last_login_at TEXT, ip_addr TEXT, avatar_url TEXT, salary NUMERIC, job_title TEXT, bio TEXT,
		fname TEXT, LName TEXT, ctry TEXT, company_name TEXT, prefs JSON, guid TEXT, marital_status TEXT, signup_date INTEGER, age INT, "e-mail" TEXT, full_name TEXT)`)
	p, err := newPlan(s, recipe(10))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`plain username password email birth phone street postcode latitude bool time ip url money job prose
		first last country company json uuid status time age email person`)
	for i, c := range p.tables[0].cols {
		if c.kind != want[i] {
			t.Errorf("%s is made as %s, want %s", c.Name, c.kind, want[i])
		}
	}
}

func FuzzParse(f *testing.F) {
	shop, err := schemaFiles.ReadFile("schemas/shop.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(shop), "", ";", "CREATE TABLE a(x)", "CREATE TABLE a(x CHECK (x BETWEEN 1 AND 2 OR x IN ('a')))", "CREATE TABLE \"\"\"\"(\"\")",
		"CREATE TRIGGER t BEGIN END; END", "CREATE TABLE a(x INT REFERENCES a)", "CREATE TABLE a(x, y, UNIQUE(x,y), FOREIGN KEY(x,y) REFERENCES a(x,y))",
		"CREATE TABLE a(x PRIMARY KEY) WITHOUT ROWID; CREATE TABLE b(y REFERENCES a, z INT CHECK(z>1 AND z<'q'))", "[", "'", "/*", "CREATE TABLE a(x AS (1))",
		"CREATE TABLE a(x CHECK (x GLOB '[a-'))", "CREATE UNIQUE INDEX i ON a(lower(x))", "CREATE TABLE a(x CHECK (x LIKE '%') CHECK (length(x) = 3))",
		"CREATE TABLE a(x DECIMAL(99999999999,9)); CREATE TABLE b(x VARCHAR(0) UNIQUE)", "CREATE TABLE a(i INT, j INT, k INT, UNIQUE(i,j), UNIQUE(j,k), UNIQUE(k,i))",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ddl string) {
		if len(ddl) > 4096 {
			t.Skip()
		}
		s, err := Parse(t.Context(), "fuzz", ddl)
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("control bytes in %q", err)
			}
			return
		}
		Describe(s, recipe(5))
		path := filepath.Join(t.TempDir(), "x.db")
		err = Generate(t.Context(), s, recipe(5), Target{Path: path}, nil)
		if _, e := os.Stat(path); (e == nil) != (err == nil) {
			t.Errorf("error %v, but the file: %v", err, e)
		}
	})
}
