package probe

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

var corePattern = Probe{
	Name: "core-pattern", Layer: execution, Control: NoLimits,
	Gain:  "have the host run a program of its choice at the next crash, or its own one as root on what a stranger dumps, or read memory from the dump",
	Tries: "opens core_pattern for writing, then has a process crash after asking for another limit of dumps",
	Try: func(Targets) Finding {
		if f := openForWriting("/proc/sys/kernel/core_pattern", "/proc/sys/fs/suid_dumpable"); f.Verdict != pass {
			return f
		}
		var lim unix.Rlimit
		for _, size := range []uint64{unix.RLIM_INFINITY, 0} { // the first if it may, the second anybody may
			_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: size, Max: size}) // what the crash does is what counts
			dumped, err := crash()
			switch err := errors.Join(err, unix.Getrlimit(unix.RLIMIT_CORE, &lim)); {
			case err != nil:
				return unsure("%v", err)
			case dumped:
				return out("a crash was dumped")
			case lim.Max > 1:
				return out("a crash hands its memory to the host's core_pattern")
			}
		}
		// core(5): a dump that goes to a program heeds no limit but 1.
		pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
		if err != nil {
			return unsure("%v", err)
		}
		if handler, piped := bytes.CutPrefix(pattern, []byte("|")); piped && lim.Max != 1 {
			return moot("not writable, but at a crash the host runs %.100q as its root: it must be safe with what a stranger dumps, which cannot be tried from here", bytes.TrimSpace(handler))
		}
		return held("not writable, and a crash dumps nothing")
	},
}

// crash has a process of this program abort, and says whether it was dumped.
func crash() (dumped bool, err error) {
	cmd := exec.Command("/proc/self/exe", "probe", "stay", "crash") //nolint:noctx // it is aborted below
	cmd.Env = []string{"GOTRACEBACK=crash"}                         // Go's runtime then ends as C's does
	if err := cmd.Start(); err != nil {
		return false, err
	}
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		return false, err
	}
	_ = cmd.Wait() // it was aborted
	end := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if end.Signal() != syscall.SIGABRT {
		return false, errors.New("the process did not crash: " + cmd.ProcessState.String())
	}
	return end.CoreDump(), nil
}
