package probe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

var kernelLog = Probe{
	Name: "kernel-log", Layer: data, Control: KernelFiles,
	Gain:  "read addresses, devices and other programs' crashes of the host",
	Tries: "reads the kernel's log by syslog(2), /dev/kmsg and /proc/kmsg",
	Try: func(Targets) Finding {
		buf := make([]byte, 4096)
		open := func(path string) attempt {
			return attempt{"opening " + path, func() error { return closed(unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)) }}
		}
		return refusedAll([]attempt{
			{"syslog(2)", func() error {
				_, _, errno := unix.Syscall(unix.SYS_SYSLOG, 3, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf))) // SYSLOG_ACTION_READ_ALL
				if errno == 0 {
					return nil
				}
				return errno
			}},
			open("/dev/kmsg"), open("/proc/kmsg"),
		}, unix.ENOENT)
	},
}
