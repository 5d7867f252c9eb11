package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// procTable joins exit statuses to the commands that wait for them. PID 1
// inherits every orphan of the box, so one loop reaps them all.
type procTable struct {
	mu      sync.Mutex
	running map[int]*proc
	pids    uint64        // processes that a command may see in the box; 0: as many as PID 1
	started chan struct{} // wakes the watchdog; holds one
}

type proc struct {
	pid       int
	oomKills  int64 // of the box, when it started
	first     bool  // nothing else was there when it started
	overMem   atomic.Bool
	overPids  atomic.Bool
	overNames atomic.Bool
	done      chan syscall.WaitStatus
}

func (t *procTable) start(path string, argv []string, attr *syscall.ProcAttr) (*proc, error) {
	t.mu.Lock() // so that reap cannot see the end before we know the beginning
	defer t.mu.Unlock()
	before, first := oomKills(), len(t.running) == 0 && !strays()
	pid, err := t.fork(path, argv, attr)
	if err != nil {
		return nil, err
	}
	firstToGo(pid)
	if t.pids > 0 {
		// PID 1 keeps the room above: it must be able to act when the box is full.
		unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: t.pids, Max: t.pids}, nil) //nolint:errcheck // the seal reads it back; the watchdog counts
	}
	p := &proc{pid: pid, oomKills: before, first: first, done: make(chan syscall.WaitStatus, 1)}
	t.running[pid] = p
	select {
	case t.started <- struct{}{}:
	default:
	}
	return p, nil
}

// fork starts a program. Until a limit of its own is set it has PID 1's, and so
// have the children that it makes before: meanwhile that is a lower one, or a
// bomb could take the room that PID 1 needs, and ends without.
func (t *procTable) fork(path string, argv []string, attr *syscall.ProcAttr) (int, error) {
	var own unix.Rlimit
	if t.pids > 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &own) == nil {
		less := unix.Rlimit{Cur: min(own.Cur, t.pids+port.SparePids/2), Max: own.Max}
		unix.Setrlimit(unix.RLIMIT_NPROC, &less)      //nolint:errcheck // lower is always allowed
		defer unix.Setrlimit(unix.RLIMIT_NPROC, &own) //nolint:errcheck // so is up to the hard limit
	}
	return syscall.ForkExec(path, argv, attr)
}

// starved reports whether it was the kernel that ended a command, or a part of
// it, for want of memory. Where several ran at that time, its status decides.
func (t *procTable) starved(p *proc, ws syscall.WaitStatus) bool {
	if oomKills() == p.oomKills {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	const shellSaysKilled = 128 + int(unix.SIGKILL)
	return len(t.running) == 0 || ws.Signal() == unix.SIGKILL || ws.ExitStatus() == shellSaysKilled
}

// limit sets how many processes the commands that start from now on may see.
func (t *procTable) limit(pids int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pids = uint64(max(pids, 0))
}

// reap never returns.
func (t *procTable) reap() {
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	for range child {
		for {
			var ws syscall.WaitStatus
			t.mu.Lock()
			pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
			p := t.running[pid]
			if pid > 0 {
				delete(t.running, pid)
			}
			t.mu.Unlock()
			if p != nil {
				p.done <- ws
			}
			if pid <= 0 && err != syscall.EINTR {
				break
			}
		}
	}
}

// owner returns the command that pid belongs to by session or descent, or nil.
func (t *procTable) owner(pid int, stats map[int]stat) *proc {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range len(stats) + 1 { // no longer than the tree is deep
		if p := t.running[pid]; p != nil {
			return p
		}
		st, ok := stats[pid]
		if !ok {
			return nil
		}
		if p := t.running[st.session]; p != nil {
			return p
		}
		pid = st.parent
	}
	return nil
}

// members are the processes of a command's group or session.
func members(leader int) []int {
	var pids []int
	for pid, st := range processes() {
		if st.group == leader || st.session == leader {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killTree signals a command's group and its descendants in other groups.
func killTree(leader int, sig syscall.Signal) {
	all := processes()
	unix.Kill(-leader, sig) //nolint:errcheck // gone is what we want
	for pid, st := range all {
		if st.group == leader {
			continue
		}
		for up := st; ; {
			if up.session == leader || up.parent == leader {
				unix.Kill(pid, sig) //nolint:errcheck // gone is what we want
				break
			}
			next, ok := all[up.parent]
			if !ok {
				break
			}
			up = next
		}
	}
}

// holders are the processes that have one of our pipes open.
func holders(pipes ...*os.File) []int {
	wanted := map[string]bool{}
	for _, f := range pipes {
		raw, err := f.SyscallConn()
		if err != nil {
			continue
		}
		raw.Control(func(fd uintptr) { //nolint:errcheck // a closed pipe has no holders
			var st unix.Stat_t
			if unix.Fstat(int(fd), &st) == nil {
				wanted[fmt.Sprintf("pipe:[%d]", st.Ino)] = true
			}
		})
	}
	var pids []int
	for pid := range processes() {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name())); err == nil && wanted[link] {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}
