package probe

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

var corePattern = Probe{
	Name: "core-pattern", Layer: execution, Control: NoLimits,
	Gain:  "have the host run a program of its choice at the next crash, or read memory from the dump",
	Tries: "opens core_pattern for writing, and looks whether a crash would dump",
	Try: func(Targets) Finding {
		if f := openForWriting("/proc/sys/kernel/core_pattern", "/proc/sys/fs/suid_dumpable"); f.Verdict != pass {
			return f
		}
		var lim unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &lim); err != nil {
			return unsure("%v", err)
		}
		if lim.Max != 0 {
			return out("a crash hands its memory to the host's core_pattern")
		}
		// core(5): the limit does not hold for a dump that goes to a program.
		pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
		if err != nil {
			return unsure("%v", err)
		}
		if handler, piped := bytes.CutPrefix(pattern, []byte("|")); piped {
			return moot("not writable, but at a crash the host runs %.100q as its root, whatever the limits: it must be safe with what a stranger dumps, which cannot be tried from here", bytes.TrimSpace(handler))
		}
		return held("not writable, and nothing dumps")
	},
}
