package probe

import "fmt"

var egressAddress = Probe{
	Name: "egress-address", Layer: network, Control: OpenProxy,
	Gain:  "reach the host and the metadata service through the proxy",
	Tries: "CONNECTs to loopback addresses in usual and odd notations",
	Try: throughProxy(func(t Targets) Finding {
		for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0", "localhost"} {
			addr := fmt.Sprintf("%s:%d", host, t.Port)
			if f := let(t, addr, overHTTP("CONNECT "+addr+" HTTP/1.1\r\nHost: "+addr+"\r\n\r\nprobe\n")); f.Verdict != pass {
				return f
			}
		}
		return held("refused in every notation")
	}),
}
