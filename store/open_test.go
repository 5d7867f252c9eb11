package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"glovebox/store"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	database := func(name string, stmts ...string) string {
		path := filepath.Join(dir, name)
		for _, stmt := range stmts {
			if _, err := raw(t, path).ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	newer := filepath.Join(dir, "newer.db")
	if err := openLog(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	database("newer.db", `PRAGMA user_version = 99`)
	damaged := filepath.Join(dir, "damaged.db")
	if err := openLog(t, damaged).Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[100:], strings.Repeat("\xa5", 2000)) // the schema's own page
	file("damaged.db", string(content))

	for _, test := range []struct {
		path string
		kind error
		says string
	}{
		{newer, store.ErrNewer, "format 99, this program knows 5"},
		{damaged, store.ErrUnusable, "damaged"},
		{file("text", strings.Repeat("hello ", 1000)), store.ErrUnusable, "not a SQLite database"},
		{database("browser.db", `CREATE TABLE places (url TEXT)`), store.ErrUnusable, "not a glovebox log"},
		{dir, store.ErrUnusable, "not a file"},
		{file("under", "") + "/log.db", store.ErrUnusable, "not a directory"},
		{"/proc/glovebox/log.db", store.ErrUnusable, "/proc/glovebox"},
		{"/proc/self/status", store.ErrUnusable, "it cannot be opened"},
		{"/dev/null", store.ErrUnusable, "not a file"},
	} {
		var before []byte
		if info, err := os.Stat(test.path); err == nil && info.Mode().IsRegular() {
			before, _ = os.ReadFile(test.path)
		}
		s, err := store.Open(t.Context(), test.path)
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", test.path)
			continue
		}
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want one line that says %q", test.path, err, test.says)
		}
		if after, _ := os.ReadFile(test.path); string(before) != string(after) && !strings.HasPrefix(test.path, "/proc") {
			t.Errorf("%s: was changed", test.path)
		}
	}
}

func TestOpenAtOnce(t *testing.T) {
	for range 10 {
		path := filepath.Join(t.TempDir(), "log.db")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if _, err := s.Begin(t.Context(), store.SessionStarted{Model: "m"}, store.CurrentOwner()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got, err := openLog(t, path).Sessions(t.Context(), store.Filter{}); len(got) != 8 {
			t.Errorf("%d sessions, want 8 (%v)", len(got), err)
		}
	}
}
