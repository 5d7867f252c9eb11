package probe

import (
	"context"
	"net"
	"time"
)

// resolvers are where name servers are found in containers and on hosts.
var resolvers = [...]string{"127.0.0.1", "127.0.0.11", "127.0.0.53", "127.0.0.54", "::1", "10.0.2.3", "10.88.0.1", "169.254.1.1", "1.1.1.1", "8.8.8.8", "9.9.9.9"}

var dnsLookup = Probe{
	Name: "dns-lookup", Layer: network, Control: OpenNetwork,
	Gain:  "carry data out in the names that it asks for, past any proxy",
	Tries: "looks up a reserved name by each usual resolver, over UDP and TCP, and by the system's own way",
	Try: func(Targets) Finding {
		if f, ok := wayOut(); ok {
			return f
		}
		for _, proto := range []string{"udp", "tcp"} {
			for _, server := range resolvers {
				if who := answers(proto, net.JoinHostPort(server, "53")); who != "" {
					return out("%s over %s: %s", server, proto, who)
				}
			}
		}
		if addrs, err := net.DefaultResolver.LookupHost(context.Background(), "probe.example.com."); err == nil {
			return out("probe.example.com is %s", addrs)
		}
		return held("%d resolvers, none there", len(resolvers))
	},
}

// answers says how a name server at addr answered; "" if none did.
func answers(proto, addr string) string {
	c, err := (&net.Dialer{Timeout: dialTime}).DialContext(context.Background(), proto, addr)
	if err != nil {
		return ""
	}
	defer c.Close()
	if proto == "tcp" {
		return "a connection"
	}
	c.SetDeadline(time.Now().Add(dialTime)) //nolint:errcheck // the read says so
	// RFC 1035: one question, probe.example.com, A, IN.
	query := append([]byte{0xb0, 0x0c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, "\x05probe\x07example\x03com\x00\x00\x01\x00\x01"...)
	if _, err := c.Write(query); err != nil {
		return ""
	}
	if n, err := c.Read(make([]byte, 512)); err == nil {
		return "an answer"
	} else if n > 0 {
		return err.Error()
	}
	return ""
}
