package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"glovebox/agent"
	"glovebox/store"
)

// Batteries implements Backend on the log.
func (b logBackend) Batteries(ctx context.Context) (all []Battery, err error) {
	sums, err := b.log.Sessions(ctx, store.Filter{Model: "verify"})
	for _, sum := range sums {
		for e, err := range b.log.Events(ctx, sum.ID, 0) {
			if err != nil {
				return nil, err
			}
			if v, ok := e.Body.(store.Verified); ok {
				all = append(all, Battery{ID: sum.ID, At: e.At, Verified: v})
			}
		}
	}
	return all, err
}

// Stale implements Backend.
func (b logBackend) Stale(ctx context.Context) (string, error) {
	if all, err := b.Batteries(ctx); err != nil || len(all) > 0 {
		return "", err
	}
	return "it has not been done yet", nil
}

// Verify implements Backend: it records what exampleProbes found.
func (b logBackend) Verify(ctx context.Context, _ bool, notice func(string), observe func(store.Probed)) error {
	s, err := b.log.Begin(ctx, store.SessionStarted{Program: "test", Model: "verify"}, store.CurrentOwner())
	if err != nil {
		return err
	}
	notice("making the box")
	probes := exampleProbes()
	for _, p := range probes {
		if _, err := s.Append(ctx, p); err != nil {
			return err
		}
		observe(p)
	}
	_, err = s.Append(ctx, store.Verified{Of: map[string]string{"kernel": "6.1.0"}, Passed: len(probes) - 2, Failed: []string{"raw-socket"}, Inconclusive: []string{"production-hosts"}})
	_, ended := s.Append(ctx, store.SessionEnded{Status: "failed"})
	return errors.Join(err, ended)
}

func exampleProbes() []store.Probed {
	all := []store.Probed{
		{Probe: "interfaces", Layer: "network", Verdict: "PASS", Evidence: "loopback only, no route", Gain: "have a network at all", Tries: "lists the network interfaces and the routes by them", Control: &store.Proof{Probe: "host network", Verdict: "FAIL", Evidence: "eth0 is there"}},
		{Probe: "raw-socket", Layer: "network", Verdict: "FAIL", Evidence: "a raw socket of family 2, protocol 1 worked", Gain: "forge packets of any protocol", Tries: "opens raw IPv4 and IPv6 sockets"},
		{Probe: "production-hosts", Layer: "network", Verdict: "INCONCLUSIVE", Evidence: "network.production in glovebox.toml names no host", Gain: "touch the systems that the sandbox exists to keep it from", Tries: "looks up and connects to each host of network.production"},
		{Probe: "setuid", Layer: "execution", Verdict: "PASS", Evidence: "3 are here, none is honoured", Control: &store.Proof{Probe: "new privileges", Verdict: "PASS", Evidence: "3 are here, none is honoured"}},
		{Probe: "host-file", Layer: "data", Verdict: "PASS", Evidence: "evil \x1b[31m\u202e" + strings.Repeat("long ", 60)},
	}
	for i := range 40 {
		all = append(all, store.Probed{Probe: fmt.Sprintf("probe-%d", i), Layer: "execution", Verdict: "PASS", Evidence: "operation not permitted"})
	}
	return all
}

func exampleBatteries() []Battery {
	of := func(kernel string) map[string]string {
		return map[string]string{"kernel": kernel + " #1 SMP", "podman": "4.3.1", "runtime": "runc"}
	}
	return []Battery{
		{ID: "b3", At: noon.Add(-12 * time.Minute), Verified: store.Verified{Of: of("6.1.2"), Passed: 43, Failed: []string{"raw-socket"}, Inconclusive: []string{"production-hosts"}, DurationMS: 9120}},
		{ID: "b2", At: noon.Add(-26 * time.Hour), Verified: store.Verified{Of: of("6.1.2"), Passed: 79, DurationMS: 8030}},
		{ID: "b1", At: noon.Add(-200 * time.Hour), Verified: store.Verified{Of: of("6.1.1"), Passed: 78, Untried: []string{"fork"}, Inconclusive: []string{"fork"}, DurationMS: 30_000}},
	}
}

// openVerify shows the page with the newest result.
func openVerify(a *app) {
	press(a, "v")
	a.Update(verifyMsg{})
	a.Update(sessionMsg{a.closed, batteriesMsg{all: exampleBatteries()}})
	a.Update(sessionMsg{a.closed, staleMsg{}})
	a.Update(sessionMsg{a.closed, probesMsg{of: exampleBatteries()[0], all: exampleProbes()}})
}

func TestVerifyingScreens(t *testing.T) {
	for name, show := range map[string]func(a *app){
		"verify_never": func(a *app) {
			a.Update(verifyMsg{})
			a.Update(sessionMsg{a.closed, batteriesMsg{}})
			a.Update(sessionMsg{a.closed, staleMsg{why: "it has not been done yet"}})
		},
		"verify_failed": func(a *app) { openVerify(a) },
		"verify_more":   func(a *app) { openVerify(a); press(a, "e", "e", "enter") },
		"verify_stale": func(a *app) {
			openVerify(a)
			b := exampleBatteries()[1:]
			a.Update(sessionMsg{a.closed, batteriesMsg{all: b}})
			a.Update(sessionMsg{a.closed, staleMsg{why: "the kernel has changed since"}})
			a.Update(sessionMsg{a.closed, probesMsg{of: b[0], all: exampleProbes()[3:]}})
			press(a, "end")
		},
		"verify_history": func(a *app) { openVerify(a); press(a, "H", "down") },
		"verify_running": func(a *app) {
			openVerify(a)
			press(a, "c")
			var all []store.Body
			for _, p := range exampleProbes()[:4] {
				all = append(all, p)
			}
			for _, e := range record(all...) {
				a.Update(sessionMsg{a.closed, updatesMsg{batch: []agent.Update{{Event: &e}}, open: true}})
			}
		},
		"help_verify": func(a *app) { openVerify(a); press(a, "?") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range sizes {
				a := newTestApp(size[0], size[1])
				show(a)
				golden(t, name, a)
			}
		})
	}
}

// However far one goes, the chosen probe is on the screen and the screen fits.
func TestVerifyingMoves(t *testing.T) {
	for _, size := range append(sizes, [2]int{30, 10}) {
		a := newTestApp(size[0], size[1])
		openVerify(a)
		for _, keys := range []string{"end", "up", "pgup", "home", "pgdown", "pgdown", "down", "e", "E"} {
			press(a, keys)
			mustFit(t, a)
			if chosen := a.closed.probes.all[a.closed.probes.at].Probe; !strings.Contains(shown(a), "┃") || !strings.Contains(shown(a), cut(chosen, 8)) {
				t.Errorf("%v after %s: %s is not shown:\n%s", size, keys, chosen, shown(a))
			}
		}
		press(a, "esc")
		if a.front != screen(a.home) {
			t.Errorf("%v: esc does not go back to the sessions", size)
		}
	}
}

// The page is driven in a real terminal on a real log.
func TestVerifyingInTerminal(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.Sees("see whether the box is really closed")
	tm.Keys("v")
	tm.Sees("it has not been verified yet")
	tm.Keys("r")
	tm.Sees("✗ not closed: raw-socket")
	tm.Sees("an attacker could forge packets")
	tm.Keys("H")
	tm.Sees("Took")
	tm.Keys("Escape")
	tm.Sees("opens raw IPv4")
	tm.Keys("Escape")
	tm.Sees("1 session")
	tm.Keys("q")
	tm.mustBeClean("0")
}
