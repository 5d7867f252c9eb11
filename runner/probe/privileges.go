package probe

import (
	"bufio"
	"os"
	"strings"
)

// privileges reads proc(5), status: every capability set empty, no_new_privs
// and a seccomp filter on. Where the kernel counts
// filters (Linux 5.9), the engine's and PID 1's own must be there.
var privileges = Probe{
	Name: "privileges", Layer: execution, Control: Capabilities,
	Gain:  "do what the kernel allows only to root",
	Tries: "reads its capability sets, no_new_privs and whether it is filtered by seccomp",
	Try: func(Targets) Finding {
		f, err := os.Open("/proc/self/status")
		if err != nil {
			return unsure("%v", err)
		}
		defer f.Close()
		want := map[string]string{
			"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
			"CapBnd": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimSpace(value)
			if expected, ok := want[key]; ok && value != expected {
				return out("%s is %s", key, value)
			}
			if key == "Seccomp_filters" && (value == "0" || value == "1") {
				return out("only %s system call filter, not the engine's and PID 1's own", value)
			}
			delete(want, key)
		}
		if len(want) > 0 {
			return unsure("the kernel does not show %d of the sets", len(want))
		}
		return held("no capability, no_new_privs, seccomp filter")
	},
}
