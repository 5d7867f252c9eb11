package probe

import (
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// unshare tries it on a thread that is thrown away. A user namespace needs a
// process of one thread, so both ways in are tried: unshare(2) and clone(2).
func unshare(flags int, what string) Finding {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- unix.Unshare(flags)
	}()
	err := <-done
	if err == nil {
		return out("%s of its own was made by unshare", what)
	}
	if _, cloned := cloneChild(uintptr(flags)); cloned == nil {
		return out("%s of its own was made by clone", what)
	}
	return held("%v", err)
}

// cloneChild starts a process with the clone flags, and waits for it.
func cloneChild(flags uintptr) ([]byte, error) {
	cmd := exec.Command("/proc/self/exe", "probe", "nothing") //nolint:noctx // it does nothing, and ends
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	return cmd.Output()
}
