package probe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

var forks = Probe{
	Name: "fork", Layer: execution, Control: NoLimits, Spends: OfPids,
	Gain:  "stop the host by a fork bomb",
	Tries: "starts more processes and threads than box.pids",
	Try: func(t Targets) Finding {
		var started []*exec.Cmd
		defer func() {
			for _, c := range started {
				c.Process.Kill() //nolint:errcheck // the box kills what is left
				c.Wait()         //nolint:errcheck // as above
			}
		}()
		for threads(started) <= t.Pids+port.SparePids {
			cmd := exec.Command("/proc/self/exe", "probe", "stay", "fork") // killed above
			if err := cmd.Start(); err != nil {
				if n := threads(started); !errors.Is(err, unix.EAGAIN) || n < t.Pids/4 {
					return unsure("not for the limit, after %d threads: %v", n, err)
				}
				return held("%d processes with %d threads were possible, then: %v", len(started), threads(started), err)
			}
			started = append(started, cmd)
		}
		return out("%d threads are running, and %d were promised at most", threads(started), t.Pids)
	},
}

// threads counts those of the processes: the limit does so.
func threads(started []*exec.Cmd) (n int64) {
	for _, c := range started {
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.Process.Pid)) // it may have ended
		n += int64(len(tasks))
	}
	return n
}
