package runner

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
)

// BenchmarkPool is what a session waits for: from asking the pool to the first
// output of the first command, in turn with a cold box, seal included.
func BenchmarkPool(b *testing.B) {
	e, opts := testEngine(b), BoxOptions{Image: testImage(b)}
	p := e.NewPool(b.Context(), opts, 1)
	defer func() {
		if err := p.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	first := func(get func() (*Box, error)) time.Duration {
		began := time.Now()
		box, err := get()
		if err != nil {
			b.Fatal(err)
		}
		var took time.Duration
		_, err = box.Exec(b.Context(), Command{Argv: []string{"echo", "hi"}, Output: func(bool, []byte) { took = time.Since(began) }})
		if cerr := box.Close(context.Background()); err != nil || cerr != nil || took == 0 {
			b.Fatal(err, cerr, took)
		}
		return took
	}
	var pooled, cold []time.Duration
	for b.Loop() {
		for range 15 {
			full(b, p, 1)
			pooled = append(pooled, first(func() (*Box, error) { return p.Get(b.Context()) }))
			full(b, p, 1) // a refill beside it would slow the cold one
			cold = append(cold, first(func() (*Box, error) { return e.NewBox(b.Context(), opts) }))
		}
	}
	b.ReportMetric(ms(median(pooled)), "pooled-ms")
	b.ReportMetric(ms(median(cold)), "cold-ms")
	b.ReportMetric(float64(median(cold))/float64(median(pooled)), "cold/pooled")
	b.ReportMetric(0, "ns/op")
	if m := median(pooled); m > 10*time.Millisecond {
		b.Errorf("a pooled box takes %v to its first output, 10 ms are promised", m)
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkFiles is 100 MB into a box and out again.
func BenchmarkFiles(b *testing.B) {
	box := benchBox(b)
	const size = 100 << 20
	var in, out time.Duration
	for b.Loop() {
		began := time.Now()
		if n, err := box.Put(b.Context(), "big", 0o644, io.LimitReader(zeros{}, size)); err != nil || n != size {
			b.Fatal(n, err)
		}
		in, began = time.Since(began), time.Now()
		if n, err := box.Get(b.Context(), "big", 0, 0, io.Discard); err != nil || n != size {
			b.Fatal(n, err)
		}
		out = time.Since(began)
	}
	b.ReportMetric(size/1e6/in.Seconds(), "in-MB/s")
	b.ReportMetric(size/1e6/out.Seconds(), "out-MB/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCrowd is the start of a cold box with no other and with 100 others alive.
func BenchmarkCrowd(b *testing.B) {
	e, opts := testEngine(b), BoxOptions{Image: testImage(b)}
	start := func() (open, remove time.Duration) {
		began := time.Now()
		box, err := e.NewBox(b.Context(), opts)
		if err != nil {
			b.Fatal(err)
		}
		open, began = time.Since(began), time.Now()
		if err := box.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		return open, time.Since(began)
	}
	measure := func() (open, remove []time.Duration) {
		for range 11 {
			o, r := start()
			open, remove = append(open, o), append(remove, r)
		}
		return open, remove
	}
	for b.Loop() {
		alone, removal := measure()
		var crowd []*Box
		for range 100 {
			box, err := e.NewBox(b.Context(), opts)
			if err != nil {
				b.Fatal(err)
			}
			crowd = append(crowd, box)
		}
		among, removalAmong := measure()
		for _, box := range crowd {
			if err := box.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(ms(median(alone)), "alone-ms")
		b.ReportMetric(ms(median(among)), "among-100-ms")
		b.ReportMetric(float64(median(among))/float64(median(alone)), "among/alone")
		b.ReportMetric(ms(median(removal)), "removal-ms")
		b.ReportMetric(ms(median(removalAmong)), "removal-among-100-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// churn makes and destroys boxes, so many at a time, and checks that nothing
// of them is left: container, descriptor, goroutine, process, socket, mount,
// image layer.
func churn(t testing.TB, total, atOnce int) {
	e, opts := testEngine(t), BoxOptions{Image: testImage(t)}
	var mu sync.Mutex
	var made []trace
	one := func() {
		box, err := e.NewBox(context.Background(), opts)
		if err != nil {
			t.Error(err)
			return
		}
		full, err := containers.Inspect(e.with(context.Background()), box.info.Container, nil)
		if err != nil || full.GraphDriver == nil || full.GraphDriver.Data["UpperDir"] == "" {
			t.Error("where its layer is could not be found", err)
			return
		}
		mu.Lock()
		made = append(made, trace{container: box.info.Container, layer: filepath.Dir(full.GraphDriver.Data["UpperDir"])})
		mu.Unlock()
		r, err := box.Exec(context.Background(), Command{Argv: []string{"sh", "-c", "echo hi; sleep 100 &"}})
		if err != nil || string(r.Stdout) != "hi\n" {
			t.Error(r, err)
		}
		if err := box.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	one() // what is made once and kept is made now
	before := leftovers(t, e, made)
	queue := make(chan struct{}, total)
	for range total {
		queue <- struct{}{}
	}
	close(queue)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for range queue {
				one()
			}
		})
	}
	wg.Wait()
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for { // the last conmon and the last idle connection take a moment
		after := leftovers(t, e, made)
		if after.within(before) {
			t.Logf("%d boxes: before %+v, after %+v", total, before, after)
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d boxes left something: before %+v, after %+v", total, before, after)
		}
	}
}

// trace is by what a box is known outside of Podman.
type trace struct {
	container string // ID: conmon's command line and the names of its sockets hold it
	layer     string // directory of what was written over the image
}

type remains struct{ boxes, descriptors, goroutines, processes, sockets, layers, mounts int }

// within allows for the connections that the client keeps open for reuse.
func (r remains) within(before remains) bool {
	const idle = 10
	return r.boxes+r.processes+r.sockets+r.layers == 0 && r.descriptors <= before.descriptors+idle && r.goroutines <= before.goroutines+2*idle && r.mounts <= before.mounts
}

func leftovers(t testing.TB, e *Engine, made []trace) (r remains) {
	t.Helper()
	boxes, err := e.Boxes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	self, err := CurrentOwner()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range boxes {
		if b.Owner == self {
			r.boxes++
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	r.descriptors, r.goroutines = len(fds), runtime.NumGoroutine()
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	names := func(text []byte) bool {
		return slices.ContainsFunc(made, func(b trace) bool { return bytes.Contains(text, []byte(b.container)) })
	}
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cmdlines {
		if line, err := os.ReadFile(name); err == nil && names(line) { // an error: it has ended meanwhile
			r.processes++
		}
	}
	for line := range bytes.Lines(read("/proc/net/unix")) {
		if names(line) {
			r.sockets++
		}
	}
	for _, b := range made {
		if _, err := os.Lstat(b.layer); !errors.Is(err, fs.ErrNotExist) {
			r.layers++
		}
	}
	r.mounts = bytes.Count(read("/proc/self/mountinfo"), []byte("\n"))
	return r
}

func TestNothingLeftOfMany(t *testing.T) {
	if testing.Short() {
		churn(t, 12, 3)
		return
	}
	churn(t, 30, 6)
}

// BenchmarkThousand is a thousand boxes, twenty at a time, with nothing left,
// and the host's memory back where it was. Run it where nothing else runs.
func BenchmarkThousand(b *testing.B) {
	const slack = 128 << 20 // what caches of the service and of the kernel may have grown by
	churn(b, 20, 20)        // they have seen as many at once before it counts
	for b.Loop() {
		before, began := availableMemory(b), time.Now()
		churn(b, 1000, 20)
		b.ReportMetric(ms(time.Since(began))/1000, "ms/box")
		taken := before - availableMemory(b)
		b.ReportMetric(float64(taken)/(1<<20), "taken-MiB")
		if taken > slack {
			b.Errorf("1,000 boxes that are gone took %d MiB of the host's memory", taken>>20)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// availableMemory is what the host could still give to programs, in bytes.
func availableMemory(t testing.TB) int64 {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	free, err := memAvailable()
	if err != nil {
		t.Fatal(err)
	}
	return free
}
