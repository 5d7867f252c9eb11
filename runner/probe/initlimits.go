package probe

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

var initLimits = Probe{
	Name: "init-limits", Layer: execution, Control: NoSeccomp,
	Gain:  "blind or slow down PID 1, which keeps the limits where no control group does, and go beyond them",
	Tries: "takes open files and memory from PID 1 by prlimit(2), and has it scheduled last, woken late and killed first",
	Try: func(Targets) Finding {
		call := func(nr uintptr, args ...uintptr) func() error {
			return func() error {
				args = append(args, 0, 0, 0, 0)
				if _, _, errno := unix.Syscall6(nr, args[0], args[1], args[2], args[3], 0, 0); errno != 0 {
					return errno
				}
				return nil
			}
		}
		limit := func(resource int) func() error {
			return func() error {
				now := unix.Rlimit{Cur: 4096, Max: 4096}
				if err := unix.Prlimit(1, resource, nil, &now); err != nil {
					return err
				}
				return unix.Prlimit(1, resource, &now, nil) // as it is: the right to is what counts
			}
		}
		idle := struct{ priority int32 }{} // struct sched_param
		var nowhere unix.CPUSet
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH}
		return refusedAll([]attempt{
			{"limiting PID 1's open files", limit(unix.RLIMIT_NOFILE)},
			{"limiting PID 1's memory", limit(unix.RLIMIT_AS)},
			{"limiting PID 1's processor time", limit(unix.RLIMIT_CPU)},
			{"making PID 1 a batch job (sched_setscheduler)", call(unix.SYS_SCHED_SETSCHEDULER, 1, unix.SCHED_BATCH, uintptr(unsafe.Pointer(&idle)))},
			{"making PID 1 a batch job (sched_setattr)", func() error { return unix.SchedSetAttr(1, &attr, 0) }},
			// No processor at all is not possible, so nothing changes: EINVAL says that it was asked for.
			{"choosing PID 1's processors", call(unix.SYS_SCHED_SETAFFINITY, 1, unsafe.Sizeof(nowhere), uintptr(unsafe.Pointer(&nowhere)))},
			{"making PID 1 nice", call(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 1, 1)},
			{"making everybody nice", call(unix.SYS_SETPRIORITY, unix.PRIO_USER, 0, 1)},
			// The kernel's own default, in ns: PID 1's timers would be late by as much.
			{"slowing PID 1's timers", func() error { return os.WriteFile("/proc/1/timerslack_ns", []byte("50000"), 0) }},
			{"having PID 1 killed first", func() error { return closed(unix.Open("/proc/1/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC, 0)) }},
		}, unix.ENOENT) // gVisor has not all of these files
	},
}
