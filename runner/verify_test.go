package runner

import (
	"context"
	"slices"
	"strings"
	"testing"

	"glovebox/runner/port"
	"glovebox/runner/probe"
)

// Every probe that finds something to try holds here, and every one that can fail does so in its control.
func TestVerify(t *testing.T) {
	e := testEngine(t)
	results, err := e.Verify(t.Context(), VerifyOptions{
		Box: BoxOptions{Image: testImage(t)}, Control: true, Production: []string{"db.production.test"},
		Furnish: func(ctx context.Context, b *Box) error {
			_, err := b.Put(ctx, "/data/clean.txt", 0o644, strings.NewReader("Write to nobody@example.org.\n"))
			return err
		},
		Observe: func(v Verified) {
			t.Logf("%-12s %-18s %s", v.Verdict, v.Name, v.Evidence)
			if v.Control != nil {
				t.Logf("     %-12s %s: %s", v.Control.Verdict, v.Probe.Control, v.Control.Evidence)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(probe.Battery(false)); len(results) != want {
		t.Errorf("%d results of %d probes", len(results), want)
	}
	for _, v := range results {
		if v.Verdict != port.Pass && !v.Moot {
			t.Errorf("%s: %s: %s", v.Name, v.Verdict, v.Evidence)
		}
		if !v.Proven() {
			t.Errorf("%s in a box with %s: %s: %s", v.Name, v.Probe.Control, v.Control.Verdict, v.Control.Evidence)
		}
		if (v.Probe.Control == "") == (v.Why == "") {
			t.Errorf("%s: control %q, why %q: one of them", v.Name, v.Probe.Control, v.Why)
		}
	}
}

// fillsTheBox leaves room for eight threads: too few for a program that starts
// another, enough not to be ended for it.
const fillsTheBox = `
import os, signal
kids = []
try:
    while True:
        kid = os.fork()
        if kid == 0:
            signal.pause()
        kids.append(kid)
except BlockingIOError:
    pass
for kid in kids[:8]:
    os.kill(kid, signal.SIGKILL)
    os.waitpid(kid, 0)
print("ready", flush=True)
signal.pause()
`

// A probe that finds no room in a box that is busy is tried again in the end:
// what could not be tried holds nothing, and a session would not begin.
func TestVerifyTriesAgain(t *testing.T) {
	e := testEngine(t)
	busy, quiet := context.WithCancel(t.Context())
	hogged := make(chan error, 1)
	var order []string
	results, err := e.Verify(t.Context(), VerifyOptions{
		Box: BoxOptions{Image: testImage(t)},
		Furnish: func(ctx context.Context, b *Box) error {
			ready := make(chan struct{})
			go func() {
				_, err := b.Exec(busy, Command{
					Argv:   []string{"python3", "-c", fillsTheBox},
					Output: func(bool, []byte) { close(ready) },
				})
				hogged <- err
			}()
			select {
			case <-ready:
				return nil
			case err := <-hogged:
				return err
			}
		},
		Observe: func(v Verified) {
			if order = append(order, v.Name); v.Name == "egress-unlisted" {
				quiet()
			}
		},
	})
	quiet()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Index(order, "new-network") < slices.Index(order, "file-capabilities") {
		t.Errorf("there was room: it was tried at once, in %s", order)
	}
	for _, v := range results {
		if v.Name == "new-network" && v.Verdict != port.Pass {
			t.Errorf("%s: %s: %s", v.Name, v.Verdict, v.Evidence)
		}
	}
}
