package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openEngine opens an engine of its own for one test.
func openEngine(t *testing.T) *Engine {
	t.Helper()
	needPodman(t)
	e, err := Open(t.Context(), Options{StateDir: t.TempDir(), Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// shortDir is for sockets, whose names have 107 bytes at most: TMPDIR may be long.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "glovebox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestEngineIsRootless(t *testing.T) {
	e := openEngine(t)
	i := e.Info()
	if !i.Rootless || i.Version == "" || i.StorageDriver == "" || i.Source == "" {
		t.Errorf("Info() = %+v", i)
	}
	if e.child != nil {
		if uid := uidOf(t, e.child.pid); uid == 0 || uid != e.acct.uid {
			t.Errorf("the service runs as uid %d, want %d", uid, e.acct.uid)
		}
	}
	if os.Geteuid() == 0 && i.Account != accountName {
		t.Errorf("as root Podman runs as %q", i.Account)
	}
}

func uidOf(t *testing.T, pid int) int {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

func TestCloseLeavesNothing(t *testing.T) {
	e := openEngine(t)
	if e.child == nil {
		t.Skip("this user's Podman service was there already")
	}
	c := e.child
	gone := watchEnd(t, c.pid)
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	gone(t)
	for _, path := range []string{c.dir, c.record} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
}

// watchEnd returns a function that waits until the process has ended.
func watchEnd(t *testing.T, pid int) func(*testing.T) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func(t *testing.T) {
		t.Helper()
		if !ended(t, fd, patience) {
			t.Errorf("process %d is still there", pid)
		}
	}
}

// ended waits for the process of a pidfd, for so long at most.
func ended(t *testing.T, pidfd int, within time.Duration) bool {
	t.Helper()
	for until := time.Now().Add(within); ; {
		left := int(max(time.Until(until), 0).Milliseconds())
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, left)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
}

// holdEngine is this test binary as another process: it opens an engine, says
// the pid of its service and waits to be killed.
func holdEngine() {
	e, err := Open(context.Background(), Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if e.child == nil {
		fmt.Println(0)
		return
	}
	fmt.Println(e.child.pid)
	select {}
}

func TestServiceDiesWithItsOwner(t *testing.T) {
	needPodman(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "GLOVEBOX_TEST_HOLD_ENGINE=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatalf("the other process says %q", line)
	}
	if pid == 0 {
		t.Skip("this user's Podman service was there already")
	}
	gone := watchEnd(t, pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // killed
	gone(t)
	e := openEngine(t) // sweeps what the dead one left
	left, err := filepath.Glob(filepath.Join(e.opts.RuntimeDir, "svc-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		b, err := os.ReadFile(path)
		var r childRecord
		if err == nil && json.Unmarshal(b, &r) == nil && r.Owner.PID == cmd.Process.Pid && !r.Owner.Alive() {
			t.Errorf("%s of a dead owner is still there", path)
		}
	}
}

// Should the kernel not have ended a service with its owner, the next Open does.
func TestOpenEndsServicesLeftBehind(t *testing.T) {
	e := testEngine(t)
	if e.child == nil {
		t.Skip("this user's Podman service was there already")
	}
	dir, err := os.MkdirTemp(e.opts.RuntimeDir, "svc-test-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/cat", "-", serviceURI(dir))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(childRecord{Owner: deadOwner(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+".json", b, 0o600); err != nil {
		t.Fatal(err)
	}
	openEngine(t)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the service left behind ended with %v", err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there", dir)
	}
}

func TestOpenRefusesRootful(t *testing.T) {
	needPodman(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can start a rootful service to be refused")
	}
	dir := shortDir(t)
	socket := filepath.Join(dir, "rootful.sock")
	cmd := exec.CommandContext(context.Background(), "podman", "--root", dir+"/root", "--runroot", dir+"/run", "--tmpdir", dir+"/tmp",
		"--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "system", "service", "--time", "0", "unix://"+socket)
	said := &tail{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		cmd.Wait()                          //nolint:errcheck // ended by a signal
	})
	await(t, func() bool { return answers(t.Context(), socket) }, said)
	t.Setenv("CONTAINER_HOST", "unix://"+socket)
	e, err := Open(t.Context(), Options{})
	if !errors.Is(err, ErrRootful) {
		t.Errorf("Open says %v, want ErrRootful", err)
	}
	if err == nil {
		e.Close()
	}
}

// A service that others started ends when it is idle. It must not while we hold it.
func TestServiceOfOthersIsKeptAwake(t *testing.T) {
	acct := testEngine(t).acct
	dir, err := os.MkdirTemp(testEngine(t).opts.RuntimeDir, "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, acct.uid, acct.gid); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "podman.sock")
	cmd := acct.command(context.Background(), "podman", "--cgroup-manager", "cgroupfs", "system", "service", "--time", "5", "unix://"+socket)
	said := &tail{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it has ended by itself, we hope
		cmd.Wait()         //nolint:errcheck // how does not matter
	})
	service, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(service)
	await(t, func() bool { return answers(t.Context(), socket) }, said)
	t.Setenv("CONTAINER_HOST", "unix://"+socket)
	e := openEngine(t)
	if i := e.Info(); i.Source != "CONTAINER_HOST" || e.child != nil {
		t.Errorf("Info() = %+v", i)
	}
	if ended(t, service, 9*time.Second) {
		t.Fatalf("the service ended while an engine was open: %s", said)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if !ended(t, service, patience) {
		t.Error("the service does not end when it is idle, so this test proves nothing")
	}
}

// await polls a condition of the outside world that nothing announces.
func await(t *testing.T, ok func() bool, why fmt.Stringer) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not happen: %s", why)
		}
	}
}

func TestOpenSaysWhereNothingAnswers(t *testing.T) {
	needPodman(t)
	socket := filepath.Join(shortDir(t), "nobody.sock")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	t.Setenv("CONTAINER_HOST", "unix://"+socket)
	if _, err := Open(t.Context(), Options{}); !errors.Is(err, ErrNoEngine) {
		t.Errorf("Open says %v, want ErrNoEngine", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	needPodman(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open says %v, want context.Canceled", err)
	}
}
