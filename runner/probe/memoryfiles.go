package probe

import (
	"bytes"

	"golang.org/x/sys/unix"
)

var memoryFiles = Probe{
	Name: "memory-files", Layer: execution, Control: NoLimits, Spends: OfMemory,
	Gain:  "take the host's memory unseen: a file without a name that is on its way through a socket is in no process",
	Tries: "fills memfds with more than box.memory, and sends them without receiving",
	Try: func(t Targets) Finding {
		piece, total := bytes.Repeat([]byte("x"), mib), int64(0)
		for total < t.Memory+64*mib {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return unsure("%v", err)
			}
			fd, err := unix.MemfdCreate("probe", unix.MFD_CLOEXEC)
			if err != nil {
				return judge("memfd_create", err)
			}
			for range 16 {
				n, err := unix.Write(fd, piece)
				if err != nil {
					return unsure("%v", err)
				}
				total += int64(n)
			}
			if err := unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(fd), nil, 0); err != nil {
				return unsure("%v", err)
			}
			unix.Close(fd) // it is in the socket
		}
		return stillHeld(total, t)
	},
}
