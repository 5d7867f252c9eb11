package probe

import (
	"errors"
	"os"
	"strings"
)

var dns = Probe{
	Name: "dns", Layer: network, Control: NameServer,
	Gain:  "carry data out in the names that it asks for",
	Tries: "looks for a configured name server",
	Try: func(Targets) Finding {
		data, err := os.ReadFile("/etc/resolv.conf")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return unsure("%v", err)
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
				return out("a name server is configured: %s", f[1])
			}
		}
		return held("no name server")
	},
}
