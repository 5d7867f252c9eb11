package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// busy is a session of many short commands: whenever it is hit, something is
// under way.
func busy() string {
	var b strings.Builder
	b.WriteString("name = 'busy'\n")
	for i := range 30 {
		fmt.Fprintf(&b, "[[turn]]\ntext = 'turn %d'\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'echo %d; sleep 0.03' }\n", i, i)
	}
	b.WriteString("[[turn]]\ntext = 'done'\n")
	return b.String()
}

// endless is busy, and never ends by itself.
func endless() string {
	last := "[[turn]]\ntext = 'done'\n"
	return strings.TrimSuffix(busy(), last) + "[[turn]]\ntext = 'and now'\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'sleep 1000' }\n" + last
}

// Whatever is killed, whenever: nothing recorded is lost, nothing is left after
// the next start, and a session that goes on without its box says so.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel() // its log, its home and its boxes are its own
	needEngine(t)
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("GLOVEBOX_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	for _, victim := range []string{"glovebox", "podman service", "conmon"} {
		t.Run(victim, func(t *testing.T) {
			for round := range rounds {
				moment := 6 + rand.IntN(100) // of some 150 events; the box is there from the second on
				if !t.Run(fmt.Sprintf("%d at event %d", round, moment), func(t *testing.T) { killOnce(t, victim, moment) }) {
					return
				}
			}
		})
	}
}

func killOnce(t *testing.T, victim string, moment int) {
	h := newHome(t)
	serve(t, h, endless())
	cmd, ch, errOut := h.followQuietly("run", "--json", "work")
	var seen []event
	var container string
	for ev := range ch {
		seen = append(seen, ev)
		if ev.Container != "" {
			container = ev.Container
		}
		if len(seen) != moment {
			continue
		}
		pid := cmd.Process.Pid
		switch victim {
		case "podman service":
			pid = process(t, func(_, parent int, cmdline string) bool {
				return parent == cmd.Process.Pid && strings.Contains(cmdline, "system service")
			})
		case "conmon":
			pid = process(t, func(_, _ int, cmdline string) bool {
				return strings.Contains(cmdline, "conmon") && strings.Contains(cmdline, container)
			})
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Wait() //nolint:errcheck // its exit code is looked at below
	if code := cmd.ProcessState.ExitCode(); victim != "glovebox" && (code != exitEngine || !oneClearLine.MatchString(errOut.String())) {
		t.Errorf("exit code %d, want %d; said %q", code, exitEngine, errOut)
	}
	recorded := events(t, h.ok("replay", "--json", seen[0].Session))
	if len(recorded) < len(seen) || kinds(recorded[:len(seen)]) != kinds(seen) {
		t.Errorf("shown\n%s\nrecorded\n%s", kinds(seen), kinds(recorded))
	}
	want := "failed"
	if victim == "glovebox" {
		want = "interrupted"
	}
	if last := recorded[len(recorded)-1]; last.Kind != "session.ended" || last.Status != want {
		t.Errorf("the last event is %+v, want the end as %s", last, want)
	}
	h.ok("box", "prune") // the next start
	if ps := podman(t, "ps", "--all", "--format", "{{.ID}}", "--no-trunc"); strings.Contains(ps, container) {
		t.Errorf("left over: %s", ps)
	}
	// What Podman has to do about a container that ended may take it a moment more.
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for {
		pid, ok := search(t, func(_, _ int, cmdline string) bool { return strings.Contains(cmdline, container) })
		if !ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d still names the container", pid)
		}
	}
}

func process(t *testing.T, is func(pid, parent int, cmdline string) bool) int {
	t.Helper()
	pid, ok := search(t, is)
	if !ok {
		t.Fatal("the process to kill is not there")
	}
	return pid
}

func search(t *testing.T, is func(pid, parent int, cmdline string) bool) (pid int, ok bool) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		cmdline, err1 := os.ReadFile(dir + "/cmdline")
		status, err2 := os.ReadFile(dir + "/status")
		if err1 != nil || err2 != nil {
			continue // gone meanwhile
		}
		_, rest, _ := bytes.Cut(status, []byte("\nPPid:\t"))
		parent, _ := strconv.Atoi(string(rest[:max(bytes.IndexByte(rest, '\n'), 0)]))
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if is(pid, parent, strings.ReplaceAll(string(cmdline), "\x00", " ")) {
			return pid, true
		}
	}
	return 0, false
}
