package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store"
)

// crashed is a log as a crash leaves it: the last commits are in its WAL.
func crashed(t *testing.T, path string, key *store.Key) (db, wal []byte) {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.SignWith(key)
	for i := range 3 {
		ses, err := s.Begin(t.Context(), store.SessionStarted{Model: "m"}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		for j := range 5 {
			add(t, ses, store.Prompt{Text: fmt.Sprint(i, j)})
		}
		if i < 2 {
			add(t, ses, store.SessionEnded{Status: "done"})
		}
	}
	db, err1 := os.ReadFile(path)
	wal, err2 := os.ReadFile(path + "-wal")
	if err1 != nil || err2 != nil || len(wal) < 100_000 {
		t.Fatal(err1, err2, len(wal))
	}
	return db, wal
}

// Any byte of the WAL: SQLite drops what comes after it and finds nothing
// wrong, and the check says no. What is lost to the log is kept.
func TestAnyByteOfTheWAL(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	db, wal := crashed(t, filepath.Join(dir, "log.db"), key)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range rounds(40) {
		mine := filepath.Join(t.TempDir(), "log.db")
		damaged := append([]byte(nil), wal...)
		at := r.IntN(len(wal) - 24 - 4096) // see TestUnfinishedWAL for the last frame
		switch {
		case i == 0: // nothing is wrong with this one
		case i%8 == 1:
			at = r.IntN(32) // its head
			fallthrough
		default:
			damaged[at] ^= 1 << r.IntN(8)
		}
		if err := os.WriteFile(mine, db, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mine+"-wal", damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), mine) // by a command that does not look
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		a, ok := audit(t, mine, key)
		if kept, _ := filepath.Glob(mine + "-wal-damaged-*"); ok != (i == 0) || len(kept) != min(i, 1) || i > 0 && !strings.Contains(a.Why, kept[0]) {
			t.Errorf("seed %d, byte %d of %d: intact %v, kept %v: %s", seed, at, len(wal), ok, kept, a.Why)
		}
	}
}

// A WAL that ends within a commit is what a kill leaves: nobody was told that it
// is recorded. So is one with commits of the round before, and one that grows
// while it is looked at (TestKilledWhileEightWrite).
func TestUnfinishedWAL(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, "log.db")
	db, wal := crashed(t, path, key)
	const frame = 24 + 4096
	last := len(wal) - frame
	for last > 32 && wal[last-frame+4]|wal[last-frame+5]|wal[last-frame+6]|wal[last-frame+7] == 0 {
		last -= frame // to where the last commit begins
	}
	stale := append([]byte(nil), wal...) // killed between the last frame and its page
	copy(stale[len(wal)-4096:], make([]byte, 4096))
	for _, wal := range [][]byte{wal[:last], wal[:last+frame/2], wal[:len(wal)-1], wal, stale} {
		mine := filepath.Join(t.TempDir(), "log.db")
		if err := os.WriteFile(mine, db, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mine+"-wal", wal, 0o600); err != nil {
			t.Fatal(err)
		}
		if a, ok := audit(t, mine, key); !ok {
			t.Errorf("%d bytes: %s", len(wal), a.Why)
		}
	}
}

// While others write, and their WAL begins anew under its reader's eyes, nothing
// is taken for damage.
func TestWALThatGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	done := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			if _, err := ses.Append(context.Background(), store.Prompt{Text: strings.Repeat("x", i*997%9000)}); err != nil {
				failed <- err
				return
			}
		}
	}()
	for range rounds(100) {
		other, err := store.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if kept, _ := filepath.Glob(path + "-wal-*"); len(kept) > 0 {
		t.Errorf("taken for damaged: %v", kept)
	}
}
