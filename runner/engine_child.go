package runner

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A child is our own `podman system service`. It ends with Close, and with this
// process however that ends: the kernel signals it when its parent thread is
// gone, and should even that fail, the next Open ends it by what record says.
//
// Where nothing keeps Podman's user namespace it makes one and starts itself
// again in it; that second process serves, and does not always end with the
// first. Both name the socket, and by that they are found.
type child struct {
	dir    string // holds the socket; the account's
	record string // names the owner; ours
	pid    int
	stderr *tail
	done   chan struct{} // closed when the service has ended
	err    error         // how it ended; valid after done
}

// childRecord is what a later process needs to know a service left behind.
type childRecord struct{ Owner Owner }

func (c *child) socket() string { return filepath.Join(c.dir, "podman.sock") }

func (c *child) uri() string { return serviceURI(c.dir) }

// serviceURI is what all processes of a service have as an argument, and no others.
func serviceURI(dir string) string { return "unix://" + filepath.Join(dir, "podman.sock") }

// serving are the processes of the service whose socket is in dir, which is its
// account's: another account's that name the socket, as a client does, are not.
func serving(dir string) (pids []int) {
	of, err := os.Lstat(dir)
	if err != nil {
		return nil
	}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		is, err := os.Lstat(proc)
		if err != nil || is.Sys().(*syscall.Stat_t).Uid != of.Sys().(*syscall.Stat_t).Uid {
			continue
		}
		if slices.Contains(strings.Split(commandLine(proc), "\x00"), serviceURI(dir)) {
			pid, _ := strconv.Atoi(filepath.Base(proc))
			pids = append(pids, pid)
		}
	}
	return pids
}

// commandLine is the beginning of what a process in /proc says of itself, "" if
// it has ended. A box's may say terabytes: prctl(PR_SET_MM_MAP) is everybody's.
func commandLine(proc string) string {
	f, err := os.Open(filepath.Join(proc, "cmdline"))
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := io.ReadAll(io.LimitReader(f, 16<<10)) // it may end meanwhile
	return string(line)
}

func (c *child) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", c.socket())
}

// A staleError is Podman's, which believes a file of its runtime directory
// whose truth has ended with the processes of its account.
type staleError struct{ file, why string }

func (e *staleError) Error() string { return e.why }

var (
	// Podman looks for the user namespace of containers that it takes to be
	// running, finds none of their processes, and makes no other.
	errNoNamespace = &staleError{"libpod/tmp/alive", "all that kept Podman's user namespace has been killed; `podman system migrate` makes another, if need be the second time, and stops all containers"}
	// Podman joins the namespace of whatever process has the number of the one
	// that kept its own, or, before it has any boxes to look at, of none.
	errNoKeeper = &staleError{"libpod/tmp/pause.pid", "what kept Podman's user namespace has been killed, and is taken to be there: remove $XDG_RUNTIME_DIR/libpod/tmp/pause.pid"}
)

// stale finds it in what Podman says; nil is anything else.
func stale(said string) error {
	switch {
	case strings.Contains(said, "system migrate"): // so in Podman 4 and 5
		return errNoNamespace
	case strings.Contains(said, "cannot set user namespace"), // so in Podman 4
		strings.Contains(said, "cannot join mount namespace"),
		strings.Contains(said, "cannot re-exec process to join the existing user namespace"): // killed while it began
		return errNoKeeper
	}
	return nil
}

// startChild starts the service and waits until its socket answers. Where
// processes of the account were killed Podman is told so, if the account is
// ours: it has no containers but boxes, which do not outlive that.
func startChild(ctx context.Context, a account, opts Options, flags []string) (*child, error) {
	sweepChildren(opts.RuntimeDir)
	c, err := newChild(ctx, a, opts, flags, unix.LOCK_SH)
	if was := (*staleError)(nil); errors.As(err, &was) && a.drop {
		opts.Log(was.why)
		c, err = newChild(ctx, a, opts, flags, unix.LOCK_EX)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: starting `podman system service`: %w", ErrNoEngine, err)
	}
	return c, nil
}

// newChild is one attempt. With LOCK_EX nobody else starts a service meanwhile,
// and what is stale is removed.
func newChild(ctx context.Context, a account, opts Options, flags []string, lock int) (*child, error) {
	unlock, err := flock(ctx, filepath.Join(opts.RuntimeDir, "service.lock"), lock, func() {})
	if err != nil {
		return nil, err
	}
	defer unlock()
	c, err := tryChild(ctx, a, opts, flags)
	for range 2 { // one may hide the other
		was := (*staleError)(nil)
		if lock != unix.LOCK_EX || !errors.As(err, &was) { // nobody was quicker
			break
		}
		if err := a.forget(was.file); err != nil {
			return nil, err
		}
		c, err = tryChild(ctx, a, opts, flags)
	}
	return c, err
}

func tryChild(ctx context.Context, a account, opts Options, flags []string) (*child, error) {
	dir, err := os.MkdirTemp(opts.RuntimeDir, "svc-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for Podman's socket: %w", err)
	}
	c := &child{dir: dir, record: dir + ".json", stderr: &tail{log: opts.Log}, done: make(chan struct{})}
	if a.drop {
		err = os.Lchown(dir, a.uid, a.gid)
	}
	if err == nil {
		err = c.remember()
	}
	if err == nil {
		err = c.start(a, flags)
	}
	if err == nil {
		err = c.wait(ctx)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// start runs the service from a goroutine that keeps its thread until the
// service has ended: the parent-death signal hangs on the thread.
func (c *child) start(a account, flags []string) error {
	args := slices.Concat(flags, []string{"system", "service", "--time", "0", c.uri()})
	// Not tied to a caller's context: boxes outlive the call that opened the engine.
	cmd := a.command(context.Background(), "podman", args...)
	cmd.Stderr = c.stderr
	cmd.WaitDelay = time.Second    // conmon may hold the pipe of standard error open
	cmd.SysProcAttr.Setpgid = true // ctrl+c in the terminal is ours to handle
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	started := make(chan error)
	go func() {
		defer close(c.done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("podman is not installed; `glovebox setup` installs it (%w)", err)
		}
		return err
	}
	c.pid = cmd.Process.Pid
	return nil
}

// wait returns when the socket takes connections.
func (c *child) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := c.dial(ctx)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-c.done:
			said := c.stderr.String()
			if err := stale(said); err != nil {
				return fmt.Errorf("%w (%s)", err, said)
			}
			return fmt.Errorf("it ended (%w): %s", cmp.Or(c.err, errors.New("without an error")), said)
		case <-ctx.Done():
			return fmt.Errorf("its socket did not answer (%w): %s", ctx.Err(), c.stderr)
		case <-tick.C:
		}
	}
}

// stop ends the service, politely, then not, and removes what belongs to it.
func (c *child) stop() {
	defer c.forget()
	if c.pid == 0 {
		return
	}
	kill := func(pid int, sig syscall.Signal) {
		select {
		case <-c.done: // its number may be another's by now
		default:
			_ = syscall.Kill(pid, sig)
		}
	}
	grace := time.NewTimer(3 * time.Second)
	defer grace.Stop()
	kill(c.pid, syscall.SIGTERM) // while it is there it passes that on
	select {
	case <-c.done:
	case <-grace.C:
		kill(-c.pid, syscall.SIGKILL)
		<-c.done
		grace.Reset(0)
	}
	// Those that are left are told, then killed; what outlives even that is not
	// ours, or waits in the kernel.
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for late := false; !late; {
			left := serving(c.dir)
			if len(left) == 0 {
				return
			}
			for _, pid := range left {
				_ = syscall.Kill(pid, sig)
			}
			select {
			case <-tick.C:
			case <-grace.C:
				late = true
			}
		}
		grace.Reset(3 * time.Second)
	}
}

func (c *child) forget() {
	_ = os.RemoveAll(c.dir)
	_ = os.Remove(c.record)
}

func (c *child) remember() error {
	me, err := CurrentOwner()
	if err != nil {
		return err
	}
	b, err := json.Marshal(childRecord{Owner: me})
	if err != nil {
		return err
	}
	return os.WriteFile(c.record, b, 0o600)
}

// sweepChildren ends services whose owner is gone and removes what they left.
// A directory without a record belongs to a service that is just starting, or
// to a process killed between two lines; it is small and stays until reboot.
func sweepChildren(base string) {
	records, _ := filepath.Glob(filepath.Join(base, "svc-*.json"))
	for _, path := range records {
		b, err := os.ReadFile(path)
		var r childRecord
		if err != nil || json.Unmarshal(b, &r) != nil || r.Owner.Alive() {
			continue
		}
		dir := strings.TrimSuffix(path, ".json")
		for _, pid := range serving(dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = os.RemoveAll(dir)
		_ = os.Remove(path)
	}
}

// tail keeps the last lines that the service wrote, for an error message.
type tail struct {
	mu  sync.Mutex
	buf []byte
	log func(string)
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf); n > tailSize {
		t.buf = append(t.buf[:0], t.buf[n-tailSize:]...)
	}
	t.mu.Unlock()
	if t.log != nil {
		for line := range bytes.Lines(p) {
			t.log("podman: " + strings.TrimRight(string(line), "\n"))
		}
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := ""
	for line := range strings.Lines(string(t.buf)) {
		// Not why anything ended: the second is an error by its level only.
		if !strings.Contains(line, "level=warning") && !strings.Contains(line, "User-selected graph driver") {
			said += line
		}
	}
	return cmp.Or(strings.TrimSpace(said), "it said nothing")
}
