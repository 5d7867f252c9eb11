package probe

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

var memoryHog = Probe{
	Name: "memory", Layer: execution, Control: NoLimits, Spends: OfMemory,
	Gain:  "take the host's memory",
	Tries: "holds more memory than box.memory",
	Try:   hog,
}

// hog takes memory until it is ended for it.
func hog(t Targets) Finding {
	var taken [][]byte
	for total := int64(0); total < t.Memory+64*mib; total += 4 * mib {
		b, err := unix.Mmap(-1, 0, 4*mib, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
		if errors.Is(err, unix.ENOMEM) && total >= t.Memory/4 {
			return held("%d MiB were possible, then: %v", total/mib, err)
		}
		if err != nil {
			return unsure("not for the limit, after %d MiB: %v", total/mib, err)
		}
		taken = append(taken, b)
	}
	return stillHeld(int64(len(taken))*4*mib, t)
}

// stillHeld gives the watchdog, which looks every 50 ms, time to see it.
func stillHeld(n int64, t Targets) Finding {
	time.Sleep(500 * time.Millisecond)
	return out("%d MiB are held, and %d were promised at most", n/mib, t.Memory/mib)
}
