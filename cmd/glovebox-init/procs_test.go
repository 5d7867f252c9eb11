package main

import (
	"os"
	"syscall"
	"testing"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// A program has less than PID 1's room from its first moment on, before it has
// a limit of its own; PID 1 has its room again at once.
func TestStartedWithLess(t *testing.T) {
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &own); err != nil {
		t.Fatal(err)
	}
	const pids = 4000 // this user may have many processes
	if own.Cur <= pids+port.SparePids {
		t.Skip("no room here to tell by: ", own.Cur)
	}
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	table := procTable{pids: pids}
	pid, err := table.fork("/bin/cat", []string{"cat"}, &syscall.ProcAttr{Files: []uintptr{in.Fd(), 1, 2}})
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		feed.Close()
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			t.Error(err)
		}
	}()
	var its, now unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NPROC, nil, &its); err != nil {
		t.Fatal(err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &now); err != nil || now != own {
		t.Errorf("ours was %+v, and is %+v (%v)", own, now, err)
	}
	if room := own.Max - its.Cur; its.Cur < pids || its.Cur >= pids+port.SparePids || room < port.SparePids/2 {
		t.Errorf("it began with %+v, of %d", its, pids)
	}
}
