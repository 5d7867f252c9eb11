package main

import (
	"strings"
	"testing"
	"time"
)

// The page about the box, in a real terminal with real boxes: never verified,
// verified from there, shown row by row, kept, and stale when the policy changes.
func TestVerifyPageInTerminal(t *testing.T) {
	h := standard(t)
	tmux := openTmux(t, h).do
	waitFor := func(texts ...string) {
		t.Helper()
		tick, deadline := time.NewTicker(20*time.Millisecond), time.After(120*time.Second)
		defer tick.Stop()
		for {
			screen, missing := tmux("capture-pane", "-p"), ""
			for _, text := range texts {
				if !strings.Contains(screen, text) {
					missing = text
				}
			}
			if missing == "" {
				return
			}
			select {
			case <-deadline:
				t.Fatalf("the screen never showed %q:\n%s", missing, screen)
			case <-tick.C:
			}
		}
	}
	start := func() {
		tmux("send-keys", "-l", "clear; "+h.bin+"; echo left with $?")
		tmux("send-keys", "Enter")
		waitFor("? keys")
		tmux("send-keys", "v")
	}
	start()
	waitFor("it has not been verified yet")
	tmux("send-keys", "r")
	waitFor("◐ verifying", "interfaces", "loopback only, no route")
	waitFor("● closed, and nothing that it depends on has changed since", "hold · now")
	tmux("send-keys", "Home")
	waitFor("an attacker could have a network at all")
	tmux("send-keys", "C-c")
	tmux("send-keys", "C-c")
	waitFor("left with 0")

	h.small("80MiB")
	start()
	waitFor("○ stale: the policy has changed since", "hold ·")
	tmux("send-keys", "C-c")
	tmux("send-keys", "C-c")
	waitFor("left with 0")
	if history := lines(t, h.ok("verify", "--history", "--json")); len(history) != 1 || history[0]["failed"] != nil {
		t.Errorf("history: %v", history)
	}
}
