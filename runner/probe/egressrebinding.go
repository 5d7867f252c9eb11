package probe

var egressRebinding = Probe{
	Name: "egress-rebinding", Layer: network, Control: OpenProxy,
	Gain:  "reach the host through a listed name that resolves to it (DNS rebinding)",
	Tries: "asks for a listed name whose address is the host's loopback",
	Try: throughProxy(func(t Targets) Finding {
		return let(t, t.Rebound, overHTTP("CONNECT "+t.Rebound+" HTTP/1.1\r\nHost: "+t.Rebound+"\r\n\r\nprobe\n"))
	}),
}
