package probe

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

var fileCapabilities = Probe{
	Name: "file-capabilities", Layer: execution, Control: Capabilities,
	Gain:  "give a program of its own every capability",
	Tries: "sets security.capability on a file of its own, and looks whether the places where it can write honour setuid",
	Try: func(Targets) Finding {
		// struct vfs_cap_data, revision 2: all capabilities permitted and effective.
		var v []byte
		for _, word := range []uint32{0x02000001, 1<<32 - 1, 0, 1<<8 - 1, 0} {
			v = binary.LittleEndian.AppendUint32(v, word)
		}
		var tries []attempt
		for _, dir := range places {
			var st unix.Statfs_t
			if err := unix.Statfs(dir, &st); err != nil {
				return unsure("%s: %v", dir, err)
			}
			if st.Flags&unix.ST_NOSUID == 0 {
				return out("%s honours setuid programs", dir)
			}
			f, err := os.CreateTemp(dir, ".probe")
			if err != nil {
				return unsure("%v", err)
			}
			defer os.Remove(f.Name())
			defer f.Close()
			tries = append(tries, attempt{"giving " + f.Name() + " all capabilities", func() error { return unix.Fsetxattr(int(f.Fd()), "security.capability", v, 0) }})
		}
		return refusedAll(tries, unix.EOPNOTSUPP)
	},
}
