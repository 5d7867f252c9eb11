package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"glovebox/store"
)

// The test binary is also the other process: with this variable set it writes
// to the log named there.
const childVar = "GLOVEBOX_TEST_WRITE_LOG"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVar); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	for name, run := range map[string]func(string) error{manyVar: many, fullVar: fill} {
		if path := os.Getenv(name); path != "" {
			if err := run(path); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// child begins a session, prints its ID, and then appends one prompt for each
// line of its input, or without end if the first line is "forever". It prints
// each sequence number once Append has returned.
func child(path string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	ses, err := s.Begin(ctx, store.SessionStarted{Model: "child"}, store.CurrentOwner())
	if err != nil {
		return err
	}
	fmt.Println(ses.ID())
	in := bufio.NewScanner(os.Stdin)
	for forever := false; forever || in.Scan(); {
		forever = forever || in.Text() == "forever"
		e, err := ses.Append(ctx, store.Prompt{Text: in.Text() + strings.Repeat("x", rand.IntN(20_000))})
		if err != nil {
			return err
		}
		fmt.Println(e.Seq)
	}
	return s.Close()
}

type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	id  string
}

func startChild(t *testing.T, path string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // usually gone already
		cmd.Wait()         //nolint:errcheck
	})
	p := &process{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	p.id = p.line(t)
	return p
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("the other process ended: %v", p.out.Err())
	}
	return p.out.Text()
}

func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	mine, other := begin(t, s), startChild(t, path)
	go func() {
		defer other.in.Close()
		for i := range 200 {
			fmt.Fprintln(other.in, i)
		}
	}()
	for i := range 200 {
		add(t, mine, store.Prompt{Text: strconv.Itoa(i)})
	}
	for range 200 {
		other.line(t)
	}
	for _, id := range []string{mine.ID(), other.id} {
		got := events(t, s, id, 0)
		if len(got) != 201 || got[200].Seq != 201 || !strings.HasPrefix(got[200].Body.(store.Prompt).Text, "199") {
			t.Errorf("session %s has %d events", id, len(got))
		}
	}
}

// What Append has acknowledged survives SIGKILL at any moment, and the session
// is found interrupted afterwards.
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	for round := range 20 {
		p := startChild(t, path)
		fmt.Fprintln(p.in, "forever")
		for range rand.IntN(30) {
			p.line(t)
		}
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		acknowledged := int64(1)
		for p.out.Scan() {
			if n, err := strconv.ParseInt(p.out.Text(), 10, 64); err == nil {
				acknowledged = n
			}
		}
		p.cmd.Wait() //nolint:errcheck // killed

		s := openLog(t, path)
		recovered, err := s.Recover(t.Context())
		if err != nil || len(recovered) != 1 || recovered[0].ID != p.id || recovered[0].Status != "interrupted" {
			t.Fatalf("round %d: recovered %+v, %v", round, recovered, err)
		}
		got := events(t, s, p.id, 0)
		last := len(got) - 1
		if int64(len(got)) < acknowledged+2 {
			t.Fatalf("round %d: %d events acknowledged, only %d in the log", round, acknowledged, len(got)-2)
		}
		for i, e := range got {
			if e.Seq != int64(i+1) {
				t.Fatalf("round %d: event %d has number %d", round, i+1, e.Seq)
			}
		}
		if got[last-1].Body != (store.Interrupted{By: "crash"}) || got[last].Body.(store.SessionEnded).Status != "interrupted" {
			t.Errorf("round %d: ends with %v, %v", round, got[last-1].Body, got[last].Body)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var verdict string
	if err := raw(t, path).QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); verdict != "ok" {
		t.Errorf("integrity_check: %s, %v", verdict, err)
	}
}

func TestRecoverLeavesTheLivingAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	mine, other := begin(t, s), startChild(t, path)
	if got, err := s.Recover(t.Context()); len(got) != 0 || err != nil {
		t.Fatalf("ended %+v, %v", got, err)
	}
	fmt.Fprintln(other.in, "still here")
	other.line(t)
	add(t, mine, store.Prompt{Text: "still here"})

	// Dead, though its parent has not noticed yet.
	if err := other.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for other.out.Scan() { // until its pipe closes
	}
	for !zombie(t, other) { // its pipe closed: it is about to be one
	}
	if got, err := s.Recover(t.Context()); len(got) != 1 || got[0].ID != other.id {
		t.Errorf("after the kill: ended %+v, %v", got, err)
	}
}

func zombie(t *testing.T, p *process) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(stat), ") Z ")
}

// A process ID that was given out again, or is from before the last boot, is
// not the owner.
func TestRecoverKnowsProcessesApart(t *testing.T) {
	s := newLog(t)
	me := store.CurrentOwner()
	for name, owner := range map[string]store.Owner{
		"other start": {PID: me.PID, Start: me.Start + 1, Boot: me.Boot},
		"other boot":  {PID: me.PID, Start: me.Start, Boot: "00000000-0000-0000-0000-000000000000"},
		"no process":  {PID: 1 << 30, Start: 1, Boot: me.Boot},
	} {
		ses, err := s.Begin(t.Context(), store.SessionStarted{Model: "m"}, owner)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Recover(t.Context()); len(got) != 1 || got[0].ID != ses.ID() || err != nil {
			t.Errorf("%s: ended %+v, %v", name, got, err)
		}
		if _, err := ses.Append(t.Context(), store.Prompt{Text: "late"}); !errors.Is(err, store.ErrEnded) {
			t.Errorf("%s: append after the recovery: %v", name, err)
		}
	}
}

func TestRecoverAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	for range 10 {
		if _, err := s.Begin(t.Context(), store.SessionStarted{Model: "m"}, store.Owner{PID: 1 << 30, Boot: store.CurrentOwner().Boot}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	found := make([][]store.Summary, 6)
	for i := range found {
		other := openLog(t, path)
		wg.Go(func() {
			var err error
			if found[i], err = other.Recover(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	times := map[string]int{}
	for _, each := range found {
		for _, sum := range each {
			times[sum.ID]++
			if n := len(events(t, s, sum.ID, 0)); n != 3 {
				t.Errorf("session %s has %d events, want 3", sum.ID, n)
			}
		}
	}
	if len(times) != 10 {
		t.Errorf("ended %v, want each of the 10 once", times)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("session %s was ended %d times", id, n)
		}
	}
}
