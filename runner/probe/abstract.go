package probe

var abstractSocket = Probe{
	Name: "abstract-socket", Layer: network, Control: HostNetwork,
	Gain:  "speak with the host's D-Bus, X11 or container services, which need no file to be found",
	Tries: "connects to an abstract Unix socket that was opened on the host for it",
	Try: func(t Targets) Finding {
		return says("unix", t.Abstract, t.Nonce)
	},
}
