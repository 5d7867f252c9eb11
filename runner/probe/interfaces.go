package probe

var interfaces = Probe{
	Name: "interfaces", Layer: network, Control: HostNetwork,
	Gain:  "have a network at all",
	Tries: "lists the network interfaces and the routes by them",
	Try: func(Targets) Finding {
		if f, ok := wayOut(); ok {
			return f
		}
		return held("loopback only, no route")
	},
}
