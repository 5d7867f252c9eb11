package scan

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// address reads an IP address that is somebody's, or a network card's.
func address(text string, i int) (string, int) {
	end, dots, colons, hyphens := i, 0, 0, 0
	for end < len(text) && end-i < 46 {
		switch c := text[end]; {
		case c == '.':
			dots++
		case c == ':':
			colons++
		case c == '-':
			hyphens++
		case !digit(c) && (c|0x20 < 'a' || c|0x20 > 'f'):
			if alnum(c) || c == '_' {
				return "", 0
			}
			goto done
		}
		end++
	}
done:
	for end > i && (text[end-1] == '.' || text[end-1] == ':' || text[end-1] == '-') {
		end--
	}
	s := text[i:end]
	switch {
	case end-i == 17 && (colons == 5 || hyphens == 5):
		for k := range 17 {
			if (k%3 == 2) != (s[k] == ':' || s[k] == '-') {
				return "", 0
			}
		}
		if s == "00:00:00:00:00:00" || s == "ff:ff:ff:ff:ff:ff" || strings.ContainsAny(s[1:2], "26aeAE") || strings.HasPrefix(s[3:], "00:5e:") || strings.HasPrefix(s[3:], "00-5e-") {
			return "", 0 // nobody's, or made up by software, or documentation's (RFC 7042)
		}
		return "mac-address", end
	case dots >= 3 && colons <= 1 && !version4(text, i):
		host, _, _ := strings.Cut(s, ":")
		if ip, err := netip.ParseAddr(host); err == nil && somebodys(ip) && len(host) >= 9 {
			return "ip-address", i + len(host)
		}
	case colons >= 3:
		if ip, err := netip.ParseAddr(s); err == nil && somebodys(ip) {
			return "ip-address", end
		}
	}
	return "", 0
}

// version4 says of four numbers with dots at text[i] whether they are a version,
// as in Chrome/126.0.0.0 and libx.so.1.2.3.4, or the name of a part of a certificate.
func version4(text string, i int) bool {
	if i > 0 && text[i-1] == '.' || i > 1 && text[i-1] == '/' && alnum(text[i-2]) {
		return true
	}
	return strings.HasPrefix(text[i:], "2.5.29.") || strings.HasPrefix(text[i:], "1.3.")
}

// nobodys are addresses of documents, tests and private networks, and those
// that serve everybody: resolvers of names, what a cloud tells its machines.
var nobodys = sync.OnceValue(func() (all []netip.Prefix) {
	for p := range strings.FieldsSeq(`192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 100.64.0.0/10 0.0.0.0/8 240.0.0.0/4 192.0.0.0/24 192.88.99.0/24 198.18.0.0/15
		2001:db8::/32 3fff::/20 1.1.1.0/24 1.0.0.0/24 8.8.8.0/24 8.8.4.0/24 9.9.9.0/24 2606:4700:4700::/48 2001:4860:4860::/48 2620:fe::/48 168.63.129.16/32`) {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
})

// somebodys is false of such addresses.
func somebodys(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && (!ip.Is6() || ip.As16()[0]&0xe0 == 0x20) &&
		!slices.ContainsFunc(nobodys(), func(p netip.Prefix) bool { return p.Contains(ip) })
}
