package probe

import (
	"os"
	"slices"
	"strings"
)

// ownVariables are all that a command of a box is started with; the core
// probes, with none.
var ownVariables = [...]string{
	"PATH", "HOME", "USER", "LANG", "TMPDIR", "TERM",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
}

var environment = Probe{
	Name: "environment", Layer: data, Control: Environment,
	Gain:  "use the tokens and passwords that people keep in variables",
	Tries: "reads its own environment and that of PID 1",
	Try: func(Targets) Finding {
		for _, v := range os.Environ() {
			if name, _, _ := strings.Cut(v, "="); !slices.Contains(ownVariables[:], name) {
				return out("%s is not the box's own", name)
			}
		}
		if data, err := os.ReadFile("/proc/1/environ"); err == nil && len(data) > 0 {
			return out("PID 1's environment can be read")
		}
		return held("only the box's own")
	},
}
