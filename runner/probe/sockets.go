package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Families of sockets are numbered up to this one (linux/socket.h), with room
// for those that later kernels bring.
const lastFamily = 63

var oddSockets = Probe{
	Name: "odd-sockets", Layer: network, Control: NoSeccomp,
	Gain:  "speak with the hypervisor (vsock), or reach seldom used code of the kernel",
	Tries: "opens sockets of every family and of protocols that no program of a box needs, alone and as pairs: the kernel would load modules for them",
	Try: func(Targets) Finding {
		var tries []attempt
		add := func(family, kind, protocol int) {
			kind |= unix.SOCK_CLOEXEC
			name := fmt.Sprintf("of family %d, type %d, protocol %d", family, kind&0xf, protocol)
			tries = append(tries,
				attempt{"a socket " + name, func() error { return closed(unix.Socket(family, kind, protocol)) }},
				attempt{"a pair of sockets " + name, func() error {
					pair, err := unix.Socketpair(family, kind, protocol)
					return closed(pair[0], err)
				}})
		}
		for family := range lastFamily + 1 {
			switch family {
			case unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK:
			default:
				for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
					add(family, kind, 0)
				}
			}
		}
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			add(family, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
			add(family, unix.SOCK_STREAM, unix.IPPROTO_SCTP)
			add(family, unix.SOCK_DCCP, unix.IPPROTO_DCCP)
			add(family, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
			add(family, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
		}
		// Of netlink, all but routes, by which C libraries list addresses.
		for protocol := 1; protocol <= 32; protocol++ {
			add(unix.AF_NETLINK, unix.SOCK_RAW, protocol)
		}
		// EOPNOTSUPP would say that a socket was made, and has no pairs.
		return refusedAll(tries, noSuchSocket...)
	},
}
