package runner

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// A probe that finds no room in a box that is busy is tried again in the end:
// what could not be tried holds nothing, and a session would not begin. The box
// is full while one probe has its turn, of commands that are all smaller than the
// probe: one large one would be ended for it, sooner or later.
func TestVerifyTriesAgain(t *testing.T) {
	const pids = 60
	e := testEngine(t)
	var sealed *Box
	busy, quiet := context.WithCancel(t.Context())
	defer quiet()
	var running sync.WaitGroup
	fill := func() {
		var n atomic.Int32
		for n.Load() < pids+5 { // the watchdog ends one of them at each look
			begun := make(chan struct{})
			say := sync.OnceFunc(func() { close(begun) })
			n.Add(1)
			running.Go(func() {
				sealed.Exec(busy, Command{Argv: []string{"sh", "-c", "echo; exec sleep 1000"}, Output: func(bool, []byte) { say() }}) //nolint:errcheck // cancelled, or ended
				n.Add(-1)
				say()
			})
			<-begun
		}
	}
	var order []string
	results, err := e.Verify(t.Context(), VerifyOptions{
		Box:     BoxOptions{Image: testImage(t), Pids: pids},
		Furnish: func(_ context.Context, b *Box) error { sealed = b; return nil },
		Observe: func(v Verified) {
			switch order = append(order, v.Name); v.Name {
			case "netlink-change": // the one before it
				fill()
			case "egress-unlisted": // and after it, in another box
				quiet()
				running.Wait()
			}
		},
	})
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
