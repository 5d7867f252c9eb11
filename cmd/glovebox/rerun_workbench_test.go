package main

import (
	"strings"
	"testing"
)

// A rerun from inside the terminal: its report grows while it runs, says what it
// came to, and is left in the list; it can be stopped, and says what it lacks.
func TestRerunInTheWorkbench(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	file := h.file("endless.toml", "name = 'endless'\n"+shells("echo one", "sleep 1000"))
	h.stopAt(2, "run", "--json", "--model", "script:"+file, "never ends")
	brought := h.file("list.csv", "a,b\n")
	file = h.file("with.toml", "name = 'with'\n"+shells("cat list.csv"))
	h.ok("run", "--model", "script:"+file, "--file", brought, "brought a file")
	// What was recorded is run, not what is configured now; nor in a box that is ready for that.
	h.file("glovebox.toml", "[box]\nmemory = '256MiB'\n")
	file = h.file("drifts.toml", "name = 'drifts'\n"+shells("echo hello", "date +%s.%N", "cat /sys/fs/cgroup/memory.max 2>&1 | wc -l"))
	h.ok("run", "--model", "script:"+file, "it drifts")
	h.file("glovebox.toml", "[box]\nmemory = '300MiB'\n")

	m := openTmux(t, h)
	m.Enter(h.bin + "; echo left with $?")
	m.Sees("┃ it drifts", "3 sessions")
	m.Keys("a")
	m.Sees("✗ 3 calls: 2 the same, 1 drifted")
	m.Sees("run again as session", "same           2  the box", "shell: echo hello", "stdout, in nothing but times")
	m.Keys("Escape")
	m.Sees("┃ rerun of", "4 sessions")

	m.Write("/brought") // TMPDIR is in what is searched, and may have a shorter word
	m.Sees("1 of 4 sessions")
	m.Keys("Tab", "a")
	m.Sees("✗ the session had files brought in, which no log holds: list.csv", "--file FILE")
	m.Keys("Escape")
	m.Sees("1 of 4 sessions")
	m.Keys("Escape")
	m.Sees("it drifts") // all of them again

	m.Write("/never")
	m.Sees("1 of 4 sessions")
	m.Keys("Tab", "Enter")
	m.Sees("playback")
	m.Keys("a")
	m.Sees("shell: echo one", "working…") // it waits for the second call
	m.Keys("Escape")
	m.Sees("playback")
	m.Keys("Escape")
	m.Sees("1 of 5 sessions")
	m.Keys("Escape")
	m.Sees("it drifts", "interrupted")
	m.Keys("q")
	m.Sees("left with 0")

	log := h.ok("sessions", "list", "--json")
	if strings.Count(log, `"title":"rerun of `) != 2 || strings.Count(log, `"status":"interrupted"`) != 2 {
		t.Error(log)
	}
	for _, e := range events(t, h.ok("replay", "--json", "last")) {
		if e.Kind == "box.created" {
			if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, e.Box) {
				t.Errorf("left over: %s", ps)
			}
		}
	}
	h.ok("check")
}
