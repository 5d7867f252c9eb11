package runner

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"glovebox/runner/port"

	"github.com/containers/podman/v5/pkg/bindings/containers"
)

// untouched says that a box is as good as before.
func untouched(t *testing.T, b *Box) {
	t.Helper()
	if r := sh(t, b, "ls -A /work | grep -c '^.put-'"); string(r.Stdout) != "0\n" {
		t.Errorf("a part of a file is left: %v", r)
	}
}

// What is broken off costs the caller's operation, not the box.
func TestBrokenOff(t *testing.T) {
	t.Run("a put whose reader stands still", func(t *testing.T) {
		b := testBox(t)
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		defer w.Close()
		go func() {
			w.Write(make([]byte, 100_000)) //nolint:errcheck // the reader says what came
			cancel()
		}()
		if _, err := b.Put(ctx, "half", 0o644, r); !errors.Is(err, context.Canceled) || errors.Is(err, ErrBoxLost) {
			t.Errorf("Put: %v", err)
		}
		untouched(t, b)
	})
	t.Run("a get whose writer stands still", func(t *testing.T) {
		b := testBox(t)
		if _, err := b.Put(t.Context(), "big", 0o644, io.LimitReader(zeros{}, 64*port.Window)); err != nil {
			t.Fatal(err)
		}
		t.Parallel() // it takes the time that a killed command has
		ctx, cancel := context.WithCancel(t.Context())
		w := &slow{stands: 2 * killGrace, then: cancel}
		if _, err := b.Get(ctx, "big", 0, 0, w); !errors.Is(err, context.Canceled) || errors.Is(err, ErrBoxLost) {
			t.Errorf("Get: %v", err)
		}
		if w.n > 8*port.Window {
			t.Errorf("%d bytes came after it was broken off", w.n)
		}
		untouched(t, b)
	})
	t.Run("a get whose writer fails", func(t *testing.T) {
		b := testBox(t)
		if _, err := b.Put(t.Context(), "big", 0o644, io.LimitReader(zeros{}, 64*port.Window)); err != nil {
			t.Fatal(err)
		}
		full := errors.New("no space left")
		if _, err := b.Get(t.Context(), "big", 0, 0, writer(func([]byte) error { return full })); !errors.Is(err, full) {
			t.Errorf("Get: %v", err)
		}
		untouched(t, b)
	})
	t.Run("a command whose output nobody takes", func(t *testing.T) {
		b := testBox(t)
		t.Parallel() // as above
		ctx, cancel := context.WithCancel(t.Context())
		w := &slow{stands: 2 * killGrace, then: cancel}
		r, err := b.Exec(ctx, Command{Argv: []string{"sh", "-c", "yes; echo never"}, Output: func(_ bool, p []byte) { w.Write(p) }}) //nolint:errcheck // it has none
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrBoxLost) || r.Signal != "SIGKILL" {
			t.Errorf("%v, %v", r, err)
		}
		untouched(t, b)
	})
}

// slow is a writer that stands still once.
type slow struct {
	stands time.Duration
	then   func() // called before it stands
	n      int
}

func (s *slow) Write(p []byte) (int, error) {
	if s.n += len(p); s.then != nil {
		s.then()
		s.then = nil
		<-time.After(s.stands)
	}
	return len(p), nil
}

type writer func([]byte) error

func (w writer) Write(p []byte) (int, error) { return len(p), w(p) }

// A box that dies ends what is under way in it: files in and out, clients of its
// way out.
func TestDiesInTheMiddle(t *testing.T) {
	b, err := testEngine(t).NewBox(t.Context(), BoxOptions{Image: testImage(t), Session: t.Name(), Egress: true})
	if err != nil {
		t.Fatal(err)
	}
	way := &heldClient{came: make(chan bool), left: make(chan error, 1)}
	b.serveEgress(way)
	if _, err := b.Put(t.Context(), "big", 0o644, io.LimitReader(zeros{}, 64*port.Window)); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	defer w.Close()
	ends := make(chan error, 3)
	go func() {
		_, err := b.Put(t.Context(), "half", 0o644, r)
		ends <- err
	}()
	if _, err := w.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	began := make(chan bool)
	go func() {
		begin := sync.OnceFunc(func() { close(began) })
		_, err := b.Get(t.Context(), "big", 0, 0, writer(func([]byte) error { begin(); <-b.Done(); return nil }))
		ends <- err
	}()
	<-began
	go func() {
		_, err := b.Exec(t.Context(), Command{Argv: []string{"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3128; cat <&3"}})
		ends <- err
	}()
	<-way.came
	if err := containers.Kill(b.engine.conn(), b.info.Container, new(containers.KillOptions).WithSignal("KILL")); err != nil {
		t.Fatal(err)
	}
	for range cap(ends) {
		if err := <-ends; !errors.Is(err, ErrBoxLost) {
			t.Errorf("it ended with %v", err)
		}
	}
	if err := <-way.left; err == nil {
		t.Error("the client of the dead box said something")
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	gone(t)
}

// heldClient waits for a client to say something.
type heldClient struct {
	came chan bool
	left chan error
}

func (h *heldClient) ServeHTTP(_ context.Context, c net.Conn) {
	close(h.came)
	_, err := c.Read(make([]byte, 1))
	h.left <- err
}

func (h *heldClient) ServeSOCKS(context.Context, net.Conn) {}

// Close waits for nobody else's reader.
func TestCloseBesideABlockedReader(t *testing.T) {
	b, err := testEngine(t).NewBox(t.Context(), BoxOptions{Image: testImage(t)})
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	defer w.Close()
	if _, err := b.Exec(t.Context(), Command{Argv: []string{"true"}, Stdin: r}); err != nil {
		t.Error(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- b.Close(context.Background()) }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * destroyTimeout):
		t.Fatal("it waits for a reader that stands still")
	}
}

// The pace holds all commands of a box together. A machine that is slower makes
// this test's work lighter, never wrong.
func TestPace(t *testing.T) {
	b := testBox(t)
	const each = 3 * talkFreely
	flood := Command{Argv: []string{"head", "-c", strconv.Itoa(each), "/dev/zero"}, MaxOutput: -1}
	began := time.Now()
	done := make(chan Result)
	for range 2 {
		go func() {
			r, err := b.Exec(t.Context(), flood)
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
	}
	for range 2 {
		if r := <-done; r.StdoutCut+int64(len(r.Stdout)) != each {
			t.Errorf("%d bytes came, %d were said", r.StdoutCut+int64(len(r.Stdout)), each)
		}
	}
	seconds := float64(2*each-talkFreely) / talkRate
	if took := time.Since(began); took.Seconds() < seconds {
		t.Errorf("they said it all in %v, at the pace it takes %.2f s", took, seconds)
	}
}

// A box that is no longer wanted while it is made leaves nothing, whenever that is.
func TestMakingBrokenOff(t *testing.T) {
	e, opts := testEngine(t), BoxOptions{Image: testImage(t), Session: t.Name()}
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, cancel)
		b, err := e.NewBox(ctx, opts)
		if err == nil {
			err = b.Close(ctx)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		cancel()
	}
	gone(t)
}
