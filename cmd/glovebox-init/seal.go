package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// probeTime is how long the core probes may take together. They need
// milliseconds, an emulated or overloaded machine seconds; a probe that hangs
// has found something that answers.
const probeTime = 15 * time.Second

// seal runs the core probes as a command of the box would run, then sees to
// the limits and reports both.
func (b *box) seal(req port.Request) port.Reply {
	b.procs.limit(req.Pids)
	var limits []port.Limit
	args := []string{"glovebox-init", "core"}
	if req.HostUsr {
		args = append(args, hostUsrArg)
	}
	proofs, err := b.runProbes(args, func(pid int) { limits = b.limits(req, pid) })
	if err != nil {
		return port.Reply{Error: "core probes: " + err.Error()}
	}
	if b.unfiltered != nil {
		proofs = append(proofs, port.Proof{Probe: "system calls", Layer: "execution", Verdict: port.Fail, Evidence: b.unfiltered.Error()})
	}
	detail, err := json.Marshal(port.SealReport{Proofs: proofs, Kernel: b.kernel, Limits: limits})
	if err != nil {
		return port.Reply{Error: err.Error()}
	}
	return port.Reply{Detail: detail}
}

// runProbes has the probe process wait until look has seen it.
func (b *box) runProbes(args []string, look func(pid int)) ([]port.Proof, error) {
	gate, opener, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	defer opener.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := b.procs.start("/proc/self/exe", args, &syscall.ProcAttr{
		Dir: "/", Files: []uintptr{gate.Fd(), w.Fd(), 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	w.Close()
	if err != nil {
		return nil, err
	}
	look(p.pid)
	opener.Close()
	var late atomic.Bool
	stop := time.AfterFunc(probeTime, func() {
		late.Store(true)
		killTree(p.pid, unix.SIGKILL)
	})
	out, err := io.ReadAll(io.LimitReader(r, port.MaxPayload))
	ws := <-p.done
	stop.Stop()
	if err != nil {
		return nil, err
	}
	switch {
	case late.Load():
		return nil, fmt.Errorf("they were not done after %v", probeTime)
	case p.overMem.Load(), b.procs.starved(p, ws):
		return nil, errors.New("the box's memory is too little for them")
	case ws.Signaled():
		return nil, fmt.Errorf("the probe process was ended by %s", unix.SignalName(ws.Signal()))
	case ws.ExitStatus() != 0:
		return nil, fmt.Errorf("the probe process ended with status %d", ws.ExitStatus())
	}
	var proofs []port.Proof
	if err := json.Unmarshal(out, &proofs); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return proofs, nil
}
