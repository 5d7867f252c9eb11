package store

import (
	"path/filepath"
	"testing"
)

// What a power cut has left of the index is searched only if it is whole.
func TestIndexAfterAPowerCut(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		damage string
		anew   bool
	}{
		"whole":             {`SELECT 1`, false},
		"a word is missing": {`DELETE FROM search WHERE rowid = (1 << 32) + 2`, true},
		"an older mark":     {`UPDATE indexed SET seq = 1`, true},
	} {
		path := filepath.Join(t.TempDir(), "log.db")
		s, err := Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		ses, err := s.Begin(ctx, SessionStarted{Model: "m"}, CurrentOwner())
		if err == nil {
			_, err = ses.Append(ctx, Prompt{Text: "needle"})
		}
		if err == nil {
			err = s.Index(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		was, err := s.x.seal(ctx, s.x.r)
		if err == nil {
			_, err = s.x.w.ExecContext(ctx, test.damage) // which the seal does not follow
		}
		if err == nil {
			_, err = s.x.w.ExecContext(ctx, `UPDATE seal SET box = ?`, was.locked("another"))
		}
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, err = Open(ctx, path); err != nil {
			t.Fatal(err)
		}
		hits, err := s.Search(ctx, Query{Text: "needle"})
		if err == nil {
			was, err = s.x.seal(ctx, s.x.r)
		}
		if err != nil || len(hits) != 1 || (was.boot == "another") == test.anew {
			t.Errorf("%s: %d hits, sealed by %q (%v)", name, len(hits), was.boot, err)
		}
		s.Close()
	}
}
