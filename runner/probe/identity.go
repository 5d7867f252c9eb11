package probe

import (
	"slices"

	"golang.org/x/sys/unix"
)

var identity = Probe{
	Name: "identity", Layer: execution, Control: RootUser,
	Gain:  "own what the image keeps for root",
	Tries: "looks who it is",
	Try: func(Targets) Finding {
		r, e, s := unix.Getresuid()
		if r == 0 || e == 0 || s == 0 {
			return out("user ID 0")
		}
		r, e, s = unix.Getresgid()
		groups, err := unix.Getgroups()
		if err != nil {
			return unsure("%v", err)
		}
		if r == 0 || e == 0 || s == 0 || slices.Contains(groups, 0) {
			return out("group ID 0")
		}
		return held("uid %d, gid %d, groups %d", unix.Getuid(), r, groups)
	},
}
