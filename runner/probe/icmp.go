package probe

import (
	"golang.org/x/sys/unix"
)

var icmp = Probe{
	Name: "icmp", Layer: network, Control: OpenNetwork,
	Gain:  "send data in echo requests, which firewalls often let pass",
	Tries: "sends an echo request to a public address by a ping socket",
	Try: func(Targets) Finding {
		if f, ok := wayOut(); ok {
			return f
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			return judge("a ping socket", err, noSuchSocket...)
		}
		defer unix.Close(fd) // nothing was written
		echo := []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}
		if err := unix.Sendto(fd, echo, 0, &unix.SockaddrInet4{Addr: [4]byte{1, 1, 1, 1}}); err != nil {
			if unreachable(err) {
				return held("echo request: %v", err)
			}
			return judge("an echo request", err)
		}
		return out("an echo request to 1.1.1.1 was sent")
	},
}
