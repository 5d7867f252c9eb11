package probe

var connect = Probe{
	Name: "connect", Layer: network, Control: OpenNetwork,
	Gain:  "send what it finds to any server, and take orders from it",
	Tries: "connects to addresses that are reserved for documentation (RFC 5737, RFC 3849)",
	Try:   func(Targets) Finding { return dialAll("tcp", "192.0.2.1:443", "[2001:db8::1]:443") },
}
