package probe

var udpPublic = Probe{
	Name: "udp-public", Layer: network, Control: OpenNetwork,
	Gain:  "send data in datagrams, for instance as HTTP/3 or DNS",
	Tries: "sends datagrams to well-known public addresses",
	Try: func(Targets) Finding {
		return dialAll("udp", "1.1.1.1:443", "8.8.8.8:53", "[2606:4700:4700::1111]:443")
	},
}
