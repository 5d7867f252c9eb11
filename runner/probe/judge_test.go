package probe

import (
	"errors"
	"fmt"
	"testing"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// Only a refusal is a PASS: what worked is a FAIL, what failed otherwise neither.
func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		err     error
		reasons []error
		want    port.Verdict
	}{
		{nil, nil, port.Fail},
		{unix.EPERM, nil, port.Pass},
		{fmt.Errorf("wrapped: %w", unix.EACCES), nil, port.Pass},
		{unix.ENOSYS, nil, port.Pass},
		{unix.EINVAL, nil, port.Inconclusive},
		{unix.ENOENT, nil, port.Inconclusive},
		{unix.ENOENT, []error{unix.ENOENT}, port.Pass},
		{unix.EAFNOSUPPORT, nil, port.Inconclusive},
		{unix.EAFNOSUPPORT, noSuchSocket, port.Pass},
		{unix.EOPNOTSUPP, noSuchSocket, port.Inconclusive}, // the socket was made
		{errors.New("something else"), nil, port.Inconclusive},
	} {
		if f := judge("it", tt.err, tt.reasons...); f.Verdict != tt.want || f.Moot {
			t.Errorf("%v, for %v: %+v", tt.err, tt.reasons, f)
		}
	}
	worked := attempt{"it", func() error { return nil }}
	refused := attempt{"it", func() error { return unix.EPERM }}
	odd := attempt{"it", func() error { return unix.EIO }}
	for want, tries := range map[port.Verdict][]attempt{
		port.Pass: {refused, refused}, port.Fail: {refused, worked, odd}, port.Inconclusive: {refused, odd, refused},
	} {
		if f := refusedAll(tries); f.Verdict != want {
			t.Errorf("want %s: %+v", want, f)
		}
	}
}

// An answer is a refusal only if the proxy refuses.
func TestLet(t *testing.T) {
	targets := Targets{Nonce: "nonce-1"}
	for answer, want := range map[string]port.Verdict{
		"HTTP/1.1 403 no\r\n\r\n":        port.Pass,
		"HTTP/1.1 400 no\r\n\r\nnonce-1": port.Fail,
		"HTTP/1.1 200 OK\r\n\r\nnonce-1": port.Fail,
		"HTTP/1.1 200 OK\r\n\r\n":        port.Inconclusive,
		"HTTP/1.1 502 bad\r\n\r\n":       port.Inconclusive,
		"":                               port.Inconclusive,
		"dial tcp 127.0.0.1:3128: connection refused":      port.Inconclusive,
		"\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00": port.Pass,
		"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00": port.Inconclusive,
		"\x05\x00": port.Inconclusive,
	} {
		if f := let(targets, "it", answer); f.Verdict != want {
			t.Errorf("%q: %+v", answer, f)
		}
	}
	// Nobody listens where a box has its proxy: that is no refusal either.
	for _, p := range []Probe{egressUnlisted, egressHost, egressAddress, egressRebinding, egressRedirect} {
		for _, targets := range []Targets{{Nonce: "nonce-1"}, {Nonce: "nonce-1", Allowed: "allowed.test:1", Rebound: "rebound.test:1"}} {
			if f := p.Try(targets); f.Verdict != port.Inconclusive || f.Moot {
				t.Errorf("%s: %+v", p.Name, f)
			}
		}
	}
}

// The names of probes are unique, and each says what it is about.
func TestBatteryIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Battery(true) {
		if seen[p.Name] || p.Gain == "" || p.Tries == "" || p.Try == nil || (p.Control == "") == (p.Why == "") {
			t.Errorf("%+v", p)
		}
		seen[p.Name] = true
	}
}
