package main

import (
	"strings"
	"testing"
	"time"

	"glovebox/tui/tmuxtest"
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
	m.Enter(h.bin + "; echo left with $?")
	m.Sees("? keys")
	m.Keys("n")
	m.Sees("box sealed")
	m.Enter("make files")
	m.Sees("May the agent do this?")
	m.Sees("files appear")
	m.Sees("asked by    rule shell \"touch *\" (glovebox.toml:3)")
	m.Keys("Enter") // there is no default yes, and this is too early as well
	press(m, "a", "touch /work/second")
	press(m, "d", "reason>")
	m.Keys("C-u") // it may have been pressed twice
	m.Enter("one is enough")
	m.Sees("That is all.")
	m.Keys("C-c")
	m.Keys("C-c")
	m.Sees("left with 0")
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

// press presses a key, again once in a while, until the screen shows text: a
// question does not listen at first.
func press(m *tmuxtest.Terminal, key, text string) {
	again := time.Now()
	m.Until("shows "+text+" after "+key, func(screen string) bool {
		if strings.Contains(screen, text) {
			return true
		}
		if now := time.Now(); !now.Before(again) {
			again = now.Add(1500 * time.Millisecond)
			m.Keys(key)
		}
		return false
	})
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
