package probe

import (
	"errors"

	"golang.org/x/sys/unix"
)

var procSys = Probe{
	Name: "proc-sys", Layer: execution, Control: Unmasked,
	Gain:  "change how the kernel works, for everybody",
	Tries: "opens kernel settings below /proc/sys for writing",
	Try: func(Targets) Finding {
		return openForWriting(
			"/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/shmmax", "/proc/sys/kernel/msgmax",
			"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/fs/mqueue/msg_max", "/proc/sys/vm/drop_caches", "/proc/sys/fs/binfmt_misc/register")
	},
}

// openForWriting opens each path and writes nothing.
func openForWriting(paths ...string) Finding {
	var refused error
	n := 0
	for _, path := range paths {
		err := closed(unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0))
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if f := judge("opening "+path+" for writing", err, unix.EROFS, unix.ETXTBSY); f.Verdict != pass {
			return f
		}
		n++
		refused = err
	}
	if n == 0 {
		return moot("none of %d files is here", len(paths))
	}
	return held("%d files, each refused (%v)", n, refused)
}
