package probe

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var processes = Probe{
	Name: "processes", Layer: data, Control: HostPID,
	Gain:  "read the command lines of other programs, passwords among them, and signal them",
	Tries: "lists the processes that it sees, and signals PID 1",
	Try: func(Targets) Finding {
		if unix.Getpid() == 1 {
			return unsure("probe runs as PID 1")
		}
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return unsure("%v", err)
		}
		self := false
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			self = self || pid == os.Getpid()
			if err != nil || pid == 1 || pid == os.Getpid() || strings.HasPrefix(comm(pid), "glovebox-init") {
				continue
			}
			return out("process %d (%s) is visible", pid, comm(pid))
		}
		if !self {
			return unsure("/proc does not even show the probe itself")
		}
		if err := unix.Kill(1, 0); err != nil {
			return out("PID 1 is not the box's own: %v", err)
		}
		return held("only the box's own")
	},
}

func comm(pid int) string {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm") // it may have ended
	return strings.TrimSpace(string(data))
}
