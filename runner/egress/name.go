package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// names maps what a person or a program writes to what is looked up: lower
// case, IDNA, no wide digits or dots. Real names have hyphens where IDNA has
// none ("r3---sn"), so those are let through.
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.CheckHyphens(false), idna.Transitional(false))

var errLiteral = errors.New("it is an IP address in an unusual notation")

// canonical is the one form of a host in which names and addresses are
// compared: a DNS name without its last dot, or an IP address as netip writes
// it, with addr set.
func canonical(host string) (name string, addr netip.Addr, err error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if host, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(host, ":") {
			return "", addr, errors.New("its brackets hold no IPv6 address")
		}
	}
	if len(host) > 1024 { // of any script; the result is bounded below
		return "", addr, errors.New("it is too long")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || a.String() != strings.ToLower(host) {
			return "", addr, errLiteral
		}
		return a.String(), a, nil
	}
	name, err = names.ToASCII(host)
	if err != nil {
		return "", addr, fmt.Errorf("it is not a host name: %w", err)
	}
	// Text that is not Unicode becomes a name that is none.
	if again, err := names.ToASCII(name); err != nil || again != name {
		return "", addr, errors.New("it is not a host name")
	}
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 {
		return "", addr, errors.New("it is too long")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return "", addr, errors.New("it has a part that is empty or too long")
		}
	}
	if numeric(labels[len(labels)-1]) {
		return "", addr, errLiteral
	}
	return name, addr, nil
}

// numeric tells whether a name that ends in this label is an address to some
// resolver: 2130706433, 0x7f.1, 127.1, 0177.0.0.1. No top-level domain is.
func numeric(label string) bool {
	digits := "0123456789"
	if rest, ok := strings.CutPrefix(label, "0x"); ok {
		label, digits = rest, "0123456789abcdef"
	}
	return strings.Trim(label, digits) == ""
}
