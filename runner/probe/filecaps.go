package probe

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

var fileCapabilities = Probe{
	Name: "file-capabilities", Layer: execution, Control: Capabilities,
	Gain:  "give a program of its own every capability",
	Tries: "sets security.capability on a file of its own, and turns it setuid",
	Try: func(Targets) Finding {
		f, err := os.CreateTemp("/tmp", ".probe")
		if err != nil {
			return unsure("%v", err)
		}
		defer os.Remove(f.Name())
		defer f.Close()
		// struct vfs_cap_data, revision 2: all capabilities permitted and effective.
		var v []byte
		for _, word := range []uint32{0x02000001, 1<<32 - 1, 0, 1<<8 - 1, 0} {
			v = binary.LittleEndian.AppendUint32(v, word)
		}
		if err := unix.Setxattr(f.Name(), "security.capability", v, 0); err == nil {
			return out("a file was given all capabilities")
		} else {
			return held("%v", err)
		}
	},
}
