package main

import (
	"testing"
)

// The page about the box, in a real terminal with real boxes: never verified,
// verified from there, shown row by row, kept, and stale when the policy changes.
func TestVerifyPageInTerminal(t *testing.T) {
	h := standard(t)
	m := openTmux(t, h)
	start := func() {
		m.Enter("clear; " + h.bin + "; echo left with $?")
		m.Sees("? keys")
		m.Keys("v")
	}
	start()
	m.Sees("it has not been verified yet")
	m.Keys("r")
	m.Sees("◐ verifying", "PASS") // row by row; the first rows may be gone from the screen in a blink
	m.Sees("● closed, and nothing that it depends on has changed since", "hold · now")
	m.Keys("Home")
	m.Sees("interfaces", "loopback only, no route", "an attacker could have a network at all")
	m.Keys("C-c")
	m.Keys("C-c")
	m.Sees("left with 0")

	h.small("80MiB")
	start()
	m.Sees("○ stale: the policy has changed since", "hold ·")
	m.Keys("C-c")
	m.Keys("C-c")
	m.Sees("left with 0")
	if history := lines(t, h.ok("verify", "--history", "--json")); len(history) != 1 || history[0]["failed"] != nil {
		t.Errorf("history: %v", history)
	}
}
