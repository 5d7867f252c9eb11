package probe

import "golang.org/x/sys/unix"

var userNamespace = Probe{
	Name: "user-namespace", Layer: execution, Control: NoSeccomp,
	Gain:  "have every capability over a namespace of its own, the start of most kernel exploits",
	Tries: "unshares the user namespace",
	Try:   func(Targets) Finding { return unshare(unix.CLONE_NEWUSER, "a user namespace") },
}
