package probe

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// hostUsr sees to the one mount of the host's that a box may have, with the
// image host: nothing can be changed there, nothing in it gives rights or is a
// device, and what the people of the machine installed themselves is not to be seen.
var hostUsr = Probe{
	Name: "host /usr", Layer: data,
	Gain:  "change the host's programs, or read what people installed themselves",
	Tries: "changes /usr, and looks how it is mounted and whether /usr/local is empty",
	Why:   "it is about the image host only; the tests of its seal break each thing that it looks at",
	Try: func(Targets) Finding {
		var st unix.Statfs_t
		if err := unix.Statfs("/usr", &st); err != nil {
			return unsure("%v", err)
		}
		for name, flag := range map[string]int64{"read-only": unix.ST_RDONLY, "nosuid": unix.ST_NOSUID, "nodev": unix.ST_NODEV} {
			if st.Flags&flag == 0 {
				return out("/usr is not mounted %s", name)
			}
		}
		// The kernel looks at the mount before it looks at who is asking.
		if err := unix.Chmod("/usr", 0o755); !errors.Is(err, unix.EROFS) {
			return out("changing /usr is not refused because it is read-only: %v", err)
		}
		local, err := os.ReadDir("/usr/local")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return unsure("%v", err)
		}
		if len(local) > 0 {
			return out("/usr/local is not empty")
		}
		return held("/usr is the host's, read-only, nosuid, nodev; /usr/local is empty")
	},
}
