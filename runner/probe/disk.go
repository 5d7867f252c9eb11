package probe

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

var disk = Probe{
	Name: "disk", Layer: execution, Control: NoLimits,
	Gain:  "fill the host's memory or disk with files",
	Tries: "makes a file larger than box.disk in every writable place",
	Try: func(t Targets) Finding {
		for _, dir := range places {
			f, err := os.Create(filepath.Join(dir, ".probe"))
			if err != nil {
				return unsure("%v", err)
			}
			err = fallocate(f, t.Disk+mib)
			f.Close()
			os.Remove(f.Name())
			switch {
			case err == nil:
				return out("%s held %d MiB, and %d were promised at most", dir, t.Disk/mib+1, t.Disk/mib)
			case !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EFBIG):
				return unsure("%s is not full, but: %v", dir, err)
			}
		}
		return held("no space left in any of %d places", len(places))
	},
}

// fallocate goes on when a signal comes between, as the Go runtime's own do.
func fallocate(f *os.File, size int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, size); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
