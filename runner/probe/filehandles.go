package probe

import (
	"os"

	"golang.org/x/sys/unix"
)

var handles = Probe{
	Name: "file-handles", Layer: execution, Control: NoSeccomp,
	Gain:  "open files of the host by their number (the Shocker escape)",
	Tries: "calls open_by_handle_at(2), and name_to_handle_at(2), which tells the numbers",
	Try: func(Targets) Finding {
		root, err := os.Open("/")
		if err != nil {
			return unsure("%v", err)
		}
		defer root.Close()
		// The first is refused by older kernels themselves, the second by none.
		return refused(
			kernelCall{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, [4]uintptr{root.Fd(), 0, 0}},
			kernelCall{"name_to_handle_at", unix.SYS_NAME_TO_HANDLE_AT, [4]uintptr{root.Fd(), 0, 0, 0}},
		)
	},
}
