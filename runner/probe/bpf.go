package probe

import "golang.org/x/sys/unix"

var bpf = Probe{
	Name: "bpf", Layer: execution, Control: NoSeccomp,
	Gain:  "run programs in the kernel",
	Tries: "calls bpf(2)",
	Try: func(Targets) Finding {
		return refused(kernelCall{"bpf", unix.SYS_BPF, [4]uintptr{7, 0, 0}}) // BPF_OBJ_GET
	},
}
