package tui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"glovebox/store"
)

// BenchmarkKey measures from a key to the drawn frame, on screens that hold
// more than anybody has: its p95 is what a person feels.
func BenchmarkKey(b *testing.B) {
	list := func(n int) func() *app { return func() *app { a := listOfSessions(n); press(a, "tab"); return a } }
	for _, c := range []struct {
		name string
		open func() *app
		keys []string
	}{
		{"list_20000/move", list(20_000), []string{"down", "pgdown", "up", "pgup"}},
		{"list_20000/sort", list(20_000), []string{"s", "S"}},
		{"list_20000/filter", func() *app { return listOfSessions(20_000) }, []string{"c", "u", "backspace", "backspace"}},
		{"playback_100000/onwards", func() *app { a := longPlayback(100_000); press(a, "g"); return a }, []string{"right"}},
		{"playback_100000/back", func() *app { return longPlayback(100_000) }, []string{"left"}},
		{"playback_100000/read", func() *app { return longPlayback(100_000) }, []string{"up", "pgup", "space", "pgdown"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := c.open()
			took := make([]time.Duration, 0, 1000)
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				press(a, c.keys[i%len(c.keys)])
				_ = a.View()
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms-p95")
		})
	}
}

// longPlayback is a recording of n events.
func longPlayback(n int) *app {
	a := newTestApp(120, 40)
	var events []store.Event
	for turn := 0; len(events) < n; turn++ {
		for _, e := range record(example()[3:11]...) {
			if p, ok := e.Body.(store.Prompt); ok {
				p.Text = fmt.Sprintf("%s (turn %d)", p.Text, turn)
				e.Body = p
			}
			e.Seq = int64(len(events) + 1)
			events = append(events, e)
		}
	}
	openRecorded(a, events[:n])
	return a
}

// TestSteppingOnIsAsQuickInALongRecording: a step onwards costs what it shows,
// however much came before.
func TestSteppingOnIsAsQuickInALongRecording(t *testing.T) {
	step := func(n int) func() {
		a := longPlayback(n)
		press(a, "g")
		for range n / 4 {
			press(a, "right")
		}
		return func() {
			for range 10 {
				press(a, "right")
				_ = a.View()
			}
		}
	}
	short, long := quickest(step(400), step(40_000))
	t.Logf("ten steps: in 400 events %v, in 40,000 %v", short, long)
	if long > 4*short {
		t.Errorf("in 40,000 events a step takes %.1f times as long as in 400", float64(long)/float64(short))
	}
}
