package probe

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

var kernelLog = Probe{
	Name: "kernel-log", Layer: data,
	Gain:  "read addresses, devices and other programs' crashes of the host",
	Tries: "reads the kernel's log by syslog(2) and /dev/kmsg",
	Why:   "where kernel.dmesg_restrict is set, as Debian does, the host root's capability is asked for, which nobody in a rootless box can have",
	Try: func(Targets) Finding {
		buf := make([]byte, 4096)
		n, _, errno := unix.Syscall(unix.SYS_SYSLOG, 3, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf))) // SYSLOG_ACTION_READ_ALL
		if errno == 0 {
			return out("%d bytes of it were read", n)
		}
		for _, path := range []string{"/dev/kmsg", "/proc/kmsg"} {
			if f, err := os.Open(path); err == nil {
				f.Close()
				return out("%s can be opened", path)
			}
		}
		return held("%v", errno)
	},
}
