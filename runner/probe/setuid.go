package probe

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

var setuid = Probe{
	Name: "setuid", Layer: execution, Control: NewPrivileges,
	Gain:  "become root in the box by a faulty setuid program of the image",
	Tries: "looks for setuid programs that the kernel would honour",
	Try: func(Targets) Finding {
		nnp, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		if err != nil {
			return unsure("no_new_privs: %v", err)
		}
		if nnp != 1 {
			return out("no_new_privs is off; %d setuid programs are here to use it", setuidPrograms())
		}
		return held("%d are here, none is honoured", setuidPrograms())
	},
}

func setuidPrograms() int {
	n := 0
	walk("/", func(_ string, d fs.DirEntry) bool {
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 {
			n++
		}
		return true
	})
	return n
}
