package probe

import "golang.org/x/sys/unix"

var packetSocket = Probe{
	Name: "packet-socket", Layer: network, Control: Capabilities,
	Gain:  "read and forge all traffic of an interface",
	Tries: "opens a packet socket",
	Try: func(Targets) Finding {
		for _, kind := range []int{unix.SOCK_RAW, unix.SOCK_DGRAM} {
			fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC, 0x0300) // ETH_P_ALL, big endian
			if err == nil {
				unix.Close(fd) // nothing was written
				return out("a packet socket was opened")
			}
		}
		return held("refused")
	},
}
