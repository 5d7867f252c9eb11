package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"glovebox/runner"
	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
)

// patience is how long something may take before a person is told about it.
const patience = 2 * time.Second

// progress shows a long step: on a terminal one line that is drawn again and
// again and is gone afterwards, elsewhere a line for each step that takes long.
type progress struct {
	w     io.Writer
	width int // columns; 0: not a terminal

	mu    sync.Mutex
	now   func() time.Time
	step  runner.Progress
	since time.Time // of the step on no terminal, of the first step on one
	said  string    // the step that has its line already
	drawn bool
	stop  chan struct{}
	ended sync.WaitGroup
}

// newProgress shows what is told to it until close is called.
func newProgress(w io.Writer) *progress {
	p := &progress{w: w, width: widthOf(w), now: time.Now, stop: make(chan struct{})}
	p.ended.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-tick.C:
				p.draw()
			}
		}
	})
	return p
}

// tell says what is being done now. It may be called from any goroutine.
func (p *progress) tell(step runner.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if step.Lasting {
		if p.drawn {
			fmt.Fprint(p.w, "\r\x1b[K")
		}
		fmt.Fprintln(p.w, "glovebox: "+store.CleanLine(step.Step))
		return
	}
	if p.since.IsZero() || (p.width == 0 && step.Step != p.step.Step) {
		p.since = p.now()
	}
	p.step = step
}

// close ends the showing and takes the line away.
func (p *progress) close() {
	close(p.stop)
	p.ended.Wait()
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() || p.now().Sub(p.since) < patience {
		return
	}
	switch {
	case p.width > 0:
		p.drawn = true
		line := fmt.Sprintf("%s%s %ds", gauge(p.step), p.step.Step, int(p.now().Sub(p.since).Seconds()))
		fmt.Fprint(p.w, "\r\x1b[K"+ansi.Truncate(line, p.width-1, "…"))
	case p.said != p.step.Step:
		p.said = p.step.Step
		fmt.Fprintln(p.w, "  "+p.step.Step)
	}
}

// gauge is how far a step is, where that is known.
func gauge(s runner.Progress) string {
	const cells = 20
	if s.Total <= 0 {
		return ""
	}
	full := int(cells * min(max(s.Done, 0), s.Total) / s.Total)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", cells-full) + "] "
}
