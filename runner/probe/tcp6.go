package probe

var tcpIPv6 = Probe{
	Name: "tcp-ipv6", Layer: network, Control: OpenNetwork,
	Gain:  "leave by IPv6 where only IPv4 was closed",
	Tries: "connects by TCP to public, mapped and translated (NAT64) IPv6 addresses",
	Try: func(Targets) Finding {
		return dialAll("tcp", "[2606:4700:4700::1111]:443", "[2001:4860:4860::8888]:53", "[::ffff:1.1.1.1]:443", "[64:ff9b::101:101]:443")
	},
}
