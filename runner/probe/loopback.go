package probe

import "strings"

var hostLoopback = Probe{
	Name: "host-loopback", Layer: network, Control: HostNetwork,
	Gain:  "use services that trust whoever is on the same machine",
	Tries: "connects to listeners that were opened on the host's loopback for it",
	Try: func(t Targets) Finding {
		if len(t.Loopback) == 0 {
			return unsure("the host has opened no listener")
		}
		for _, addr := range t.Loopback {
			if f := says("tcp", addr, t.Nonce); f.Verdict != pass {
				return f
			}
		}
		return held("nobody at %s", strings.Join(t.Loopback, ", "))
	},
}
