package runner

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
)

// full waits until the pool has n boxes ready.
func full(t testing.TB, p *Pool, n int) {
	t.Helper()
	tick, deadline := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		ready, err := p.Ready()
		if err != nil {
			t.Fatal(err)
		}
		if ready >= n {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d boxes are ready, want %d", ready, n)
		}
	}
}

func TestPool(t *testing.T) {
	e := testEngine(t)
	p := e.NewPool(t.Context(), BoxOptions{Image: testImage(t)}, 2)
	full(t, p, 2)
	seen := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var boxes []*Box
	for range 4 { // more at once than there are ready
		wg.Go(func() {
			b, err := p.Get(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			r, err := b.Exec(t.Context(), Command{Argv: []string{"sh", "-c", "ls -A /work /data /tmp | grep -v : ; touch /work/used"}})
			if err != nil || !r.exited(0) && len(r.Stdout) > 0 {
				t.Errorf("a box from the pool was used: %v %v", r, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[b.Info().Name] {
				t.Errorf("%s was handed out twice", b.Info().Name)
			}
			seen[b.Info().Name], boxes = true, append(boxes, b)
		})
	}
	wg.Wait()
	full(t, p, 2) // refilled
	// A box that dies while it waits is not handed out.
	p.mu.Lock()
	dead := p.ready[0]
	p.mu.Unlock()
	if err := containers.Kill(e.conn(), dead.info.Container, new(containers.KillOptions).WithSignal("KILL")); err != nil {
		t.Fatal(err)
	}
	<-dead.Done()
	b, err := p.Get(t.Context())
	if err != nil || b == dead {
		t.Fatalf("got %p (%v), the dead one is %p", b, err, dead)
	}
	boxes = append(boxes, b)
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, b := range boxes {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	all, err := e.Boxes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	self, err := CurrentOwner()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		if b.Owner == self {
			t.Errorf("left over: %+v", b)
		}
	}
	if b, err := p.Get(t.Context()); err == nil { // still gives boxes, fills itself no more
		if n, _ := p.Ready(); n != 0 {
			t.Errorf("%d boxes wait in a closed pool", n)
		}
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
