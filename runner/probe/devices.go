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
		var tries []attempt
		for _, dir := range places {
			var st unix.Statfs_t
			// gVisor does not say, and knows no devices of the host's anyway.
			if unix.Statfs(dir, &st) != nil || st.Flags&unix.ST_NODEV == 0 && !t.OwnKernel {
				return out("devices would work in %s", dir)
			}
			for kind, number := range map[uint32]uint64{unix.S_IFBLK: unix.Mkdev(8, 0), unix.S_IFCHR: unix.Mkdev(1, 1)} {
				tries = append(tries, attempt{"making a device in " + dir, func() error {
					err := unix.Mknod(dir+"/.probe", kind|0o600, int(number))
					if err == nil {
						unix.Unlink(dir + "/.probe") //nolint:errcheck // the box is condemned anyway
					}
					return err
				}})
			}
		}
		if f := refusedAll(tries); f.Verdict != pass {
			return f
		}
		return held("only the harmless ones, and none can be made")
	},
}
