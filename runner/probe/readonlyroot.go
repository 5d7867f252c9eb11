package probe

import "golang.org/x/sys/unix"

var readOnlyRoot = Probe{
	Name: "read-only root", Layer: execution, Control: WritableRoot,
	Gain:  "change programs and settings that later commands rely on",
	Tries: "looks whether the root and places below it can be written",
	Try: func(Targets) Finding {
		for _, dir := range []string{"/", "/usr", "/etc", "/proc/sys/kernel", "/.glovebox"} {
			if unix.Access(dir, unix.W_OK) == nil {
				return out("%s is writable", dir)
			}
		}
		var st unix.Statfs_t
		if err := unix.Statfs("/", &st); err != nil {
			return unsure("%v", err)
		}
		if st.Flags&unix.ST_RDONLY == 0 {
			return out("/ is mounted read-write")
		}
		return held("read-only")
	},
}
