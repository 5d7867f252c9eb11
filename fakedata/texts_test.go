package fakedata

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every mail address is told, and of a large table so many rows as are asked for.
func TestTexts(t *testing.T) {
	s, r := load(t, "shop"), recipe(400)
	path := filepath.Join(t.TempDir(), "x.db")
	if err := Generate(t.Context(), s, r, Target{Path: path}, nil); err != nil {
		t.Fatal(err)
	}
	var mails []string
	count := func(most int64) (n int) {
		mails = nil
		if err := Texts(t.Context(), s, path, most, func(table, column string, text []byte) {
			if table == "customers" && column == "email" {
				n++
				mails = append(mails, string(text))
			}
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(1_000_000); n < 20 || slices.ContainsFunc(mails, func(m string) bool { return !strings.Contains(m, "@") }) {
		t.Errorf("%d: %v", n, mails)
	}
	if all, some := count(1_000_000), count(10); some < 5 || some > 10 || all <= some {
		t.Errorf("%d of %d", some, all)
	}
}
