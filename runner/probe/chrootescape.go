package probe

import "golang.org/x/sys/unix"

var chrootEscape = Probe{
	Name: "chroot", Layer: execution, Control: Capabilities,
	Gain:  "climb out of the root directory by the classic double chroot",
	Tries: "chroot into a directory below, which would keep one above",
	// The whole process is meant: it is the probe's own, and ends with it.
	Try: func(Targets) Finding { return judge("chroot", unix.Chroot("/tmp")) },
}
