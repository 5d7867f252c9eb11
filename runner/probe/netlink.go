package probe

import (
	"net"
	"net/netip"
)

var netlinkChange = Probe{
	Name: "netlink-change", Layer: network, Control: Capabilities,
	Gain:  "give itself addresses, routes and interfaces",
	Tries: "adds an address to the loopback interface by rtnetlink",
	Try: func(Targets) Finding {
		lo, err := net.InterfaceByName("lo")
		if err != nil {
			return unsure("%v", err)
		}
		return judge("adding an address", rtnetlink(newAddress(lo.Index, netip.MustParseAddr("192.0.2.77"))))
	},
}
