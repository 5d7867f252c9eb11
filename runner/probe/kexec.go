package probe

import "golang.org/x/sys/unix"

var kexec = Probe{
	Name: "kexec", Layer: execution,
	Gain:  "replace the running kernel, or stop the machine",
	Tries: "calls kexec_load, kexec_file_load and reboot with arguments that do nothing",
	Why:   "the kernel asks for the host root's capability first, which nobody in a rootless box can have",
	Try: func(Targets) Finding {
		return refused(
			kernelCall{"kexec_load", unix.SYS_KEXEC_LOAD, [4]uintptr{0, 0, 0, ^uintptr(0)}},
			kernelCall{"kexec_file_load", unix.SYS_KEXEC_FILE_LOAD, [4]uintptr{^uintptr(0), ^uintptr(0)}},
			kernelCall{"reboot", unix.SYS_REBOOT, [4]uintptr{}}) // no magic numbers: EINVAL at worst
	},
}
