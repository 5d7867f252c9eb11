package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

var rawSocket = Probe{
	Name: "raw-socket", Layer: network, Control: Capabilities,
	Gain:  "forge packets of any protocol",
	Tries: "opens raw IPv4 and IPv6 sockets",
	Try: func(Targets) Finding {
		var tries []attempt
		for _, s := range [][2]int{{unix.AF_INET, unix.IPPROTO_ICMP}, {unix.AF_INET, unix.IPPROTO_TCP}, {unix.AF_INET, unix.IPPROTO_RAW}, {unix.AF_INET6, unix.IPPROTO_ICMPV6}, {unix.AF_INET6, unix.IPPROTO_RAW}} {
			tries = append(tries, attempt{
				fmt.Sprintf("a raw socket of family %d, protocol %d", s[0], s[1]),
				func() error { return closed(unix.Socket(s[0], unix.SOCK_RAW|unix.SOCK_CLOEXEC, s[1])) },
			})
		}
		return refusedAll(tries, noSuchSocket...)
	},
}
