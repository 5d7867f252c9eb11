package main

import (
	"os"
	"strings"
	"testing"
	"time"
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
	tmux := openTmux(t, h).do
	waitFor := func(text string) {
		t.Helper()
		tick, deadline := time.NewTicker(20*time.Millisecond), time.After(60*time.Second)
		defer tick.Stop()
		for {
			screen := tmux("capture-pane", "-p")
			if strings.Contains(screen, text) {
				return
			}
			select {
			case <-deadline:
				t.Fatalf("the screen never showed %q:\n%s", text, screen)
			case <-tick.C:
			}
		}
	}
	tmux("send-keys", "-l", h.bin+"; echo left with $?")
	tmux("send-keys", "Enter")
	waitFor("? keys")
	tmux("send-keys", "n")
	waitFor("box sealed")
	tmux("send-keys", "-l", "how many customers?")
	tmux("send-keys", "Enter")
	waitFor("rows-42")
	waitFor("All done here.") // markdown, drawn
	tmux("send-keys", "C-c")
	tmux("send-keys", "C-c")
	waitFor("left with 0")
	if on := strings.TrimSpace(tmux("display-message", "-p", "#{alternate_on}")); on != "0" {
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
	tmux("send-keys", "-l", "clear; PATH="+os.DevNull+" CONTAINER_HOST=unix:///none "+h.bin+" replay last; echo played with $?")
	tmux("send-keys", "Enter")
	waitFor("how many customers?")
	tmux("send-keys", "G")
	waitFor("All done here.")
	tmux("send-keys", "q")
	tmux("send-keys", "C-c")
	tmux("send-keys", "C-c")
	waitFor("played with 0")
}
