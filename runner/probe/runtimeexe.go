package probe

import (
	"os"

	"golang.org/x/sys/unix"
)

var runtimeExe = Probe{
	Name: "runtime-exe", Layer: execution, Control: WritableRoot,
	Gain:  "replace the program that the host or PID 1 runs next (CVE-2019-5736)",
	Tries: "opens the executables of PID 1 and of itself for writing",
	Try: func(Targets) Finding {
		if f := openForWriting("/proc/1/exe", "/.glovebox/init", "/proc/self/exe"); f.Verdict != pass {
			return f
		}
		exe, err := os.Readlink("/proc/self/exe")
		if err != nil {
			return unsure("%v", err)
		}
		var st unix.Statfs_t
		if err := unix.Statfs(exe, &st); err != nil {
			return unsure("%s: %v", exe, err)
		}
		if st.Flags&unix.ST_RDONLY == 0 {
			return out("%s lies on a file system that can be written", exe)
		}
		return held("refused, and on a read-only file system")
	},
}
