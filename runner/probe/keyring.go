package probe

import "golang.org/x/sys/unix"

var keyring = Probe{
	Name: "keyring", Layer: execution, Control: NoSeccomp,
	Gain:  "read keys that are not in any namespace, and kernel code full of past bugs",
	Tries: "asks for a key and for the session keyring",
	Try: func(Targets) Finding {
		return refused(
			kernelCall{"keyctl", unix.SYS_KEYCTL, [4]uintptr{0, ^uintptr(2)}}, // KEYCTL_GET_KEYRING_ID of the session
			kernelCall{"add_key", unix.SYS_ADD_KEY, [4]uintptr{}},
			kernelCall{"request_key", unix.SYS_REQUEST_KEY, [4]uintptr{}})
	},
}
