package mask

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeCSV(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func cells(t testing.TB, path string, comma rune) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(read(t, path)))
	r.Comma = comma
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCSV(t *testing.T) {
	from := writeCSV(t, "people.csv", "\ufeffid;full_name;email;born_on;amount;active\r\n"+
		"17;Ann Overbeek;ann.overbeek@corp.com;1980-02-03;1234.50;true\r\n"+
		"18;\"O'Neil; \"\"Bob\"\"\nJr.\";BOB@corp.com;;-3.00;false\r\n"+
		"19;ann overbeek;;1981-01-01;0.00;true\r\n")
	to, p := masked(t, from, "people.csv", "")
	rows := cells(t, to, ';')
	if strings.Join(rows[0], ";") != "id;full_name;email;born_on;amount;active" || len(rows) != 4 || p.Rows != 3 {
		t.Fatalf("%q", rows)
	}
	if !strings.HasSuffix(string(read(t, to)), "\r\n") {
		t.Error("the ends of lines are not those of the source")
	}
	switch {
	case !strings.EqualFold(rows[1][1], rows[3][1]) || rows[1][1] == rows[3][1]:
		t.Errorf("the same name in two cases: %q, %q", rows[1][1], rows[3][1])
	case !strings.HasSuffix(rows[1][2], ".test") || !strings.Contains(rows[2][1], "; \"") || rows[2][3] != "" || rows[3][2] != "":
		t.Errorf("%q", rows)
	case rows[3][4] != "0.00" || !strings.HasPrefix(rows[2][4], "-") || rows[1][5] != "true" || rows[2][5] != "false":
		t.Errorf("%q", rows)
	case len(rows[1][0]) != 2 || rows[1][0] == "17":
		t.Errorf("%q", rows)
	}
	db, _ := masked(t, from, "people.db", "")
	if got := ask(t, db, "SELECT email FROM people WHERE id = "+rows[1][0]); strings.TrimSpace(got) != rows[1][2] {
		t.Errorf("as a database: %s, as CSV: %s", got, rows[1][2])
	}
	for text, want := range map[string]string{
		"name,email\na\n":           "wrong number of fields",
		"name,email\n\"a,b\n":       "line",
		"ann@corp.com,5\n":          "first line",
		"name,email\na,b\"c\nx,y\n": "bare",
		"":                          "first line",
	} {
		if err := refused(t, writeCSV(t, "bad.csv", text), ""); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := refusedAs(t, filled(t, "shop", 20), "twin.csv"); !strings.Contains(err.Error(), "one CSV file") {
		t.Errorf("%v", err)
	}
}

func refusedAs(t *testing.T, from, name string) error {
	t.Helper()
	dir := t.TempDir()
	_, err := File(t.Context(), from, filepath.Join(dir, name), Options{Key: testKey})
	if left, _ := os.ReadDir(dir); err == nil || len(left) > 0 {
		t.Fatalf("%v; left behind: %v", err, left)
	}
	return err
}

// Whatever a CSV file holds: an error and nothing, or a file of as many rows
// and cells in which nothing that tells anything stands where it stood.
func FuzzCSV(f *testing.F) {
	headers := []string{"id,name,email", "id;name;meta;created_at;phone", "name\temail", "email", "amount,notes,is_ok,status,ref_id,iban"}
	f.Add(byte(0), "1,Ann Overbeek,ann@corp.com\n2,\"O'Neil, B\",\n")
	f.Add(byte(1), "1;\"x;y\n\";\"{\"\"a\"\":[1,\"\"b\"\"]}\";2024-01-02T03:04:05.678Z;+1 212 555 7788\r\n")
	f.Add(byte(2), "Ü\t\xff\xfe\n\t\n")
	f.Add(byte(3), "https://u:p@x.org:80/a?b\n8.8.8.8\n4111111111111111\n31.12.1999 23:59\n")
	f.Add(byte(4), "-1.50,words and many more words than any name would have,yes,open,007,GB82 WEST 1234 5698 7654 32\n1e9,=cmd,no,,,\x00\n")
	f.Fuzz(func(t *testing.T, header byte, body string) {
		if len(body) > 5000 {
			return
		}
		text := headers[int(header)%len(headers)] + "\n" + body
		dir := t.TempDir()
		from, to := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
		if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := File(context.Background(), from, to, Options{Key: testKey})
		if err != nil {
			if _, there := os.Stat(to); there == nil {
				t.Fatalf("%v, and there is a file", err)
			}
			return
		}
		src, err := open(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		var before [][]any
		if err := src.each(t.Context(), 0, "", "", func(row []any) error { before = append(before, copied(row)); return nil }); err != nil {
			t.Fatal(err)
		}
		out, err := open(t.Context(), to)
		if err != nil {
			t.Fatalf("the output is no CSV file: %v", err)
		}
		n := 0
		if err := out.each(t.Context(), 0, "", "", func(row []any) error {
			for i, v := range row {
				was, is := before[n][i].(string), v.(string)
				_, date := readMoment(was)
				if (was == "") != (is == "") {
					t.Fatalf("%q became %q", was, is)
				}
				if telling(foldText(was)) && was == is && !date && !wholeNumber(was) && !decimalNumber(was) && hasLetters(was) {
					t.Fatalf("%q stays", was)
				}
			}
			n++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if n != len(before) {
			t.Fatalf("%d rows became %d", len(before), n)
		}
	})
}

func hasLetters(s string) bool { return strings.IndexFunc(s, hidden) >= 0 }
