package probe

import "strconv"

var hostGateway = Probe{
	Name: "host-gateway", Layer: network, Control: OpenNetwork,
	Gain:  "reach services that listen on the host",
	Tries: "connects to the addresses and names by which engines offer the host",
	Try: func(t Targets) Finding {
		port := strconv.Itoa(t.Port)
		var addrs []string
		for _, host := range []string{"10.0.2.2", "10.88.0.1", "169.254.1.2", "172.17.0.1", "192.168.127.254", "host.containers.internal", "host.docker.internal"} {
			addrs = append(addrs, host+":"+port)
		}
		return dialAll("tcp", addrs...)
	},
}
