package probe

import "golang.org/x/sys/unix"

var perf = Probe{
	Name: "perf", Layer: execution, Control: NoSeccomp,
	Gain:  "watch the kernel and other processes by performance counters",
	Tries: "calls perf_event_open(2)",
	Try: func(Targets) Finding {
		return refused(kernelCall{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, [4]uintptr{0, 0, ^uintptr(0), ^uintptr(0)}})
	},
}
