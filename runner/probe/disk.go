package probe

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

var disk = Probe{
	Name: "disk", Layer: execution, Control: NoLimits, Spent: true,
	Gain:  "fill the host's memory or disk with files",
	Tries: "makes a file larger than box.disk in every writable place",
	Try: func(t Targets) Finding {
		for _, dir := range places {
			f, err := os.Create(filepath.Join(dir, ".probe"))
			if err != nil {
				return unsure("%v", err)
			}
			err = unix.Fallocate(int(f.Fd()), 0, 0, t.Disk+mib)
			f.Close()
			os.Remove(f.Name())
			if err == nil {
				return out("%s held %d MiB, and %d were promised at most", dir, t.Disk/mib+1, t.Disk/mib)
			}
		}
		return held("no space left in any of %d places", len(places))
	},
}
