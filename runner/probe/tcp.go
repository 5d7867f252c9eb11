package probe

var tcpPublic = Probe{
	Name: "tcp-public", Layer: network, Control: OpenNetwork,
	Gain:  "send what it finds to any server, and take orders from it",
	Tries: "connects by TCP to well-known public addresses",
	Try: func(Targets) Finding {
		return dialAll("tcp", "1.1.1.1:443", "8.8.8.8:53", "9.9.9.9:80")
	},
}
