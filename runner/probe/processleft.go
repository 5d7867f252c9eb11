package probe

import (
	"os/exec"
	"syscall"
)

var leftProcess = Probe{
	Name: "process-left", Layer: data, Control: NoTeardown, After: true,
	Gain:  "go on after the session, unseen",
	Tries: "leaves a process in a session of its own, which ignores what it can",
	Try: func(t Targets) Finding {
		cmd := exec.Command("/proc/self/exe", "probe", "stay", t.Nonce) // it is to stay
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			return unsure("%v", err)
		}
		return held("started as process %d", cmd.Process.Pid)
	},
}
