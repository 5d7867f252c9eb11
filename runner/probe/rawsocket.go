package probe

import "golang.org/x/sys/unix"

var rawSocket = Probe{
	Name: "raw-socket", Layer: network, Control: Capabilities,
	Gain:  "forge packets of any protocol",
	Tries: "opens raw IPv4 and IPv6 sockets",
	Try: func(Targets) Finding {
		for _, s := range [][2]int{{unix.AF_INET, unix.IPPROTO_ICMP}, {unix.AF_INET, unix.IPPROTO_RAW}, {unix.AF_INET6, unix.IPPROTO_ICMPV6}} {
			fd, err := unix.Socket(s[0], unix.SOCK_RAW|unix.SOCK_CLOEXEC, s[1])
			if err == nil {
				unix.Close(fd) // nothing was written
				return out("a raw socket of family %d, protocol %d was opened", s[0], s[1])
			}
		}
		return held("operation not permitted")
	},
}
