package probe

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

var portDescriptors = Probe{
	Name: "port-descriptors", Layer: execution, Control: Capabilities,
	Gain:  "speak with the host in PID 1's name",
	Tries: "opens PID 1's descriptors, and takes them over by pidfd",
	Try: func(Targets) Finding {
		for fd := range 32 {
			path := fmt.Sprintf("/proc/1/fd/%d", fd)
			if _, err := os.Readlink(path); err == nil {
				return out("%s can be read", path)
			}
		}
		pidfd, err := unix.PidfdOpen(1, 0)
		if err != nil {
			return held("pidfd: %v", err)
		}
		defer unix.Close(pidfd) //nolint:errcheck // nothing was written
		if fd, err := unix.PidfdGetfd(pidfd, 10, 0); err == nil {
			unix.Close(fd) //nolint:errcheck // as above
			return out("descriptor 10 of PID 1 was taken over")
		}
		return held("none can be read or taken over")
	},
}
