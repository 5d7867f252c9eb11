package probe

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

var portDescriptors = Probe{
	Name: "port", Layer: execution, Control: Capabilities,
	Gain:  "speak with the host in PID 1's name",
	Tries: "opens PID 1's descriptors and memory, and takes descriptors over by pidfd",
	Try: func(Targets) Finding {
		reached := []string{"/proc/1/mem"}
		for fd := range 32 {
			path := fmt.Sprint("/proc/1/fd/", fd)
			if _, err := os.Readlink(path); err == nil {
				return out("%s can be read", path)
			}
			reached = append(reached, path)
		}
		for _, path := range reached {
			for _, mode := range []int{unix.O_RDONLY, unix.O_WRONLY} {
				if fd, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
					unix.Close(fd) // nothing was written
					return out("%s can be opened", path)
				}
			}
		}
		if pidfd, err := unix.PidfdOpen(1, 0); err == nil {
			defer unix.Close(pidfd) // nothing was written
			if fd, err := unix.PidfdGetfd(pidfd, 10, 0); err == nil {
				unix.Close(fd) // as above
				return out("descriptor 10 of PID 1 was taken over")
			}
		}
		return held("PID 1's descriptors and memory are closed to others")
	},
}
