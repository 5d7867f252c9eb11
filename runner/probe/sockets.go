package probe

import "golang.org/x/sys/unix"

var oddSockets = Probe{
	Name: "odd-sockets", Layer: network, Control: NoSeccomp,
	Gain:  "speak with the hypervisor (vsock), or reach seldom used code of the kernel",
	Tries: "opens sockets of families that no program of a box needs",
	Try: func(Targets) Finding {
		for name, family := range map[string]int{"AF_VSOCK": unix.AF_VSOCK, "AF_ALG": unix.AF_ALG, "AF_XDP": unix.AF_XDP, "AF_TIPC": unix.AF_TIPC, "AF_BLUETOOTH": unix.AF_BLUETOOTH} {
			for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET, unix.SOCK_RAW} {
				if fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0); err == nil {
					unix.Close(fd) //nolint:errcheck // nothing was written
					return out("%s can be opened", name)
				}
			}
		}
		return held("address family not supported")
	},
}
