package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

var portDescriptors = Probe{
	Name: "port", Layer: execution, Control: Capabilities,
	Gain:  "speak with the host in PID 1's name",
	Tries: "opens PID 1's descriptors and memory, and takes descriptors over by pidfd",
	Try: func(Targets) Finding {
		var tries []attempt
		open := func(path string, also ...error) {
			for _, mode := range []int{unix.O_RDONLY, unix.O_WRONLY} {
				tries = append(tries, attempt{"opening " + path, func() error {
					err := closed(unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0))
					if err != nil && refusal(err, also...) {
						return unix.EACCES
					}
					return err
				}})
			}
		}
		open("/proc/1/mem")
		for fd := range 3 { // which every process has
			open(fmt.Sprint("/proc/1/fd/", fd))
		}
		for fd := 3; fd < 32; fd++ { // Linux refuses these before it looks whether they are there, gVisor after
			open(fmt.Sprint("/proc/1/fd/", fd), unix.ENOENT)
		}
		pidfd, err := unix.PidfdOpen(1, 0)
		if err == nil {
			defer unix.Close(pidfd) // nothing was written
		}
		for fd := range 32 {
			tries = append(tries, attempt{fmt.Sprint("taking over descriptor ", fd, " of PID 1"), func() error {
				if err != nil {
					return err
				}
				return closed(unix.PidfdGetfd(pidfd, fd, 0))
			}})
		}
		return refusedAll(tries)
	},
}
