package probe

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

var memorySockets = Probe{
	Name: "memory-sockets", Layer: execution, Control: NoLimits, Spends: OfMemory,
	Gain:  "take the host's memory unseen: what lies in a socket is the kernel's",
	Tries: "fills sockets with more than box.memory, and reads nothing",
	Try: func(t Targets) Finding {
		piece, total := bytes.Repeat([]byte("x"), 64<<10), int64(0)
		for total < t.Memory+64*mib {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if errors.Is(err, unix.EMFILE) {
				if total < t.Memory {
					return held("%d MiB were possible, then: %v", total/mib, err)
				}
				break
			}
			if err != nil {
				return unsure("%v", err)
			}
			for _, fd := range pair {
				for {
					n, err := unix.Write(fd, piece)
					if err != nil {
						break // it is full
					}
					total += int64(n)
				}
			}
		}
		return stillHeld(total, t)
	},
}
