package probe

import "golang.org/x/sys/unix"

var ioUring = Probe{
	Name: "io-uring", Layer: execution, Control: NoSeccomp,
	Gain:  "do what the system call filter forbids by asking a kernel thread",
	Tries: "calls io_uring_setup(2)",
	Try: func(Targets) Finding {
		return refused(kernelCall{"io_uring_setup", unix.SYS_IO_URING_SETUP, [4]uintptr{1, 0}})
	},
}
