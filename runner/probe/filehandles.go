package probe

import (
	"os"

	"golang.org/x/sys/unix"
)

var handles = Probe{
	Name: "file-handles", Layer: execution, Control: NoSeccomp,
	Gain:  "open files of the host by their number (the Shocker escape)",
	Tries: "calls open_by_handle_at(2)",
	Try: func(Targets) Finding {
		root, err := os.Open("/")
		if err != nil {
			return unsure("%v", err)
		}
		defer root.Close()
		// Without the filter the kernel reads the handle first, which is not there.
		return refused(kernelCall{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, [4]uintptr{root.Fd(), 0, 0}})
	},
}
