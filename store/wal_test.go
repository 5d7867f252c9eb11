package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store"
)

// remains are the files of a log as a crash leaves them: the last commits are in its WAL.
type remains struct{ db, wal, shm []byte }

// put makes them a log; nil is a file that is not there.
func (r remains) put(t *testing.T, path string) string {
	t.Helper()
	for suffix, data := range map[string][]byte{"": r.db, "-wal": r.wal, "-shm": r.shm} {
		if data == nil {
			continue
		}
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func crashed(t *testing.T, path string, key *store.Key) (r remains) {
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
	var err1, err2, err3 error
	r.db, err1 = os.ReadFile(path)
	r.wal, err2 = os.ReadFile(path + "-wal")
	err3 = exec.CommandContext(t.Context(), "cp", path+"-shm", path+".shm").Run() // by another process: this one has locks on it
	r.shm, err = os.ReadFile(path + ".shm")
	if err := errors.Join(err, err1, err2, err3); err != nil || len(r.wal) < 100_000 {
		t.Fatal(err, len(r.wal))
	}
	return r
}

// frameSize is that of a WAL's frame.
const frameSize = 24 + 4096

// lastCommit is where the last one begins.
func (r remains) lastCommit() int {
	last := len(r.wal) - frameSize
	for last > 32 && binary.BigEndian.Uint32(r.wal[last-frameSize+4:]) == 0 {
		last -= frameSize
	}
	return last
}

// Any byte of the WAL: SQLite drops what comes after it and finds nothing
// wrong, and the check says no. What is lost to the log is kept.
func TestAnyByteOfTheWAL(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	is := crashed(t, filepath.Join(dir, "log.db"), key)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range rounds(40) {
		mine := remains{is.db, bytes.Clone(is.wal), is.shm}
		at := r.IntN(len(is.wal))
		switch i % 8 {
		case 1:
			at = r.IntN(32) // its head
		case 2:
			at = is.lastCommit() + r.IntN(len(is.wal)-is.lastCommit())
		case 3:
			at, mine.shm = r.IntN(len(is.wal)-frameSize), nil // see TestUnfinishedWAL for the last frame
		}
		if i > 0 { // nothing is wrong with the first
			mine.wal[at] ^= 1 << r.IntN(8)
		}
		path := mine.put(t, filepath.Join(t.TempDir(), "log.db"))
		link := path + ".link"
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), link) // by a command that does not look
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		a, ok := audit(t, path, key)
		if kept, _ := filepath.Glob(path + "-wal-damaged-*"); ok != (i == 0) || len(kept) != min(i, 1) || i > 0 && !strings.Contains(a.Why, kept[0]) {
			t.Errorf("seed %d, byte %d of %d: intact %v, kept %v: %s", seed, at, len(is.wal), ok, kept, a.Why)
		}
	}
}

// A WAL that was cut, even between two commits, or taken away: the wal-index
// knows of them. So it does of one that was put back from the round before.
func TestAWALThatWasCut(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	is := crashed(t, filepath.Join(dir, "log.db"), key)
	older := bytes.Clone(is.wal)
	binary.BigEndian.PutUint32(older[16:], binary.BigEndian.Uint32(older[16:])-1)
	for name, wal := range map[string][]byte{"the last commit": is.wal[:is.lastCommit()], "in a frame": is.wal[:len(is.wal)-1], "all of it": {}, "its file": nil, "another": older} {
		path := remains{is.db, wal, is.shm}.put(t, filepath.Join(t.TempDir(), "log.db"))
		if a, ok := audit(t, path, key); ok || !strings.Contains(a.Why, "damaged or cut") {
			t.Errorf("%s: %s", name, a.Why)
		}
	}
}

// A WAL that ends within a commit that the wal-index does not know is what a kill
// leaves: nobody was told that it is recorded. So is one with commits of the round
// before, and one that grows while it is looked at (TestKilledWhileEightWrite).
func TestUnfinishedWAL(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	is := crashed(t, filepath.Join(dir, "log.db"), key)
	last := is.lastCommit()
	stale := bytes.Clone(is.wal) // killed between the last frame and its page
	copy(stale[len(stale)-4096:], make([]byte, 4096))
	for _, wal := range [][]byte{is.wal[:last], is.wal[:last+frameSize/2], is.wal[:len(is.wal)-1], is.wal, stale} {
		path := remains{is.db, wal, nil}.put(t, filepath.Join(t.TempDir(), "log.db"))
		if a, ok := audit(t, path, key); !ok {
			t.Errorf("%d bytes: %s", len(wal), a.Why)
		}
	}
	grown := append(bytes.Clone(is.wal), is.wal[last:]...) // and killed while the next was written
	if a, ok := audit(t, remains{is.db, grown[:len(grown)-1], is.shm}.put(t, filepath.Join(t.TempDir(), "log.db")), key); !ok {
		t.Error(a.Why)
	}
}

// While another process writes, and its WAL begins anew under its reader's eyes,
// nothing is taken for damage.
func TestWALThatGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	writer := startChild(t, path)
	fmt.Fprintln(writer.in, "forever")
	for range rounds(100) {
		writer.line(t)
		other, err := store.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if kept, _ := filepath.Glob(path + "-wal-*"); len(kept) > 0 {
		t.Errorf("taken for damaged: %v", kept)
	}
}
