package probe

import "golang.org/x/sys/unix"

var rareCalls = Probe{
	Name: "rare-calls", Layer: execution, Control: NoSeccomp,
	Gain:  "watch or change what is the whole machine's, or reach seldom used code of the kernel",
	Tries: "calls on files by number, other processes' secrets, the clock, quotas, swap, accounting, System V semaphores and messages, host names and namespaces of others",
	Try: func(Targets) Finding {
		none := ^uintptr(0)
		return refused(
			kernelCall{"kcmp", unix.SYS_KCMP, [4]uintptr{1, 1, none, 0}},
			kernelCall{"fanotify_init", unix.SYS_FANOTIFY_INIT, [4]uintptr{none, none}},
			kernelCall{"memfd_secret", unix.SYS_MEMFD_SECRET, [4]uintptr{none}},
			kernelCall{"setns", unix.SYS_SETNS, [4]uintptr{none, 0}},
			kernelCall{"clock_settime", unix.SYS_CLOCK_SETTIME, [4]uintptr{unix.CLOCK_REALTIME, 0}},
			kernelCall{"settimeofday", unix.SYS_SETTIMEOFDAY, [4]uintptr{0, none}},
			kernelCall{"adjtimex", unix.SYS_ADJTIMEX, [4]uintptr{0}},
			kernelCall{"clock_adjtime", unix.SYS_CLOCK_ADJTIME, [4]uintptr{unix.CLOCK_REALTIME, 0}},
			kernelCall{"quotactl", unix.SYS_QUOTACTL, [4]uintptr{none, 0, 0, 0}},
			kernelCall{"swapon", unix.SYS_SWAPON, [4]uintptr{0, 0}},
			kernelCall{"acct", unix.SYS_ACCT, [4]uintptr{none}},
			kernelCall{"sethostname", unix.SYS_SETHOSTNAME, [4]uintptr{0, none}},
			kernelCall{"vhangup", unix.SYS_VHANGUP, [4]uintptr{}},
			kernelCall{"mount_setattr", unix.SYS_MOUNT_SETATTR, [4]uintptr{none, 0, none, 0}},
			kernelCall{"semget", unix.SYS_SEMGET, [4]uintptr{0, none, 0}},
			kernelCall{"msgget", unix.SYS_MSGGET, [4]uintptr{0x6c6f7665, 0}}, // none has this key
			kernelCall{"move_pages", unix.SYS_MOVE_PAGES, [4]uintptr{1, 1, 0, 0}})
	},
}
