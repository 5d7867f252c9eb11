package probe

import (
	"reflect"
	"runtime"

	"golang.org/x/sys/unix"
)

var ptraceInit = Probe{
	Name: "ptrace-init", Layer: execution, Control: Capabilities,
	Gain:  "become PID 1, which speaks with the host over the port",
	Tries: "seizes PID 1 by ptrace, opens its memory and reads it by process_vm_readv",
	Try: func(Targets) Finding {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var word [8]byte
		here := []unix.Iovec{{Base: &word[0], Len: 8}}
		// Somewhere that is mapped in PID 1 as it is here: it is the same program.
		there := []unix.RemoteIovec{{Base: reflect.ValueOf(refusal).Pointer(), Len: 8}}
		return refusedAll([]attempt{
			{"opening PID 1's memory", func() error { return closed(unix.Open("/proc/1/mem", unix.O_RDWR|unix.O_CLOEXEC, 0)) }},
			{"seizing PID 1", func() error {
				err := unix.PtraceSeize(1)
				if err == nil {
					unix.PtraceDetach(1) //nolint:errcheck // the box is condemned anyway
				}
				return err
			}},
			{"reading PID 1's memory (process_vm_readv)", func() error {
				_, err := unix.ProcessVMReadv(1, here, there, 0)
				return err
			}},
		})
	},
}
