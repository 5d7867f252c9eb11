package probe

import "golang.org/x/sys/unix"

var moduleLoad = Probe{
	Name: "module-load", Layer: execution,
	Gain:  "run code of its own in the kernel",
	Tries: "calls init_module, finit_module and delete_module",
	Why:   "the kernel asks for the host root's capability first, which nobody in a rootless box can have",
	Try: func(Targets) Finding {
		return refused(
			kernelCall{"init_module", unix.SYS_INIT_MODULE, [4]uintptr{}},
			kernelCall{"finit_module", unix.SYS_FINIT_MODULE, [4]uintptr{^uintptr(0)}},
			kernelCall{"delete_module", unix.SYS_DELETE_MODULE, [4]uintptr{}})
	},
}
