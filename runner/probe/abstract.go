package probe

import (
	"os"
	"strings"
)

var abstractSocket = Probe{
	Name: "abstract-socket", Layer: network, Control: HostNetwork,
	Gain:  "speak with the host's D-Bus, X11 or container services, which need no file to be found",
	Tries: "connects to an abstract Unix socket that was opened on the host for it, and lists all that there are",
	Try: func(t Targets) Finding {
		if t.Abstract == "" {
			return unsure("the host has opened no socket")
		}
		f := says("unix", t.Abstract, t.Nonce)
		if f.Verdict != pass {
			return f
		}
		list, err := os.ReadFile("/proc/net/unix")
		if err != nil {
			return unsure("%v", err)
		}
		for line := range strings.Lines(string(list)) {
			if name := strings.Fields(line); len(name) > 7 && strings.HasPrefix(name[7], "@") {
				return out("the abstract socket %s is within reach", name[7])
			}
		}
		return f
	},
}
