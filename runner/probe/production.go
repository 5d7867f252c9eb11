package probe

import (
	"net"
	"strings"
)

var production = Probe{
	Name: "production-hosts", Layer: network, Control: OpenNetwork,
	Gain:  "touch the systems that the sandbox exists to keep it from",
	Tries: "looks up and connects to each host of network.production",
	Try: func(t Targets) Finding {
		if len(t.Production) == 0 {
			return moot("network.production in glovebox.toml names no host")
		}
		var addrs []string
		for _, host := range t.Production {
			if _, _, err := net.SplitHostPort(host); err == nil {
				addrs = append(addrs, host)
				continue
			}
			for _, port := range []string{"22", "443", "5432", "3306"} {
				addrs = append(addrs, net.JoinHostPort(strings.Trim(host, "[]"), port))
			}
		}
		return dialAll("tcp", addrs...)
	},
}
