package main

import (
	"strings"
	"testing"
)

// On a terminal a list fits its width, whole lists are to be had, and a question
// that nobody answers can be left.
func TestListsAndQuestionsOnATerminal(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.ok("--rigor", "quick", "box", "run", "--", "echo", strings.Repeat("long ", 30))
	m := openTmux(t, h)
	m.Enter("clear; " + h.bin + " sessions; echo listed-$((6*7))")
	m.SeesLine("listed-42")
	lines := strings.Split(m.Screen(), "\n")
	if !strings.HasPrefix(lines[0], "ID") || !strings.Contains(lines[0], "TITLE") || !strings.HasSuffix(lines[1], "…") || lines[2] != "listed-42" {
		t.Errorf("the list:\n%s", m.Screen())
	}
	m.Enter("clear; " + h.bin + " sessions --plain; echo whole-$((6*7))")
	m.SeesLine("whole-42")
	if screen := m.Screen(); !strings.Contains(screen, "MODEL") {
		t.Errorf("the whole list:\n%s", screen)
	}
	m.Enter("clear; " + h.bin + " sessions rm last; echo left with $?")
	m.Sees("[y/N]")
	m.Keys("C-c")
	m.SeesLine("left with 130")
	h.ok("replay", "last")
}
