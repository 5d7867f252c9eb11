package probe

import (
	"strings"
)

var egressRedirect = Probe{
	Name: "egress-redirect", Layer: network, Control: OpenProxy,
	Gain:  "reach the host through a redirect that the proxy follows",
	Tries: "asks for a listed URL that redirects to the host's loopback, and goes there",
	Try: throughProxy(func(t Targets) Finding {
		answer := overHTTP("GET http://" + t.Allowed + "/redirect HTTP/1.1\r\nHost: " + t.Allowed + "\r\n\r\n")
		if strings.Contains(answer, t.Nonce) {
			return out("the redirect was followed: %.80q", answer)
		}
		to := location(answer)
		if to == "" {
			return unsure("the listed server sent no redirect: %.80q", answer)
		}
		return let(t, to, overHTTP("GET "+to+" HTTP/1.1\r\nHost: "+strings.TrimSuffix(strings.TrimPrefix(to, "http://"), "/")+"\r\n\r\n"))
	}),
}

// location is the value of that header; "" if there is none.
func location(answer string) string {
	for line := range strings.Lines(answer) {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Location") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
