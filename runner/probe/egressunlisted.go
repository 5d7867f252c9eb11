package probe

import "strings"

var egressUnlisted = Probe{
	Name: "egress-unlisted", Layer: network, Control: OpenProxy,
	Gain:  "reach hosts that nobody allowed",
	Tries: "asks the proxy for unlisted hosts by HTTP, CONNECT and SOCKS5",
	Try: throughProxy(func(t Targets) Finding {
		unlisted := strings.Replace(t.Allowed, "allowed", "unlisted", 1)
		for what, answer := range map[string]string{
			"HTTP":    overHTTP("GET http://" + unlisted + "/ HTTP/1.1\r\nHost: " + unlisted + "\r\n\r\n"),
			"CONNECT": overHTTP("CONNECT " + unlisted + " HTTP/1.1\r\nHost: " + unlisted + "\r\n\r\n"),
			"SOCKS5":  overSOCKS(unlisted),
		} {
			if f := let(t, what, answer); f.Verdict != pass {
				return f
			}
		}
		return held("refused over HTTP, CONNECT and SOCKS5")
	}),
}
