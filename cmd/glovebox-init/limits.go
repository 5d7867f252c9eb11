package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// limits finds out who holds the box to what was promised, with pid as the
// subject: a process that was started as the agent's will be. A promise that
// nothing keeps is said so; the host decides what follows. From then on the
// watchdog runs.
func (b *box) limits(req port.Request, pid int) []port.Limit {
	var limits []port.Limit
	add := func(name, value, by string) {
		limits = append(limits, port.Limit{Name: name, Value: value, Enforced: by})
	}
	able := canWatch(pid)
	watcher := "none"
	if able {
		watcher = "watchdog"
	}
	w := &watchdog{procs: &b.procs, memory: req.Memory, sockets: req.Memory / socketHolds(), pids: int(req.Pids), names: uint64(req.Disk / port.BytesPerName)}

	// A control group counts files in memory as well, which have limits of
	// their own; so it is the outer bound, and the watchdog keeps the inner one.
	if n, ok := cgroupNumber("memory.max"); ok && n <= port.MemoryWithFiles(req.Memory, req.Disk) {
		add("memory", mebibytes(n)+" with files", "cgroup")
		add("memory of processes", mebibytes(req.Memory), watcher)
	} else {
		add("memory", mebibytes(req.Memory), watcher)
	}
	if n, ok := cgroupNumber("pids.max"); ok && n <= req.Pids+port.SparePids {
		add("pids", fmt.Sprint(req.Pids), "cgroup")
	} else if n := rlimit(pid, unix.RLIMIT_NPROC); n <= uint64(req.Pids) {
		add("pids", fmt.Sprint(n), "rlimit")
	} else {
		add("pids", fmt.Sprint(req.Pids), watcher)
	}
	if cpus, ok := cgroupCPUs(); ok && cpus <= req.CPUs*1.01 {
		add("cpu", fmt.Sprintf("%.2f cpus", cpus), "cgroup")
	} else {
		add("cpu", fmt.Sprintf("%.2f cpus", req.CPUs), watcher)
		w.cpu = newThrottle(req.CPUs)
	}
	if n := rlimit(pid, unix.RLIMIT_NOFILE); n != unix.RLIM_INFINITY {
		add("files", fmt.Sprint(n, " a process"), "rlimit")
	} else {
		add("files", "unlimited", "none")
	}
	for _, dir := range port.Places {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		// Not limited is 0 blocks on Linux, and more than can be multiplied on gVisor.
		if err != nil || st.Type != unix.TMPFS_MAGIC || st.Blocks == 0 || st.Blocks > uint64(req.Disk)/uint64(st.Bsize) {
			add(dir, "unlimited", "none")
			continue
		}
		add(dir, mebibytes(int64(st.Blocks)*st.Bsize), "tmpfs")
	}
	add("names", fmt.Sprint(w.names, " a place"), watcher)
	if able {
		go w.run()
	}
	return limits
}

// canWatch tries on a process all that the watchdog does: see it, weigh it,
// stop it and let it go on.
func canWatch(pid int) bool {
	if _, ok := snapshot()[pid]; !ok || residentMemory(strconv.Itoa(pid)) == 0 || unix.Kill(pid, unix.SIGSTOP) != nil {
		return false
	}
	defer unix.Kill(pid, unix.SIGCONT) //nolint:errcheck // a probe that stays stopped is no proof
	// It must be scheduled before it can stop.
	for range 10_000 {
		if st, ok := readStat(pid); !ok || st.state == "T" {
			return ok
		}
		time.Sleep(200 * time.Microsecond)
	}
	return false
}

func mebibytes(n int64) string { return fmt.Sprint(n>>20, " MiB") }

// cgroupValue reads a limit of the box's own cgroup (v2); "" where there is none.
func cgroupValue(file string) string {
	data, err := os.ReadFile("/sys/fs/cgroup/" + file)
	if err != nil || bytes.HasPrefix(data, []byte("max")) {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func cgroupNumber(file string) (int64, bool) {
	n, err := strconv.ParseInt(cgroupValue(file), 10, 64)
	return n, err == nil
}

func cgroupCPUs() (float64, bool) {
	var quota, period float64
	n, err := fmt.Sscan(cgroupValue("cpu.max"), &quota, &period)
	return quota / period, err == nil && n == 2
}

// rlimit reads back the limit that a process of the box really has.
func rlimit(pid, resource int) uint64 {
	var lim unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &lim); err != nil {
		return unix.RLIM_INFINITY
	}
	return lim.Max
}
