package probe

import "golang.org/x/sys/unix"

var oddSockets = Probe{
	Name: "odd-sockets", Layer: network, Control: NoSeccomp,
	Gain:  "speak with the hypervisor (vsock), or reach seldom used code of the kernel",
	Tries: "opens sockets of families and protocols that no program of a box needs, which the kernel would load modules for",
	Try: func(Targets) Finding {
		for _, s := range []struct {
			name                   string
			family, kind, protocol int
		}{
			{"AF_VSOCK", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
			{"AF_ALG", unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
			{"AF_XDP", unix.AF_XDP, unix.SOCK_RAW, 0},
			{"AF_TIPC", unix.AF_TIPC, unix.SOCK_SEQPACKET, 0},
			{"AF_RDS", unix.AF_RDS, unix.SOCK_SEQPACKET, 0},
			{"SCTP", unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP},
			{"DCCP", unix.AF_INET, unix.SOCK_DCCP, unix.IPPROTO_DCCP},
			{"MPTCP", unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
			{"netlink of netfilter", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER},
			{"netlink of IPsec", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_XFRM},
		} {
			if fd, err := unix.Socket(s.family, s.kind|unix.SOCK_CLOEXEC, s.protocol); err == nil {
				unix.Close(fd) // nothing was written
				return out("%s can be opened", s.name)
			}
		}
		return held("none is supported")
	},
}
