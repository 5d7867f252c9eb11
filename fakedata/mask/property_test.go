package mask

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pairs are the rows of a table before and after.
type pairs struct {
	t           *table
	rows, after [][]any
}

// pair masks a file and keeps what became of what.
func pair(t *rapid.T, from, dir, text string) (all []*pairs, p *plan) {
	quiet := func(string, int64, int64) {}
	ctx := t.Context()
	src, err := open(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	sv, err := survey(ctx, src, quiet)
	if err != nil {
		t.Fatal(err)
	}
	p, err = newPlan(src, sv, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := sv.remember(ctx, src, p, quiet); err != nil {
		t.Fatal(err)
	}
	led, err := openLedger(ctx, filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer led.close()
	m := &masker{key: testKey, plan: p, originals: sv.originals, ledger: led}
	for i, tab := range p.tables {
		pr := &pairs{t: tab}
		all = append(all, pr)
		if err := src.each(ctx, i, "", "", func(row []any) error {
			pr.rows = append(pr.rows, copied(row))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := m.table(ctx, src, tab, pr, quiet); err != nil {
			t.Fatal(err)
		}
	}
	return all, p
}

func copied(row []any) []any {
	out := slices.Clone(row)
	for i, v := range out {
		if b, ok := v.([]byte); ok {
			out[i] = append([]byte{}, b...)
		}
	}
	return out
}

func (p *pairs) row(_ int, values []any) error {
	p.after = append(p.after, copied(values))
	return nil
}

func (p *pairs) finish(context.Context) error { return nil }

func (p *pairs) close() error { return nil }

// Whatever a database holds: NULLs and kinds stay, a value and its pseudonym
// determine each other, references lead where they led, nothing that tells
// anything stays where it was, and the whole passes its own search.
func TestAnyDatabase(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		from := filepath.Join(dir, "real.db")
		build(t, from)
		all, p := pair(t, from, dir, "")
		for _, pr := range all {
			checkPairs(t, pr)
		}
		if !slices.ContainsFunc(p.tables, func(t *table) bool { return len(t.cols) > 0 }) {
			t.Fatal("no column")
		}
		var twins [2][]byte
		for i := range twins {
			to := filepath.Join(dir, fmt.Sprintf("twin%d.db", i))
			if _, err := File(t.Context(), from, to, Options{Key: testKey}); err != nil {
				t.Fatal(err)
			}
			if twins[i], err = os.ReadFile(to); err != nil {
				t.Fatal(err)
			}
			if broken := query(t, to, "SELECT count(*) FROM pragma_foreign_key_check"); broken != 0 {
				t.Fatalf("%d references lead nowhere", broken)
			}
			for _, tab := range p.tables {
				count := "SELECT count(*) FROM " + quote(tab.Name)
				if a, b := query(t, from, count), query(t, to, count); a != b {
					t.Fatalf("%s: %d rows became %d", tab.Name, a, b)
				}
			}
			// A reference that nobody declared: the same rows join.
			join := "SELECT count(*) FROM b JOIN a ON a.mail = b.mail"
			if a, b := query(t, from, join), query(t, to, join); a != b {
				t.Fatalf("%d pairs of equal mails became %d", a, b)
			}
		}
		if !bytes.Equal(twins[0], twins[1]) {
			t.Fatal("the same key gave other bytes")
		}
	})
}

func query(t *rapid.T, path, q string) (n int64) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), q).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func checkPairs(t *rapid.T, p *pairs) {
	for c, col := range p.t.cols {
		there, back := map[string]string{}, map[string]string{}
		for r, row := range p.rows {
			was, is := row[c], p.after[r][c]
			if fmt.Sprintf("%T", was) != fmt.Sprintf("%T", is) {
				t.Fatalf("%s (%s): %T %v became %T %v", col.name(), col.method, was, was, is, is)
			}
			a, b := fmt.Sprintf("%T %v", was, was), fmt.Sprintf("%T %v", is, is)
			if col.method == methodKeep {
				if a != b {
					t.Fatalf("%s is kept, but %s became %s", col.name(), a, b)
				}
				continue
			}
			if s, ok := was.(string); ok && telling(foldText(s)) && col.method != methodNumber && s == is && !never(s) {
				t.Fatalf("%s (%s): %q stays", col.name(), col.method, s)
			}
			if n, ok := was.(float64); ok && math.IsNaN(n) {
				continue
			}
			byOwner := col.method == methodNumber || col.method == methodDate || col.method == methodJSON
			if s, ok := was.(string); ok && isObject(s) {
				byOwner = true
			}
			if byOwner && !col.exact {
				continue
			}
			if old, ok := there[a]; ok && old != b {
				t.Fatalf("%s (%s): %s became %s and %s", col.name(), col.method, a, old, b)
			}
			if old, ok := back[b]; ok && old != a {
				t.Fatalf("%s (%s): %s and %s became %s", col.name(), col.method, old, a, b)
			}
			there[a], back[b] = b, a
		}
	}
}

// build makes a database of odd tables, names and values.
func build(t *rapid.T, path string) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=journal_mode(off)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(q string, args ...any) {
		if _, err := db.ExecContext(t.Context(), q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	names := []string{
		"email", "phone", "full_name", "status", "notes", "created_at", "birth_date", "amount", "quantity", "frob", "meta_json", "is_ok",
		"iban", "ip", "url", "city", "payload", `odd "name"`, "名前", "order", "token", "age", "x y", "rating", "year",
	}
	types := []string{"", "TEXT", "INTEGER", "REAL", "BLOB", "VARCHAR(20)", "DATETIME", "NUMERIC"}
	cols := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 6, rapid.ID[string]).Draw(t, "columns")
	extra := ""
	for _, c := range cols {
		extra += ", " + quote(c) + " " + rapid.SampledFrom(types).Draw(t, "type")
		if rapid.Float64Range(0, 1).Draw(t, "unique") < 0.15 {
			extra += " UNIQUE"
		}
	}
	key := rapid.SampledFrom([]string{"INTEGER PRIMARY KEY", "TEXT PRIMARY KEY NOT NULL", "INTEGER PRIMARY KEY AUTOINCREMENT"}).Draw(t, "key")
	run("CREATE TABLE a (id " + key + ", mail TEXT, boss REFERENCES a(id)" + extra + ")")
	run("CREATE TABLE b (n INTEGER, code TEXT, a_id REFERENCES a(id), mail TEXT, PRIMARY KEY (n, code)) " + rapid.SampledFrom([]string{"", "WITHOUT ROWID"}).Draw(t, "rowid"))
	run("CREATE TABLE c (n INTEGER, code TEXT" + extra + ", FOREIGN KEY (n, code) REFERENCES b (n, code))")
	mails := rapid.SliceOfN(anyValue().Filter(steady), 3, 6).Draw(t, "mails")
	ids := map[string]any{}
	for i := range rapid.IntRange(0, 12).Draw(t, "rows") {
		id := any(int64(i*i*i + 1))
		if strings.HasPrefix(key, "TEXT") {
			id = fmt.Sprint(rapid.String().Draw(t, "id"), i)
		}
		args := []any{id, rapid.SampledFrom(mails).Draw(t, "mail"), nil}
		if i > 2 && rapid.Bool().Draw(t, "boss") {
			for _, boss := range ids {
				args[2] = boss
			}
		}
		for range cols {
			args = append(args, anyValue().Draw(t, "v"))
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO a VALUES (?"+strings.Repeat(", ?", len(args)-1)+")", args...); err == nil {
			ids[fmt.Sprint(id)] = id
		}
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "more rows") {
		var a any
		for _, id := range ids {
			a = id
		}
		run("INSERT INTO b VALUES (?, ?, ?, ?)", i/2, fmt.Sprintf("K-%d", i), a, rapid.SampledFrom(mails).Draw(t, "mail"))
		args := []any{i / 2, fmt.Sprintf("K-%d", i)}
		for range cols {
			args = append(args, anyValue().Draw(t, "v"))
		}
		_, _ = db.ExecContext(t.Context(), "INSERT INTO c VALUES (?"+strings.Repeat(", ?", len(args)-1)+")", args...) // a UNIQUE may refuse it
	}
}

func anyValue() *rapid.Generator[any] {
	samples := []string{
		"", " ", "-", "Ann Lee", "ANN LEE", "ann", "O'Neil-Smith, Bob", "李小龙", "Ærøskøbing", "İstanbul", "Istanbul", "\u212aelvin", "kelvin", "Kelvin",
		"ann@corp.com", "Ann@CORP.com", "a@b.photography", "a@b.PHOTOGRAPHY", "+1 (212) 555-7788", "2125557788", "0113 496 0000 ext 12", "4111 1111 1111 1111",
		"DE89 3704 0044 0532 0130 00", "8.8.8.8", "2001:4860::1", "https://x.org/a/b?c=d#e", "ftp://user:pw@h.org/", "2024-02-29", "2024-02-29T23:59:59.123Z",
		"31.12.1999", "12/31/1999", "0000-00-00", "9999-12-31", "99999-01-01", "20240229", "12.50", "-3", "007", "1e5", "123456789", "978-3-16-148410-0",
		`{"a": 1, "email": "ann@corp.com", "x": [1.5, null, true, "y"]}`, `{"a":1}`, `[]`, `{"é":"\u0000"}`, "true", "no", "NULL", "N/A", "open",
		"550e8400-e29b-41d4-a716-446655440000", "00:1A:2B:3C:4D:5E", "123-45-6789", "deadbeefcafe1234", "a\x00b", "\xff\xfe\xfd", "a\u202eb", "😀😀😀😀😀",
		"A text of many words that says something about Mr. Overbeek and his 3 dogs in Utrecht", strings.Repeat("long ", 60),
	}
	return rapid.OneOf(
		rapid.Map(rapid.SampledFrom(samples), func(s string) any { return s }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.Int64Range(-12, 12), func(n int64) any { return n }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return b }),
		rapid.Just[any](nil),
	)
}

func never(s string) bool {
	d, ok := readMoment(s)
	return ok && d.never()
}

// steady values have one pseudonym everywhere; dates and measures move with
// what their row belongs to.
func steady(v any) bool {
	switch v := v.(type) {
	case string:
		_, date := readMoment(v)
		return !date && !isObject(v) && !decimalNumber(v) && !wholeNumber(v)
	case float64:
		return false
	}
	return true
}

// The permutation of keys is one: over any size, nothing meets.
func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 3000).Draw(t, "n")
		seen := map[uint64]bool{}
		for x := range n {
			y := testKey.permute(x, n)
			if y >= n || seen[y] {
				t.Fatalf("of %d, %d became %d", n, x, y)
			}
			seen[y] = true
		}
	})
	m := &masker{key: testKey}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		x, y := m.permuted(a), m.permuted(b)
		if (a == b) != (x == y) || len(fmt.Sprint(a)) != len(fmt.Sprint(x)) || a < 0 != (x < 0) {
			t.Fatalf("%d, %d became %d, %d", a, b, x, y)
		}
	})
}

func TestCheckDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := []rune(rapid.StringMatching(`[0-9]{12}`).Draw(t, "n") + "0")
		low[12] = articleCheck(low)
		if out := []rune(drawShape(testKey.stream("x", string(low)), low, 0)); !articleNumber(out) {
			t.Fatalf("%s became %s", string(low), string(out))
		}
	})
	from := database(t, "CREATE TABLE t (card TEXT, iban TEXT)", "INSERT INTO t VALUES ('4111 1111 1111 1111', 'GB82 WEST 1234 5698 7654 32'), ('5500-0000-0000-0004', 'DE89370400440532013000')")
	to, _ := masked(t, from, "a.db", "")
	for line := range strings.Lines(ask(t, to, "SELECT card, iban FROM t")) {
		card, iban, _ := strings.Cut(strings.TrimSpace(line), "|")
		if luhn(digits(card)) != 0 || mod97(iban) != 1 || !strings.HasPrefix(iban, "XX") {
			t.Errorf("%s", line)
		}
	}
}
