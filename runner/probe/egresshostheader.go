package probe

import "strings"

var egressHost = Probe{
	Name: "egress-host-header", Layer: network, Control: OpenProxy,
	Gain:  "be let out by one name and served by another (domain fronting)",
	Tries: "asks for a listed URL with another host in its Host header",
	Try: throughProxy(func(t Targets) Finding {
		other := strings.Replace(t.Allowed, "allowed", "unlisted", 1)
		return let(t, "another Host header", overHTTP("GET http://"+t.Allowed+"/host HTTP/1.1\r\nHost: "+other+"\r\n\r\n"), "host="+other)
	}),
}
