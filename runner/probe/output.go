package probe

import (
	"bytes"
	"os"
)

var output = Probe{
	Name: "output", Layer: execution, Control: NoLimits, Spends: OfOutput,
	Gain:  "fill the host's memory and log with what it says",
	Tries: "says more than the promised number of bytes",
	Try: func(t Targets) Finding {
		line := append(bytes.Repeat([]byte("x"), 64<<10-1), '\n')
		for n := int64(0); n <= t.Output+mib; n += int64(len(line)) {
			if _, err := os.Stderr.Write(line); err != nil {
				return unsure("after %d bytes: %v", n, err)
			}
		}
		return out("%d MiB were said, and %d were promised at most", t.Output/mib+1, t.Output/mib)
	},
}
