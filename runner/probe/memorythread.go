package probe

import (
	"runtime"

	"golang.org/x/sys/unix"
)

var memoryThread = Probe{
	Name: "memory-thread", Layer: execution, Control: NoLimits, Spends: OfMemory,
	Gain:  "take the host's memory unseen: a process whose first thread has ended looks dead",
	Tries: "ends its first thread, then holds more memory than box.memory by another",
	Try: func(t Targets) Finding {
		if !endFirstThread() {
			return unsure("the first thread could not be ended")
		}
		return hog(t)
	},
}

// endFirstThread occupies threads until it is on the first, and ends that.
func endFirstThread() bool {
	const enough = 64
	found, hold := make(chan bool), make(chan struct{})
	defer close(hold)
	for range enough {
		go func() {
			runtime.LockOSThread() // never unlocked: these threads end with their goroutines
			first := unix.Gettid() == unix.Getpid()
			found <- first
			if first {
				// Not RawSyscall, which takes with it what lets Go run: all of that
				// on one processor.
				unix.Syscall(unix.SYS_EXIT, 0, 0, 0) //nolint:errcheck // of one thread; it does not return
			}
			<-hold
		}()
		if <-found {
			return true
		}
	}
	return false
}
