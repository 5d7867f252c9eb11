package probe

import "golang.org/x/sys/unix"

var userfaultfd = Probe{
	Name: "userfaultfd", Layer: execution, Control: NoSeccomp,
	Gain:  "stop the kernel in the middle of a copy, which makes races winnable",
	Tries: "calls userfaultfd(2), also for user mode only",
	Try: func(Targets) Finding {
		return refused(kernelCall{"userfaultfd", unix.SYS_USERFAULTFD, [4]uintptr{1}}, kernelCall{"userfaultfd", unix.SYS_USERFAULTFD, [4]uintptr{}})
	},
}
