package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"glovebox/store"
)

// With this variable set the test binary writes four sessions at once into the
// log named there, until it is killed; with the other one it fills a disk.
const (
	manyVar = "GLOVEBOX_TEST_WRITE_MANY"
	fullVar = "GLOVEBOX_TEST_FILL_DISK"
)

// signed opens a log and the key beside it.
func signed(ctx context.Context, path string) (*store.Store, error) {
	key, err := store.LoadKey(filepath.Join(filepath.Dir(path), "key"))
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, path)
	if err == nil {
		s.SignWith(key)
	}
	return s, err
}

// many writes sessions without end, begins and ends some meanwhile, and prints
// "ID SEQ" once an event is acknowledged.
func many(path string) error {
	ctx := context.Background()
	s, err := signed(ctx, path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	failed := make(chan error)
	for range 4 {
		go func() {
			for {
				ses, err := s.Begin(ctx, store.SessionStarted{Model: "child"}, store.CurrentOwner())
				if err != nil {
					failed <- err
					return
				}
				for i := range 5 + rand.IntN(60) {
					var body store.Body = store.Prompt{Text: strings.Repeat("word ", rand.IntN(2_000))}
					if i == 64 || i > 4 && rand.IntN(30) == 0 {
						body = store.SessionEnded{Status: "done"}
					}
					e, err := ses.Append(ctx, body)
					if errors.Is(err, store.ErrEnded) {
						break
					} else if err != nil {
						failed <- err
						return
					}
					mu.Lock()
					fmt.Println(ses.ID(), e.Seq)
					mu.Unlock()
				}
			}
		}()
	}
	return <-failed
}

// Eight sessions write, by two processes, and both are killed at a random
// moment: the log opens, the check holds, nothing acknowledged is missing.
func TestKilledWhileEightWrite(t *testing.T) {
	dir := t.TempDir()
	for round := range rounds(4) {
		path := filepath.Join(dir, fmt.Sprint(round/10), "log.db")
		var procs []*process
		for range 2 {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), manyVar+"="+path)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			procs = append(procs, &process{cmd: cmd, out: bufio.NewScanner(out)})
		}
		acknowledged := map[string]int64{}
		note := func(line string) {
			var id string
			var seq int64
			if n, _ := fmt.Sscan(line, &id, &seq); n == 2 {
				acknowledged[id] = max(acknowledged[id], seq)
			}
		}
		for range rand.IntN(150) {
			note(procs[0].line(t))
		}
		for _, p := range procs {
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range procs {
			for p.out.Scan() {
				note(p.out.Text())
			}
			p.cmd.Wait() //nolint:errcheck // killed
		}
		s, err := signed(t.Context(), path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, err := s.Recover(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		a, err := s.Check(t.Context(), "")
		if err != nil || !a.Intact() {
			t.Fatalf("round %d: %+v, %v", round, a, err)
		}
		for id, seq := range acknowledged {
			if sum, err := s.Session(t.Context(), id); err != nil || sum.Events < seq {
				t.Errorf("round %d: session %s: %d acknowledged, %d in the log (%v)", round, id, seq, sum.Events, err)
			}
		}
		if _, err := s.Search(t.Context(), store.Query{Text: "word"}); err != nil {
			t.Errorf("round %d: search: %v", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// fill writes to a log on a small disk until it is full, looks at it, makes
// room and goes on.
func fill(dir string) error {
	ctx := context.Background()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		return err
	}
	s, err := signed(ctx, filepath.Join(dir, "log.db"))
	if err != nil {
		return err
	}
	ses, err := s.Begin(ctx, store.SessionStarted{Model: "m"}, store.CurrentOwner())
	if err != nil {
		return err
	}
	acknowledged := int64(1)
	for {
		e, err := ses.Append(ctx, store.Prompt{Text: strings.Repeat(fmt.Sprint(rand.Int64(), " "), rand.IntN(300))})
		if err == nil {
			acknowledged = e.Seq
			continue
		}
		if !errors.Is(err, store.ErrUnusable) || !strings.Contains(err.Error(), "the disk is full; free some space") {
			return fmt.Errorf("on a full disk: %w", err)
		}
		break
	}
	look := func(what string, want int64) error {
		a, err := s.Check(ctx, "")
		sum, err2 := s.Session(ctx, ses.ID())
		if err = errors.Join(err, err2); err != nil || !a.Intact() || sum.Events != want {
			return fmt.Errorf("%s: %+v, %d events, want %d: %w", what, a, sum.Events, want, err)
		}
		return nil
	}
	if err := look("full", acknowledged); err != nil {
		return err
	}
	if _, err := ses.Append(ctx, store.Prompt{Text: strings.Repeat("x", 1<<20)}); err == nil {
		acknowledged++ // it may have fit after all
	}
	s.Index(ctx) //nolint:errcheck // it fails, or ends: what is freed now goes to the log
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if _, err := ses.Append(ctx, store.SessionEnded{Status: "done"}); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := look("with room again", acknowledged+1); err != nil {
		return err
	}
	fmt.Println("acknowledged", acknowledged)
	return s.Close()
}

func TestDiskFull(t *testing.T) {
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skip("unshare is not installed")
	}
	for range rounds(2) {
		// A file system of the child's own, gone with it.
		args := []string{"--mount", "sh", "-c", `mount -t tmpfs -o size=4m none "$1" && exec "$0"`, os.Args[0]}
		if os.Geteuid() != 0 {
			args = append([]string{"--map-root-user"}, args...)
		}
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "unshare", append(args, dir)...)
		cmd.Env = append(os.Environ(), fullVar+"="+dir)
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "unshare failed") || strings.Contains(string(out), "permission denied") {
			t.Skipf("no file system of one's own here: %s", out)
		}
		if err != nil || !strings.Contains(string(out), "acknowledged") {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// A directory that may be read only: opening says so, and what to look at.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	if err := openLog(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$0"`, os.Args[0], filepath.Dir(path))
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	cmd.Env = append(os.Environ(), childVar+"="+path)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "check that this account may") {
		t.Errorf("%v: %s", err, out)
	}
}
