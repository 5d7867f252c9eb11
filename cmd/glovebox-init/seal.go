package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// probeTime is how long the core probes may take together. They need
// milliseconds; a probe that hangs has found something that answers.
const probeTime = 5 * time.Second

// seal runs the core probes as a command of the box would run, then sees to
// the limits and reports both.
func (b *box) seal(req port.Request) port.Reply {
	proofs, err := b.runProbes()
	if err != nil {
		return port.Reply{Error: "core probes: " + err.Error()}
	}
	detail, err := json.Marshal(port.SealReport{Proofs: proofs, Limits: b.limits(req.Memory)})
	if err != nil {
		return port.Reply{Error: err.Error()}
	}
	return port.Reply{Detail: detail}
}

func (b *box) runProbes() ([]port.Proof, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := b.procs.start("/proc/self/exe", []string{"glovebox-init", "probe"}, &syscall.ProcAttr{
		Dir: "/", Files: []uintptr{0, w.Fd(), 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	w.Close()
	if err != nil {
		return nil, err
	}
	stop := time.AfterFunc(probeTime, func() { killTree(p.pid, unix.SIGKILL) })
	out, err := io.ReadAll(io.LimitReader(r, port.MaxPayload))
	ws := <-p.done
	stop.Stop()
	if err != nil {
		return nil, err
	}
	if !ws.Exited() || ws.ExitStatus() != 0 {
		return nil, fmt.Errorf("the probe process ended with status %#x", int(ws))
	}
	var proofs []port.Proof
	if err := json.Unmarshal(out, &proofs); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return proofs, nil
}

// limits finds out who enforces what, and starts the watchdog where memory
// has no cgroup.
func (b *box) limits(memory int64) []port.Limit {
	var limits []port.Limit
	add := func(name, value, by string) {
		limits = append(limits, port.Limit{Name: name, Value: value, Enforced: by})
	}

	if v := cgroupValue("memory.max"); v != "" {
		n, _ := strconv.ParseInt(v, 10, 64) // the kernel's own format
		add("memory", mebibytes(n), "cgroup")
	} else if memory > 0 {
		go b.watchMemory(memory)
		add("memory", mebibytes(memory), "watchdog")
	} else {
		add("memory", "unlimited", "none")
	}
	if v := cgroupValue("pids.max"); v != "" {
		add("pids", v, "cgroup")
	} else {
		addRlimit(add, "pids", unix.RLIMIT_NPROC)
	}
	if quota, period, ok := strings.Cut(cgroupValue("cpu.max"), " "); ok {
		q, _ := strconv.ParseFloat(quota, 64)
		p, _ := strconv.ParseFloat(period, 64)
		add("cpu", fmt.Sprintf("%.2f cpus", q/p), "cgroup")
	} else {
		add("cpu", "unlimited", "none")
	}
	addRlimit(add, "files", unix.RLIMIT_NOFILE)
	for _, dir := range []string{"/work", "/data", "/tmp"} {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil || st.Type != unix.TMPFS_MAGIC {
			add(dir, "unlimited", "none")
			continue
		}
		add(dir, mebibytes(int64(st.Blocks)*st.Bsize), "tmpfs")
	}
	return limits
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

func addRlimit(add func(name, value, by string), name string, resource int) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(resource, &lim); err != nil || lim.Max == unix.RLIM_INFINITY {
		add(name, "unlimited", "none")
		return
	}
	add(name, fmt.Sprint(lim.Max), "rlimit")
}
