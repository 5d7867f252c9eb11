package probe

import "golang.org/x/sys/unix"

var newNetwork = Probe{
	Name: "new-network", Layer: network, Control: Capabilities,
	Gain:  "own a network stack, and the kernel's code for configuring it",
	Tries: "unshares the network namespace",
	Try:   func(Targets) Finding { return unshare(unix.CLONE_NEWNET, "a network namespace") },
}
