package probe

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var descriptors = Probe{
	Name: "descriptors", Layer: data, Control: OpenFile,
	Gain:  "use what the engine had open and forgot to close: a directory of the host's is the way out (CVE-2024-21626)",
	Tries: "looks at all descriptors that a command starts with, and at its working directory",
	Try: func(Targets) Finding {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return unsure("%v", err)
		}
		n := 0
		for _, e := range entries {
			path := filepath.Join("/proc/self/fd", e.Name())
			fd, err := strconv.Atoi(e.Name())
			if err != nil {
				return unsure("%v", err)
			}
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC != 0 {
				continue // the Go runtime's own
			}
			link, err := os.Readlink(path)
			if err != nil {
				return unsure("%v", err)
			}
			if n++; link != "/dev/null" && !strings.HasPrefix(link, "pipe:") {
				return out("descriptor %d is %s", fd, link)
			}
		}
		if n < 3 {
			return unsure("only %d descriptors are to be seen", n)
		}
		dir, err := os.Getwd()
		if err != nil || !strings.HasPrefix(dir, "/") {
			return out("the working directory is nowhere in the box: %q (%v)", dir, err)
		}
		return held("pipes only, and the working directory is %s", dir)
	},
}
