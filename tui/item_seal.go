package tui

import (
	"fmt"
	"strings"

	"glovebox/store"
)

// layers are the three of the seal, in the order in which they are named.
var layers = [...]string{"network", "data", "execution"}

// sealed is the box and what its probes found.
type sealed struct{ store.BoxCreated }

// sealOf says what the probes proved: the layers whose every probe passed, and the others.
func sealOf(proofs []store.Proof) (proven, open []string) {
	for _, layer := range layers {
		seen, ok := false, true
		for _, p := range proofs {
			if p.Layer == layer {
				seen = true
				ok = ok && p.Verdict == "PASS"
			}
		}
		if seen && ok {
			proven = append(proven, layer)
		} else {
			open = append(open, layer)
		}
	}
	return proven, open
}

func (s *sealed) headline() (string, bool) {
	proven, open := sealOf(s.Seal)
	if len(open) > 0 {
		return "box not sealed: " + strings.Join(open, " "), false
	}
	return fmt.Sprintf("box sealed: %s · %s · %s", strings.Join(proven, " "), s.Runtime, took(s.ReadyMS)), true
}

func (s *sealed) details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "image %s\n", s.Image)
	if s.ImageDigest != "" {
		fmt.Fprintf(&b, "      %s\n", s.ImageDigest)
	}
	fmt.Fprintf(&b, "%s, runtime %s, uid %d\n", s.Engine, s.Runtime, s.UID)
	for _, p := range s.Seal {
		fmt.Fprintf(&b, "%-13s %-10s %s: %s\n", p.Verdict, p.Layer, p.Probe, p.Evidence)
	}
	for _, l := range s.Limits {
		if l.Enforced == "none" {
			fmt.Fprintf(&b, "limit %s, not enforced\n", l.Name)
			continue
		}
		fmt.Fprintf(&b, "limit %s %s, enforced by %s\n", l.Name, l.Value, l.Enforced)
	}
	return b.String()
}

func (s *sealed) text() string {
	h, _ := s.headline()
	return h + "\n" + s.details()
}

func (s *sealed) draw(w int, th *theme, open bool) []string {
	h, ok := s.headline()
	mark, style := "●", th.good
	if !ok {
		mark, style = "✗", th.bad
	}
	lines := wrap(clean(h), w-2, true)
	for i := range lines {
		lines[i] = th.faint.Render(lines[i])
	}
	out := under(style.Render(mark)+" ", "  ", lines)
	if open {
		for _, l := range wrap(clean(s.details()), w-4, true) {
			out = append(out, "    "+th.faint.Render(l))
		}
	}
	return out
}
