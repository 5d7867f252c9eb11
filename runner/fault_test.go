package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
	"golang.org/x/sys/unix"
)

// ownService opens an engine whose service is its own child, for one test to
// do harm to.
func ownService(t *testing.T) (*Engine, BoxOptions) {
	t.Helper()
	opts := BoxOptions{Image: testImage(t), Session: t.Name()}
	e, err := Open(t.Context(), testEngine(t).opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if e.child == nil {
		t.Skip("this user's Podman service was there already")
	}
	return e, opts
}

// undisturbed skips a test that has Podman hold locks for a minute: whoever shares its
// store would wait as long, and other packages' tests do. The guests run it.
func undisturbed(t *testing.T) {
	t.Helper()
	if os.Getenv("GLOVEBOX_ALONE") == "" {
		t.Skip("it needs a Podman store of its own: make vm-test, or GLOVEBOX_ALONE=1 with nothing else at work")
	}
}

// gone waits until no box of the test is known to Podman, asked by another service.
func gone(t *testing.T) {
	t.Helper()
	var left []BoxStatus
	await(t, func() bool {
		all, err := testEngine(t).Boxes(context.Background())
		left = slices.DeleteFunc(all, func(b BoxStatus) bool { return b.Session != t.Name() })
		return err == nil && len(left) == 0
	}, said{&left})
}

// said shows what there is when it is asked for.
type said struct{ what any }

func (s said) String() string { return fmt.Sprintf("%+v", s.what) }

// A workbench is open for a week: a service that ends under it costs the boxes
// of that moment, and no more.
func TestServiceDies(t *testing.T) {
	e, opts := ownService(t)
	b, err := e.NewBox(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var left []string // by the services that died
	for range 2 {     // once is luck
		left = append(left, e.child.dir, e.child.record)
		if err := syscall.Kill(-e.child.pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-b.Done()
		if _, err := b.Exec(t.Context(), Command{Argv: []string{"true"}}); !errors.Is(err, ErrBoxLost) {
			t.Errorf("in the box of the dead service: %v", err)
		}
		lost := b
		if b, err = e.NewBox(t.Context(), opts); err != nil {
			t.Fatal(err)
		}
		if r := sh(t, b, "echo again"); string(r.Stdout) != "again\n" {
			t.Error(r)
		}
		if err := lost.Close(context.Background()); err != nil {
			t.Errorf("removing the lost box: %v", err)
		}
	}
	// Also where the first to notice is who removes.
	left = append(left, e.child.dir, e.child.record)
	if err := syscall.Kill(-e.child.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-b.Done()
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	gone(t)
	left = append(left, e.child.dir, e.child.record)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	for _, path := range left {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
}

// A service that hangs keeps nobody for ever, and once it goes on nothing is
// left of what was given up meanwhile.
func TestServiceHangs(t *testing.T) {
	undisturbed(t)
	e, opts := ownService(t)
	b, err := e.NewBox(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	pid := e.child.pid
	if err := syscall.Kill(-pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-pid, syscall.SIGCONT) }) //nolint:errcheck // it goes on already
	within := func(what string, d time.Duration, do func() error) <-chan error {
		done := make(chan error, 1)
		go func() { done <- do() }()
		result := make(chan error, 1)
		go func() {
			select {
			case err := <-done:
				if err == nil {
					t.Errorf("%s: it went well, without a service", what)
				}
				result <- err
			case <-time.After(d):
				t.Errorf("%s: it hangs", what)
				result <- errors.New("it hangs")
			}
		}()
		return result
	}
	const bound = 2 * startTimeout
	waits := []<-chan error{
		within("put", bound, func() error {
			_, err := b.Put(t.Context(), "big", 0o600, io.LimitReader(zeros{}, 1<<30))
			return err
		}),
		within("a command", bound, func() error {
			_, err := b.Exec(t.Context(), Command{Argv: []string{"sleep", "1000"}, Stdin: zeros{}})
			return err
		}),
		within("a new box", bound, func() error {
			_, err := e.NewBox(t.Context(), opts)
			return err
		}),
		within("listing", 2*answerTimeout, func() error {
			_, err := e.Boxes(t.Context())
			return err
		}),
		within("a new box that nobody waits for", startTimeout/2, func() error {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := e.NewBox(ctx, opts)
			return err
		}),
	}
	<-b.Done()
	waits = append(waits, within("closing", bound, func() error { return b.Close(context.Background()) }))
	for _, wait := range waits {
		t.Log(<-wait)
	}
	if err := syscall.Kill(-pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	again, err := e.NewBox(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(context.Background()); err != nil {
		t.Error(err)
	}
	gone(t)
}

// Who opens an engine at a socket that nobody serves may stop waiting.
func TestOpenBesideAHangingService(t *testing.T) {
	needPodman(t)
	socket := filepath.Join(shortDir(t), "hangs.sock")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("CONTAINER_HOST", "unix://"+socket)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := Open(ctx, Options{})
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open says %v, want context.DeadlineExceeded", err)
		}
	case <-time.After(startTimeout):
		t.Fatal("it hangs")
	}
}

// conmon carries a box's bytes and tells Podman of its end. Where it stands
// still the box is silent: it is given up, and removed when that can be done.
func TestConmonHangs(t *testing.T) {
	undisturbed(t)
	b, err := testEngine(t).NewBox(t.Context(), BoxOptions{Image: testImage(t), Session: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	pid := conmonOf(t, b)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(pid, unix.SIGCONT) }) //nolint:errcheck // it is gone, we hope
	if _, err := b.Exec(t.Context(), Command{Argv: []string{"true"}}); !errors.Is(err, ErrBoxLost) {
		t.Errorf("Exec: %v", err)
	}
	t.Log(b.Close(context.Background())) // Podman may or may not do without it
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	gone(t)
	await(t, func() bool {
		_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
		return err != nil
	}, &tail{})
}

// A box ends with its port, whatever runs in it, also where nobody is left to
// remove it.
func TestBoxEndsWithItsPort(t *testing.T) {
	e, opts := ownService(t)
	b, err := e.NewBox(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	said, speak := io.Pipe()
	go func() {
		_, err := b.Exec(t.Context(), Command{Argv: []string{"sh", "-c", "echo up; sleep 1000"}, Output: func(_ bool, p []byte) { speak.Write(p) }}) //nolint:errcheck // our own pipe
		speak.CloseWithError(err)                                                                                                                    // the box is lost
	}()
	if _, err := said.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c, err := containers.Inspect(e.conn(), b.info.Container, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := watchEnd(t, c.State.Pid)
	if err := syscall.Kill(-e.child.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Kill(-e.child.pid, syscall.SIGCONT), b.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(e.acct.runtimeDir, "*", b.info.Container)); len(left) > 0 {
			t.Errorf("the runtime still keeps %q", left)
		}
	})
	if kept, _ := filepath.Glob(filepath.Join(e.acct.runtimeDir, "*", b.info.Container)); len(kept) == 0 && e.acct.runtimeDir != "" {
		t.Error("the runtime keeps nothing of a box, so this test does not prove that nothing is left")
	}
	if err := syscall.Kill(conmonOf(t, b), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ended(t)
}

func conmonOf(t *testing.T, b *Box) int {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		line, err := os.ReadFile(name)
		if err == nil && bytes.Contains(line, []byte("conmon")) && bytes.Contains(line, []byte(b.info.Container)) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("the box has no conmon")
	return 0
}
