package runner

import (
	"context"
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
