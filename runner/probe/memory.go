package probe

import (
	"time"

	"golang.org/x/sys/unix"
)

var memoryHog = Probe{
	Name: "memory", Layer: execution, Control: NoLimits, Spent: true,
	Gain:  "take the host's memory",
	Tries: "holds more memory than box.memory",
	Try: func(t Targets) Finding {
		var held [][]byte
		for total := int64(0); total < t.Memory+64*mib; total += 4 * mib {
			b, err := unix.Mmap(-1, 0, 4*mib, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
			if err != nil {
				return Finding{pass, "refused: " + err.Error()}
			}
			held = append(held, b)
		}
		time.Sleep(300 * time.Millisecond) // a watchdog looks every 50 ms
		return out("%d MiB are held, and %d were promised at most", len(held)*4, t.Memory/mib)
	},
}
