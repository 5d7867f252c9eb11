package probe

import (
	"errors"

	"golang.org/x/sys/unix"
)

var openFiles = Probe{
	Name: "open-files", Layer: execution, Control: NoLimits,
	Gain:  "use up the host's open files",
	Tries: "opens more files than the promised limit",
	Try: func(t Targets) Finding {
		var fds []int
		defer func() {
			for _, fd := range fds {
				unix.Close(fd) // nothing was written
			}
		}()
		lim := unix.Rlimit{Cur: uint64(t.Files) + 64, Max: uint64(t.Files) + 64}
		unix.Setrlimit(unix.RLIMIT_NOFILE, &lim) //nolint:errcheck // then it is not possible
		for int64(len(fds)) < t.Files+8 {
			fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if errors.Is(err, unix.EMFILE) && len(fds) > 0 {
				return held("%d were possible, then: %v", len(fds), err)
			}
			if err != nil {
				return unsure("not for the limit, after %d: %v", len(fds), err)
			}
			fds = append(fds, fd)
		}
		return out("%d files are open, and %d were promised at most", len(fds), t.Files)
	},
}
