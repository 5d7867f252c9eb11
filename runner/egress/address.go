package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// blocks are the ranges that are not the public internet's, or that carry an
// IPv4 address in which any of them could hide. Of IPv6 only 2000::/3 is
// global unicast, so that everything else need not be listed.
var blocks = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier's own"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's metadata service"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},

	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4 inside IPv6"},
	{netip.MustParsePrefix("64:ff9b::/32"), "NAT64"},
	{netip.MustParsePrefix("2001::/32"), "Teredo"},
	{netip.MustParsePrefix("2001::/23"), "reserved"},
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

var globalIPv6 = netip.MustParsePrefix("2000::/3")

// notPublic says what an address is that is not on the public internet; "" if it is.
func notPublic(a netip.Addr) string {
	if !a.IsValid() || a.Zone() != "" {
		return "not an address"
	}
	for _, b := range blocks {
		if b.prefix.Contains(a) || a.Is4In6() && b.prefix.Addr().Is6() && b.prefix.Bits() == 96 {
			return b.what
		}
	}
	if a.Is6() {
		if !globalIPv6.Contains(a) {
			return "not global"
		}
		// ISATAP: an interface identifier that holds an IPv4 address.
		if b := a.As16(); b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
			return "IPv4 inside IPv6"
		}
	}
	return ""
}

// refuse says why none of these may be dialled; "" if all may. One bad address
// condemns the name: whoever mixes them is not to be trusted with the others.
func refuse(addrs []netip.Addr, own []netip.Addr) string {
	for _, a := range addrs {
		if why := notPublic(a); why != "" {
			return fmt.Sprintf("it resolves to %s, which is %s", a, why)
		}
		for _, o := range own {
			if a == o {
				return fmt.Sprintf("it resolves to %s, which is this host itself", a)
			}
		}
	}
	return ""
}

// lookup asks the host's resolver.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if strings.Contains(host, ".") {
		host += "." // so that no search domain is tried; the hosts file has single words without
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i, a := range addrs {
		addrs[i] = a.Unmap() // Go's own way to write IPv4
	}
	return addrs, err
}

// ownAddresses are those of the host's interfaces: a service that listens on
// all of them is as little the box's business as one on loopback.
func ownAddresses() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("find the host's own addresses: %w", err)
	}
	var own []netip.Addr
	for _, a := range found {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own, nil
}
