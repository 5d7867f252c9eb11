package compare_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/store/compare"
	"glovebox/store/proof"
)

// fill takes a session of n events in, calls and their results.
func fill(b *testing.B, s *store.Store, id string, n int, command, output func(i int) string) {
	b.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	salt := make([]byte, proof.SaltSize)
	events := func(yield func(store.Disclosure, error) bool) {
		for i := range n {
			d := store.Disclosure{Seq: int64(i + 1), At: at.Add(time.Duration(i) * time.Millisecond), Kind: "tool.result"}
			object := fmt.Sprintf(`{"call_id":"call_%d","tool":"shell","exit":0,"stdout":%q,"duration_ms":3}`, i/2, output(i/2))
			switch {
			case i == 0:
				d.Kind, object = "session.started", `{"program":"1","model":"m","system":"","tools":[],"config":{},"policy":{},"rigor":"standard"}`
			case i == n-1:
				d.Kind, object = "session.ended", `{"status":"done"}`
			case i%2 == 0:
				d.Kind, object = "tool.call", fmt.Sprintf(`{"call_id":"call_%d","tool":"shell","arguments":{"command":%q}}`, i/2, command(i/2))
			}
			if i == 1 {
				d.Kind, object = "prompt", `{"text":"go"}`
			}
			d.Fields, _ = proof.Split([]byte(object))
			for range d.Fields {
				d.Proofs = append(d.Proofs, store.Proven{Salt: salt})
			}
			if !yield(d, nil) {
				return
			}
		}
	}
	if err := s.Import(b.Context(), store.Import{Session: id, Events: events, Evidence: store.Evidence{Log: "bench"}}); err != nil {
		b.Fatal(err)
	}
}

// processor is the time that this process has computed, which hardly moves when
// others are at work.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkCompare is two sessions of 10,000 events and two of 100,000, read from
// the log, compared and written: the same; everything different; a few commands
// in any order, which is the worst for an alignment; one the other backwards.
func BenchmarkCompare(b *testing.B) {
	prose := func(who string) func(int) string {
		return func(i int) string {
			return fmt.Sprintf("%s %d\nrow one of some\nrow two of some\nstatus %d\n", who, i, i*7919)
		}
	}
	few := func(seed uint64) func(int) string {
		random := rand.New(rand.NewPCG(seed, seed))
		return func(int) string { return fmt.Sprintf("echo %d", random.IntN(3)) }
	}
	for _, way := range []struct {
		name string
		a, b func(n int) func(int) string
	}{
		{name: "the same", a: func(int) func(int) string { return prose("a") }, b: func(int) func(int) string { return prose("a") }},
		{name: "all differs", a: func(int) func(int) string { return prose("a") }, b: func(int) func(int) string { return prose("b") }},
		{name: "a few, any order", a: func(int) func(int) string { return few(1) }, b: func(int) func(int) string { return few(2) }},
		{name: "backwards", a: func(int) func(int) string { return prose("a") }, b: func(n int) func(int) string { return func(i int) string { return prose("a")(n/2 - i) } }},
	} {
		took := map[int]time.Duration{}
		for _, n := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", way.name, n), func(b *testing.B) {
				key, err := store.LoadKey(filepath.Join(b.TempDir(), "key"))
				if err != nil {
					b.Fatal(err)
				}
				s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "log.db"))
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				s.SignWith(key)
				fill(b, s, "a", n, way.a(n), way.a(n))
				fill(b, s, "b", n, way.b(n), way.b(n))
				for b.Loop() {
					start, before := time.Now(), processor(b)
					x, err := compare.Read("a", s.Disclose(b.Context(), "a"))
					if err != nil {
						b.Fatal(err)
					}
					y, err := compare.Read("b", s.Disclose(b.Context(), "b"))
					if err != nil {
						b.Fatal(err)
					}
					read := time.Since(start)
					c := compare.Compare(x, y)
					compared := time.Since(start) - read
					if err := c.WriteText(io.Discard, 0); err != nil {
						b.Fatal(err)
					}
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					took[n] = processor(b) - before
					b.ReportMetric(read.Seconds(), "s-read")
					b.ReportMetric(compared.Seconds(), "s-compare")
					b.ReportMetric((time.Since(start) - read - compared).Seconds(), "s-write")
					b.ReportMetric(took[n].Seconds(), "s-processor")
					b.ReportMetric(float64(m.HeapSys)/(1<<20), "MiB-heap")
				}
			})
		}
		if took[10_000] > 0 {
			times := took[100_000].Seconds() / took[10_000].Seconds()
			fmt.Printf("%s: 10 times as long takes %.1f times\n", way.name, times)
			if times > 25 { // quadratic would be 100
				b.Errorf("%s: it does not grow with the length of the sessions alone", way.name)
			}
		}
	}
}
