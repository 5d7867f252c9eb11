package probe

import "golang.org/x/sys/unix"

var packetSocket = Probe{
	Name: "packet-socket", Layer: network, Control: Capabilities,
	Gain:  "read and forge all traffic of an interface",
	Tries: "opens packet sockets",
	Try: func(Targets) Finding {
		open := func(kind int) func() error {
			return func() error { return closed(unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC, 0x0300)) } // ETH_P_ALL, big endian
		}
		return refusedAll([]attempt{{"a raw packet socket", open(unix.SOCK_RAW)}, {"a packet socket", open(unix.SOCK_DGRAM)}}, noSuchSocket...)
	},
}
