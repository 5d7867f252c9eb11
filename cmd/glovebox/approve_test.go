package main

import (
	"strings"
	"testing"
	"time"
)

const askingScenario = `
name = "ask"
[[turn]]
text = "I make a file."
[[turn.call]]
tool = "shell"
args = { command = "touch /work/first && echo made-it" }
[[turn]]
text = "And another."
[[turn.call]]
tool = "shell"
args = { command = "touch /work/second && echo made-two" }
[[turn]]
text = "That is all."
`

const askingConfig = `
[[rule]]
tool = "shell"
match = "touch *"
decision = "ask"
reason = "files appear"
`

// A question in a real terminal of 80×24, about a call in a real box: allowed
// once, denied with a reason, each on the record.
func TestApprovalInTerminal(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	scenario := h.file("ask.toml", askingScenario)
	h.file("glovebox.toml", "model = 'script:"+scenario+"'\n"+askingConfig)
	m := openTmux(t, h)
	m.enter(h.bin + "; echo left with $?")
	m.sees("? keys", "")
	m.do("send-keys", "n")
	m.sees("box sealed", "")
	m.enter("make files")
	m.sees("May the agent do this?", "")
	m.sees("files appear", "")
	m.sees("asked by    rule shell \"touch *\" (glovebox.toml:3)", "")
	m.do("send-keys", "Enter") // there is no default yes, and this is too early as well
	m.sees("touch /work/second", "a")
	m.sees("reason>", "d")
	m.enter("one is enough")
	m.sees("That is all.", "")
	m.do("send-keys", "C-c")
	m.do("send-keys", "C-c")
	m.sees("left with 0", "")
	log := h.ok("replay", "--json", "last")
	for _, want := range []string{`"verdict":"ask"`, `"verdict":"allow","rule":"shell \"touch *\"","reason":"files appear","by":"user"`, `"scope":"once"`, `"wait_ms":`, `"verdict":"deny"`, `"reason":"one is enough"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log:\n%s", want, log)
		}
	}
	if !strings.Contains(log, "\"stdout\":\"made-it") {
		t.Error("what was allowed did not run")
	}
	if strings.Contains(log, "\"stdout\":\"made-two") {
		t.Error("what was denied ran")
	}
}

// sees waits until the screen shows text anywhere, pressing key once in a while.
func (m tmux) sees(text, key string) {
	m.h.t.Helper()
	look, deadline := time.NewTicker(20*time.Millisecond), time.After(60*time.Second)
	again := time.NewTicker(1500 * time.Millisecond)
	defer look.Stop()
	defer again.Stop()
	for {
		screen := m.do("capture-pane", "-p")
		if strings.Contains(screen, text) {
			return
		}
		select {
		case <-deadline:
			m.h.t.Fatalf("the screen never showed %q:\n%s", text, screen)
		case <-look.C:
		case <-again.C:
			if key != "" {
				m.do("send-keys", key)
			}
		}
	}
}

// Without a person, what would be asked is denied; --yes allows it.
func TestApprovalHeadless(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	scenario := h.file("ask.toml", askingScenario)
	h.file("glovebox.toml", "model = 'script:"+scenario+"'\n"+askingConfig)
	out := h.ok("run", "make files")
	if strings.Contains(out, "result shell: exit 0") || !strings.Contains(out, "denied by headless") || !strings.Contains(out, "That is all.") {
		t.Errorf("%s", out)
	}
	out = h.ok("run", "--yes", "make files")
	if !strings.Contains(out, "made-it") || !strings.Contains(out, "made-two") || !strings.Contains(out, "allowed by --yes") {
		t.Errorf("%s", out)
	}
}
