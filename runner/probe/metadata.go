package probe

var metadata = Probe{
	Name: "metadata", Layer: network, Control: OpenNetwork,
	Gain:  "take the machine's cloud credentials",
	Tries: "connects to the link-local metadata addresses of the clouds",
	Try: func(Targets) Finding {
		return dialAll("tcp", "169.254.169.254:80", "169.254.170.2:80", "100.100.100.200:80", "[fd00:ec2::254]:80")
	},
}
