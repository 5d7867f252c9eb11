package main

import (
	"os"
	"strings"
	"testing"
)

// The whole thing in a real terminal: a prompt is typed, the agent works in a
// real box, the session is recorded and can be played back, nothing is left.
func TestWorkbenchInTerminal(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	scenario := h.file("hello.toml", `
name = "hello"
[[turn]]
text = "I look at the data."
[[turn.call]]
tool = "sql"
args = { query = "SELECT 'rows-' || (40+2) AS answer, count(*) > 0 FROM customers" }
[[turn]]
text = "All **done** here."
[[turn.expect]]
call = 1
exit = 0
contains = ["rows-42"]
`)
	h.file("glovebox.toml", "model = 'script:"+scenario+"'\n")
	m := openTmux(t, h)
	m.Enter(h.bin + "; echo left with $?")
	m.Sees("? keys")
	m.Keys("n")
	m.Sees("box sealed")
	m.Enter("how many customers?")
	m.Sees("rows-42")
	m.Sees("All done here.") // markdown, drawn
	m.Keys("C-c")
	m.Keys("C-c")
	m.Sees("left with 0")
	if on := strings.TrimSpace(m.Do("display-message", "-p", "#{alternate_on}")); on != "0" {
		t.Error("the terminal was left in the alternate screen")
	}
	out := h.ok("sessions", "--json")
	if !strings.Contains(out, `"title":"how many customers?"`) || !strings.Contains(out, `"status":"done"`) {
		t.Errorf("sessions: %s", out)
	}
	all := events(t, h.ok("replay", "--json", "last"))
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, boxOf(all)) {
		t.Errorf("left over: %s", ps)
	}
	// Playback of the same session, with no engine in reach.
	m.Enter("clear; PATH=" + os.DevNull + " CONTAINER_HOST=unix:///none " + h.bin + " replay last; echo played with $?")
	m.Sees("how many customers?")
	m.Keys("G")
	m.Sees("All done here.")
	m.Keys("q")
	m.Keys("C-c")
	m.Keys("C-c")
	m.Sees("played with 0")
}
