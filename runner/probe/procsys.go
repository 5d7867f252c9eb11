package probe

import "os"

var procSys = Probe{
	Name: "proc-sys", Layer: execution, Control: Unmasked,
	Gain:  "change how the kernel works, for everybody",
	Tries: "opens kernel settings below /proc/sys for writing",
	Try: func(Targets) Finding {
		return openForWriting(
			"/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/shmmax", "/proc/sys/kernel/msgmax",
			"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/fs/mqueue/msg_max", "/proc/sys/vm/drop_caches")
	},
}

// openForWriting opens each path and writes nothing.
func openForWriting(paths ...string) Finding {
	var last error
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			f.Close()
			return out("%s can be written", path)
		}
		last = err
	}
	return held("%d places, the last: %v", len(paths), last)
}
