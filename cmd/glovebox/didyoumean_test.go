package main

import "testing"

// A guess is made of what is near, and of nothing else.
func TestNearest(t *testing.T) {
	commands := []string{"box", "check", "demo", "help", "image", "run", "sessions", "verify"}
	for word, want := range map[string]string{
		"bxo": "box", "chekc": "check", "Verfiy": "verify", "session": "sessions", "imgae": "image", "hlep": "help",
		"log": "", "rm": "", "ls": "", "shell": "", "ip": "", "test": "", "": "", "databases": "",
	} {
		if got := nearest(word, commands); got != want {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
	known := map[string]bool{"limits": true, "limits.wall": true, "limits.turns": true, "data.seed": true, "box.pids": true}
	for key, want := range map[string]string{
		"limits.trun": "", "limits.turn": `; did you mean "limits.turns"?`, "seed": `; did you mean "data.seed"?`,
		"limts.turns": `; did you mean "limits.turns"?`, "limits.foo": "", "limits.fool": "", "limit": `; did you mean "limits"?`, "network.x": "",
	} {
		if got := didYouMean(key, known); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}
