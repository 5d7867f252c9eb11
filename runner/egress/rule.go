package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Rule is one entry of an allowlist.
type Rule struct {
	text   string // as written
	name   string // canonical; of a wildcard, what follows "*"
	suffix bool   // name is ".example.org": any name below it, not itself
	port   uint16 // 0: 80 and 443
}

// String is the entry as it was written.
func (r Rule) String() string { return r.text }

// ParseRule reads an entry: "host", "host:port", "*.example.org",
// "*.example.org:8443", or a public IP address ("192.0.2.1:53", "[2001:db8::1]").
// Without a port, 80 and 443 are meant. Its errors are a person's to mend.
func ParseRule(entry string) (Rule, error) {
	r := Rule{text: entry}
	wrong := func(why string) (Rule, error) {
		return Rule{}, fmt.Errorf(`%q cannot be allowed: %s; write "pypi.org", "pypi.org:443" or "*.example.org"`, entry, why)
	}
	if strings.Contains(entry, "/") || strings.Contains(entry, "@") {
		return wrong("it must be a host, without scheme, user or path")
	}
	host := entry
	if i := strings.LastIndexByte(entry, ':'); i > 0 && (entry[0] != '[' || entry[i-1] == ']') && strings.Count(entry, ":") == 1 || i > 0 && entry[i-1] == ']' {
		port, err := parsePort(entry[i+1:])
		if err != nil {
			return wrong(err.Error())
		}
		host, r.port = entry[:i], port
	}
	rest, wildcard := strings.CutPrefix(host, "*.")
	name, addr, err := canonical(rest)
	switch {
	case err != nil:
		return wrong(err.Error())
	case wildcard && addr.IsValid():
		return wrong("an address has no names below it")
	case wildcard && !strings.Contains(name, "."):
		return wrong("that is a whole top-level domain")
	case addr.IsValid():
		if why := notPublic(addr); why != "" {
			return wrong("the address is " + why)
		}
	}
	r.name, r.suffix = name, wildcard
	if wildcard {
		r.name = "." + name
	}
	return r, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '0' {
		return 0, errors.New("a port is a number from 1 to 65535")
	}
	return uint16(n), nil
}

func (r Rule) hosts(name string) bool {
	if r.suffix {
		return strings.HasSuffix(name, r.name) && name != r.name
	}
	return name == r.name
}

func (r Rule) ports(port uint16) bool {
	if r.port == 0 {
		return port == 80 || port == 443
	}
	return port == r.port
}

// target is where a request wants to go.
type target struct {
	host string // canonical, or as asked where that is impossible
	port uint16
	addr netip.Addr // valid: host is an address
}

func (t target) String() string {
	return net.JoinHostPort(t.host, strconv.Itoa(int(t.port)))
}

// match finds the rule that allows t; reason says why there is none, in words
// for a model.
func match(rules []Rule, host string, port uint16) (t target, rule, reason string) {
	name, addr, err := canonical(host)
	if err != nil {
		return target{host: clip(host), port: port}, "", fmt.Sprintf("host %q is refused: %s (%s)", clip(host), err, allowed(rules))
	}
	t = target{host: name, port: port, addr: addr}
	listed := false
	for _, r := range rules {
		if !r.hosts(name) {
			continue
		}
		if listed = true; r.ports(port) {
			return t, r.text, ""
		}
	}
	switch {
	case listed:
		reason = fmt.Sprintf("port %d of %s is not on the allowlist (%s)", port, name, allowed(rules))
	case addr.IsValid():
		reason = fmt.Sprintf("IP address %s is not on the allowlist (%s)", name, allowed(rules))
	default:
		reason = fmt.Sprintf("host %s is not on the allowlist (%s)", name, allowed(rules))
	}
	return t, "", reason
}

func allowed(rules []Rule) string {
	texts := make([]string, len(rules))
	for i, r := range rules {
		texts[i] = r.text
	}
	return "allowed: " + strings.Join(texts, ", ")
}

// clip bounds what the box wrote before it goes into a message.
func clip(s string) string {
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
