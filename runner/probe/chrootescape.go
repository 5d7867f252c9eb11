package probe

import (
	"runtime"

	"golang.org/x/sys/unix"
)

var chrootEscape = Probe{
	Name: "chroot", Layer: execution, Control: Capabilities,
	Gain:  "climb out of the root directory by the classic double chroot",
	Tries: "chroot into a directory below, keeping one above",
	Try: func(Targets) Finding {
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				done <- err
				return
			}
			done <- unix.Chroot("/tmp")
		}()
		if err := <-done; err != nil {
			return held("%v", err)
		}
		return out("chroot worked")
	},
}
