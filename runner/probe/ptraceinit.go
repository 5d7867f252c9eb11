package probe

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

var ptraceInit = Probe{
	Name: "ptrace-init", Layer: execution, Control: Capabilities,
	Gain:  "become PID 1, which speaks with the host over the port",
	Tries: "seizes PID 1 by ptrace and opens its memory",
	Try: func(Targets) Finding {
		if f, err := os.OpenFile("/proc/1/mem", os.O_RDWR, 0); err == nil {
			f.Close()
			return out("PID 1's memory can be opened")
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.PtraceSeize(1); err != nil {
			return held("%v", err)
		}
		unix.PtraceDetach(1) //nolint:errcheck // the box is condemned anyway
		return out("PID 1 was seized")
	},
}
