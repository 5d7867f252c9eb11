package probe

import (
	"golang.org/x/sys/unix"
)

// These kernel services are where exploits of the last years began, and nothing
// in a box needs them. Each is called with arguments that the kernel would find
// fault with: EPERM or ENOSYS says that the call was refused before.

// kernelCall is a system call with arguments that cannot be right.
type kernelCall struct {
	name string
	nr   uintptr
	args [4]uintptr
}

func refused(calls ...kernelCall) Finding {
	for _, c := range calls {
		r, _, errno := unix.Syscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], 0, 0)
		switch errno {
		case unix.EPERM, unix.ENOSYS, unix.EACCES:
		case 0:
			return out("%s worked: %d", c.name, r)
		default:
			return out("%s reached the kernel: %v", c.name, errno)
		}
	}
	return held("refused before the kernel looked")
}
