package probe

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var processor = Probe{
	Name: "processor", Layer: execution, Control: NoLimits,
	Gain:  "take the host's processors",
	Tries: "computes on more processors than box.cpus by sixteen threads",
	Try: func(t Targets) Finding {
		const while = 1500 * time.Millisecond
		if float64(runtime.NumCPU()) <= t.CPUs {
			return moot("the host has %d processors, and box.cpus is %g", runtime.NumCPU(), t.CPUs)
		}
		// More threads than the host can run at once, so that a busy host does not
		// pass for a limit.
		const workers = 16
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		began := time.Now()
		used := 0.0
		// What was used too much is to be paid back: on a machine that stands still
		// for a while, as an emulated one does, that takes longer.
		for range 3 {
			until := time.Now().Add(while)
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for time.Now().Before(until) {
					}
				})
			}
			wg.Wait()
			var use unix.Rusage
			if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
				return unsure("%v", err)
			}
			used = time.Duration(use.Utime.Nano()+use.Stime.Nano()).Seconds() / time.Since(began).Seconds()
			if used <= t.CPUs*1.25 {
				break
			}
		}
		if used > t.CPUs*1.25 {
			return out("%.2f processors were used, and %g were promised at most", used, t.CPUs)
		}
		if used < t.CPUs/4 {
			return moot("only %.2f of %g processors were to be had: the host is too busy to tell", used, t.CPUs)
		}
		return held("%.2f of %g processors", used, t.CPUs)
	},
}
