package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// watchRerun runs a session again and hands on each line with the process that
// wrote it, before the next one is read.
func (h *home) watchRerun(id string, see func(n int, l line, p *os.Process)) (all []line, code int) {
	h.t.Helper()
	cmd := h.command("rerun", "--json", id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	dec := json.NewDecoder(out)
	for l := (line{}); dec.Decode(&l) == nil; l = (line{}) {
		all = append(all, l)
		see(len(all), l, cmd.Process)
	}
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	return all, cmd.ProcessState.ExitCode()
}

// signal is for a process that runs.
func (h *home) signal(p *os.Process, s os.Signal) {
	h.t.Helper()
	if err := p.Signal(s); err != nil {
		h.t.Fatal(err)
	}
}

// stopAt runs a command that makes a session, and interrupts it in the n-th tool
// call. It returns the session.
func (h *home) stopAt(n int, args ...string) string {
	h.t.Helper()
	cmd, ch := h.follow(args...)
	calls, id := 0, ""
	for e := range ch {
		id = e.Session
		if e.Kind == "tool.call" {
			if calls++; calls == n {
				h.signal(cmd.Process, syscall.SIGTERM)
			}
		}
	}
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		h.t.Fatalf("%q: exit %d", args, code)
	}
	return id
}

// Killed in the middle, a rerun is a session that was interrupted, in a log that
// is intact; its box is gone after the next start.
func TestRerunKilled(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	var calls []string
	for i := range 30 {
		calls = append(calls, fmt.Sprintf("echo %d; sleep 0.03", i))
	}
	id := h.recordedWaiting(shells(append(calls, untilGo)...)) // it does not end before it is killed
	was := h.ok("replay", "--json", id)
	all, _ := h.watchRerun(id, func(n int, _ line, p *os.Process) {
		if n == 8 {
			h.signal(p, syscall.SIGKILL)
		}
	})
	if len(all) < 8 {
		t.Fatalf("killed after 8 lines, it wrote %d", len(all))
	}
	h.ok("check")
	recorded := events(t, h.ok("replay", "--json", all[0].Session))
	if last := recorded[len(recorded)-1]; last.Kind != "session.ended" || last.Status != "interrupted" || !strings.Contains(kinds(recorded), "tool.result tool.call") && !strings.Contains(kinds(recorded), "tool.result decision tool.call") {
		t.Errorf("%s %+v", kinds(recorded), last)
	}
	h.ok("box", "prune")
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, boxOf(recorded)) {
		t.Errorf("left over: %s", ps)
	}
	if is := h.ok("replay", "--json", id); is != was {
		t.Errorf("what it repeats is not as it was:\n%s", is)
	}
}

// What a limit or a person broke off is run as far as it went; what came of an
// interrupted call is not known. A session that went on from another is run
// again by itself, with what the other one spent counting.
func TestRerunOfWhatWasBrokenOff(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	file := h.file("long.toml", `
name = "long"
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo one" }
[[turn.call]]
tool = "shell"
args = { command = "echo two" }
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo three" }
[[turn]]
text = "Done."
`)
	h.file("glovebox.toml", "model = 'script:"+file+"'\n[limits]\ntool_calls = 1\n")
	out, errOut, code := h.run("run", "--json", "go")
	if code != exitLimit {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	limited := events(t, out)[0].Session
	h.file("glovebox.toml", "model = 'script:"+file+"'\n[limits]\ntool_calls = 2\n")
	if differ, all := h.rerun(exitDone, limited); len(differ) > 0 || len(all) != 5 {
		t.Errorf("limited: %s", texts(all))
	}
	resumed := events(t, h.ok("run", "--json", "--resume", limited))[0].Session
	if differ, all := h.rerun(exitDone, resumed); len(differ) > 0 || len(all) != 5 {
		t.Errorf("resumed: %s", texts(all))
	}

	// The second call waits for a word that is in the file only the second time.
	file = h.file("waits.toml", `
name = "waits"
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo one" }
[[turn.call]]
tool = "shell"
args = { command = "until grep yes answer; do sleep 0.1; done" }
`)
	h.file("glovebox.toml", "model = 'script:"+file+"'\n")
	answer := h.file("answer", "no\n")
	broken := h.stopAt(2, "run", "--json", "--file", answer, "go")
	h.file("answer", "yes\n")
	differ, all := h.rerun(exitNo, broken, "--file", answer)
	if texts(differ) != "data true, call unknown" || len(all) != 7 || !strings.Contains(differ[1].Detail, "ran to its end: exit 0") {
		t.Errorf("interrupted: %s", texts(all))
	}
}

// A rerun that is interrupted says so, and takes what it broke off for nothing.
func TestRerunInterrupted(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	file := h.file("endless.toml", "name = 'endless'\n"+shells("echo one", "sleep 1000"))
	id := h.stopAt(2, "run", "--json", "--model", "script:"+file, "work") // so the second call has no end in the rerun either
	all, code := h.watchRerun(id, func(_ int, l line, p *os.Process) {
		if l.What == "result" {
			h.signal(p, syscall.SIGTERM)
		}
	})
	if code != exitInterrupted || texts(all) != "box false, data false, data false, result false" {
		t.Errorf("exit %d, %s", code, texts(all))
	}
	recorded := events(t, h.ok("replay", "--json", all[0].Session))
	if last := recorded[len(recorded)-1]; last.Status != "interrupted" || strings.Contains(kinds(recorded), "drift") {
		t.Errorf("%s %+v", kinds(recorded), last)
	}
}

// Somebody removes the session while it is run again: what could not be compared
// any more is not the same.
func TestRerunOfASessionThatGoesAway(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	calls := []string{"echo first", untilGo}
	for i := range 45 { // their results are more than is read at once
		calls = append(calls, fmt.Sprint("seq 6000; echo ", i))
	}
	h.file("glovebox.toml", "[limits]\ntokens = 0\n")
	id := h.recordedWaiting(shells(calls...))
	all, code := h.watchRerun(id, func(n int, l line, _ *os.Process) {
		if n == 4 { // the first call; the second waits
			h.ok("sessions", "rm", id, "--yes")
			letGo(t, boxOf(events(t, h.ok("replay", "--json", l.Session))))
		}
	})
	if code != exitNo || len(all) >= 45 || !strings.Contains(texts(all), "call unknown") {
		t.Errorf("exit %d after %d lines: %s", code, len(all), texts(all[max(len(all)-3, 0):]))
	}
}
