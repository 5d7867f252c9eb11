package fakedata

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file grows to what there is room for and no further, whatever a schema makes
// of few rows: a value is bounded, and so are indexes.
func TestFilesStayWithinTheirRoom(t *testing.T) {
	const room = 1 << 20
	indexes := ""
	for _, c := range strings.Split("abcdefghijklmnop", "") {
		indexes += "CREATE INDEX " + c + " ON t(s || '" + c + "');"
	}
	for name, c := range map[string]struct {
		ddl  string
		rows int
		says string
	}{
		"rows":      {"CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT);", 100_000, ErrTooLarge.Error()},
		"indexes":   {"CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT);" + indexes, 5000, ErrTooLarge.Error()},
		"generated": {"CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB GENERATED ALWAYS AS (zeroblob(100000)) STORED);", 100, ErrTooLarge.Error()},
		"a value":   {"CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB GENERATED ALWAYS AS (zeroblob(900000000)) STORED);", 1, "too big"},
		"a CHECK":   {"CREATE TABLE t(id INTEGER PRIMARY KEY, CHECK(length(hex(zeroblob(400000000))) > 0));", 1, "too big"},
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		most := int64(0)
		err := Generate(t.Context(), parse(t, c.ddl), recipe(c.rows), Target{Path: path, Most: room}, func(int64, int64) {
			if info, err := os.Stat(path); err == nil {
				most = max(most, info.Size())
			}
		})
		if err == nil || !strings.Contains(err.Error(), c.says) || most > room || c.says == ErrTooLarge.Error() && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %d bytes, %v", name, most, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the file is left", name)
		}
	}
}
