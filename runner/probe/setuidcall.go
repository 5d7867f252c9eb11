package probe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

var becomeRoot = Probe{
	Name: "setuid-call", Layer: execution, Control: Capabilities,
	Gain:  "be another user, and use what is that user's",
	Tries: "sets its user, group and supplementary groups to root's",
	Try: func(Targets) Finding {
		return refusedAll([]attempt{
			{"setuid(0)", func() error { return rawID(syscall.SYS_SETUID) }},
			{"setgid(0)", func() error { return rawID(syscall.SYS_SETGID) }},
			{"setgroups(0)", func() error { return rawID(syscall.SYS_SETGROUPS) }},
		})
	},
}

// rawID makes the call for this thread alone, with 0.
func rawID(call uintptr) error {
	if _, _, errno := unix.RawSyscall(call, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
