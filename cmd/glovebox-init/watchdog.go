package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watchEvery is how often memory is added up while commands run. A process
// can overshoot by what it touches in that time.
const watchEvery = 50 * time.Millisecond

// watchMemory keeps the box below limit bytes where no cgroup does: it kills
// the largest offender, not the box. It never returns.
func (b *box) watchMemory(limit int64) {
	for range time.Tick(watchEvery) {
		b.procs.mu.Lock()
		idle := len(b.procs.running) == 0
		b.procs.mu.Unlock()
		if idle && !strays() {
			continue
		}
		b.checkMemory(limit)
	}
}

// strays reports whether anything but PID 1 is alive, at the cost of one
// system call: kill(-1) reaches every process but the caller and PID 1.
func strays() bool { return unix.Kill(-1, 0) == nil }

func (b *box) checkMemory(limit int64) {
	stats := processes()
	var total, most int64
	largest := 0
	for pid := range stats {
		n := privateMemory(pid)
		total += n
		if n > most {
			largest, most = pid, n
		}
	}
	if total <= limit || largest == 0 {
		return
	}
	if p := b.procs.owner(largest, stats); p != nil {
		p.overMem.Store(true)
	}
	unix.Kill(largest, unix.SIGKILL) //nolint:errcheck // gone is what we want
}

// privateMemory is a process's resident memory without shared pages, in bytes:
// proc(5), statm.
func privateMemory(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(data), &size, &resident, &shared); err != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}
