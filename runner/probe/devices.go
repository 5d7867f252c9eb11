package probe

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// harmless are the devices that every container has.
var harmless = [...]string{"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}

var devices = Probe{
	Name: "devices", Layer: execution, Control: HostDevice,
	Gain:  "read disks, speak with virtual machines, or drive hardware past the kernel's checks",
	Tries: "looks for device nodes beyond the harmless ones, and makes one",
	Try: func(t Targets) Finding {
		found := ""
		walk("/", func(path string, d fs.DirEntry) bool {
			name := filepath.Base(path)
			info, err := d.Info() // what is mounted over an entry is not in its directory
			if err == nil && info.Mode()&fs.ModeDevice != 0 && !strings.HasPrefix(path, "/dev/pts/") && (!t.OwnKernel || path != "/dev/fuse" && path != "/dev/net/tun") && (filepath.Dir(path) != "/dev" || !slices.Contains(harmless[:], name)) {
				found = path
			}
			return found == ""
		})
		if found != "" {
			return out("%s is a device", found)
		}
		for _, dir := range places {
			node := dir + "/.probe"
			if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))); err == nil {
				unix.Unlink(node) //nolint:errcheck // the box is condemned anyway
				return out("a block device could be made in %s", dir)
			}
		}
		return held("only the harmless ones, and none can be made")
	},
}
