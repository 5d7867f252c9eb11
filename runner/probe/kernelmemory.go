package probe

import "os"

var kernelMemory = Probe{
	Name: "kernel-memory", Layer: execution,
	Gain:  "read and change the kernel itself",
	Tries: "opens the devices and files that give access to memory and ports",
	Why:   "only the host's root can open them, which nobody in a rootless box can be",
	Try: func(Targets) Finding {
		for _, path := range []string{"/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/proc/vmcore", "/proc/kpageflags"} {
			f, err := os.Open(path)
			if err != nil {
				continue
			}
			n, err := f.Read(make([]byte, 16))
			f.Close()
			if n > 0 {
				return out("%s can be read (%v)", path, err)
			}
		}
		return held("none can be read")
	},
}
