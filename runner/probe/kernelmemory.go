package probe

import (
	"errors"
	"io"
	"os"
)

var kernelMemory = Probe{
	Name: "kernel-memory", Layer: execution, Control: KernelFiles,
	Gain:  "read and change the kernel itself",
	Tries: "reads the devices and files that give access to memory and ports",
	Try: func(Targets) Finding {
		paths := []string{"/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/proc/vmcore", "/proc/kpageflags", "/proc/kpagecount", "/proc/kpagecgroup"}
		for _, path := range paths {
			f, err := os.Open(path)
			if err != nil {
				if !refusal(err, os.ErrNotExist) {
					return unsure("%v", err)
				}
				continue
			}
			n, err := f.Read(make([]byte, 16))
			f.Close()
			// What is covered by /dev/null is empty.
			if n > 0 || !errors.Is(err, io.EOF) && !refusal(err) {
				return out("%s can be read (%v)", path, err)
			}
		}
		return held("%d places: not here, refused or empty", len(paths))
	},
}
