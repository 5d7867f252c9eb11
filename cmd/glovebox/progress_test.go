package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"glovebox/runner"
)

// newTestProgress is drawn by the test, on a clock of its own.
func newTestProgress(width int) (p *progress, out *bytes.Buffer, pass func(time.Duration)) {
	out = new(bytes.Buffer)
	now := time.Unix(0, 0)
	p = &progress{w: out, width: width, now: func() time.Time { return now }, stop: make(chan struct{})}
	return p, out, func(d time.Duration) {
		now = now.Add(d)
		p.draw()
	}
}

func TestProgressIsQuietAtFirst(t *testing.T) {
	for _, width := range []int{0, 80} {
		p, out, pass := newTestProgress(width)
		pass(time.Hour) // nothing has begun
		p.tell(runner.Progress{Step: "quick", Done: 1, Total: 2})
		pass(patience - time.Millisecond)
		p.close()
		if out.Len() > 0 {
			t.Errorf("width %d: shown before anybody waits: %q", width, out)
		}
	}
}

func TestProgressOnATerminal(t *testing.T) {
	p, out, pass := newTestProgress(40)
	p.tell(runner.Progress{Step: "one"})
	pass(3 * time.Second)
	p.tell(runner.Progress{Step: "two, with a name that is much too long for the line", Done: 2, Total: 4})
	pass(time.Second)
	p.tell(runner.Progress{Step: "over", Done: 9, Total: 4})
	pass(time.Second)
	p.close()
	const clear = "\r\x1b[K"
	want := clear + "one 3s" + clear + "[##########----------] two, with a nam…" + clear + "[####################] over 5s" + clear
	if out.String() != want {
		t.Errorf("shown\n%q, want\n%q", out, want)
	}
}

func TestProgressInAFile(t *testing.T) {
	p, out, pass := newTestProgress(0)
	for _, step := range []struct {
		name  string
		takes time.Duration
	}{{"slow", 5 * time.Second}, {"quick", time.Second}, {"slow again", 2 * time.Second}} {
		p.tell(runner.Progress{Step: step.name})
		for range step.takes / time.Second {
			pass(time.Second)
		}
	}
	p.close()
	if want := "  slow\n  slow again\n"; out.String() != want {
		t.Errorf("shown %q, want %q", out, want)
	}
}

func TestProgressEndsWithItsCloser(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out)
	p.tell(runner.Progress{Step: "x"})
	p.close()
	if out.Len() > 0 {
		t.Errorf("shown %q", &out)
	}
}

// News is for reading: it is shown at once and stays.
func TestProgressTellsNews(t *testing.T) {
	for _, width := range []int{0, 40} {
		p, out, _ := newTestProgress(width)
		p.tell(runner.Progress{Step: "quick"})
		p.tell(runner.Progress{Step: "something has changed, whatever the width is", Lasting: true})
		p.close()
		if got, want := out.String(), "glovebox: something has changed, whatever the width is\n"; got != want {
			t.Errorf("width %d: %q, want %q", width, got, want)
		}
	}
}
