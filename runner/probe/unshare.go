package probe

import (
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// unshare tries each way in. A user namespace needs a process of one thread,
// which this one is not: there, clone(2) is the one that could work.
func unshare(flags int, what string) Finding {
	if err := cloneChild(0); err != nil {
		return unsure("a process could not be started at all: %v", err)
	}
	return refusedAll([]attempt{
		{what + " by clone", func() error { return cloneChild(uintptr(flags)) }},
		{what + " by unshare", func() error {
			done := make(chan error)
			go func() {
				runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
				done <- unix.Unshare(flags)
			}()
			return <-done
		}},
		// Its flags are in memory, where a filter cannot look: no arguments are enough.
		{what + " by clone3", func() error {
			if _, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); errno != 0 {
				return errno
			}
			return nil
		}},
	})
}

// cloneChild starts a process with the clone flags, and waits for it.
func cloneChild(flags uintptr) error {
	cmd := exec.Command("/proc/self/exe", "probe", "nothing") //nolint:noctx // it does nothing, and ends
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	return cmd.Run()
}
