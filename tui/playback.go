package tui

import (
	"fmt"
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// playback is the screen of a recorded session. It shows what the screen
// showed after some step; a step is an event that can be seen.
type playback struct {
	pane
	id     string
	want   openMsg // where to begin
	events []store.Event
	sum    store.Summary // of all of them
	steps  []int         // indexes into events
	at     int           // the step shown
	loaded bool
}

// eventsMsg are the events that could be read.
type eventsMsg struct {
	events []store.Event
	err    error
}

// newPlayback makes the screen and the command that reads the session.
func newPlayback(d *desk, m openMsg) (*playback, tea.Cmd) {
	id := m.id
	p := &playback{pane: newPane(d), id: id, want: m}
	p.story.sum.ID, p.story.sum.Title = id, id
	return p, d.work.do(func() tea.Msg {
		var m eventsMsg
		for e, err := range d.work.backend.Events(d.work.ctx, id) {
			if err != nil {
				m.err = err
				break
			}
			m.events = append(m.events, e)
		}
		return sessionMsg{p, m}
	})
}

// seen reports whether an event changes the transcript.
func seen(e store.Event) bool {
	switch b := e.Body.(type) {
	case store.ModelRequest:
		return false
	case store.Decision:
		return b.Verdict != "allow"
	}
	return true
}

// wrong reports whether an event is one that e looks for.
func wrong(e store.Event) bool {
	switch b := e.Body.(type) {
	case store.Failure, store.LimitReached, store.Interrupted:
		return true
	case store.Decision:
		return b.Verdict != "allow"
	case store.ToolResult:
		return (&call{result: &b}).failed()
	case store.ModelResponse:
		return b.Partial
	case store.BoxCreated:
		_, open := sealOf(b.Seal)
		return len(open) > 0
	}
	return false
}

func isCall(e store.Event) bool {
	_, ok := e.Body.(store.ToolCall)
	return ok
}

// setSize, like the methods below, is of the screen interface.
func (p *playback) setSize(w, h int) {
	p.w, p.h = w, h
	room := h - 3 // head, status, hints
	if p.tall() {
		room--
	}
	p.list.setSize(w, room)
}

func (p *playback) view() string {
	right := "reading…"
	if p.loaded {
		right = fmt.Sprintf("step %d/%d", p.seq(p.at), p.seq(len(p.steps)-1))
	}
	if p.w >= 60 {
		right = "playback · " + right
	}
	return p.frame(right, true, nil, p.story.last)
}

// seq is the number of step n, which is that of its event.
func (p *playback) seq(n int) int64 {
	if n < 0 || n >= len(p.steps) {
		return 0
	}
	return p.events[p.steps[n]].Seq
}

func (p *playback) cursor() *tea.Cursor { return nil }

func (p *playback) interrupt() bool { return false }

func (p *playback) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case eventsMsg:
		p.load(msg)
	case notedMsg:
		p.noted(msg.event)
	case flashMsg:
		p.flash = string(msg)
	case tea.KeyPressMsg:
		p.flash = ""
		return p.handleKey(msg)
	}
	return false, nil
}

func (p *playback) handleKey(msg tea.KeyPressMsg) (handled bool, cmd tea.Cmd) {
	k := &p.desk.keys
	switch {
	case key.Matches(msg, k.Back):
		return true, p.desk.send(goHomeMsg{})
	case key.Matches(msg, k.Next):
		p.show(p.at + 1)
	case key.Matches(msg, k.Prev):
		p.show(p.at - 1)
	case key.Matches(msg, k.First):
		p.show(0)
	case key.Matches(msg, k.Last):
		p.show(len(p.steps) - 1)
	case key.Matches(msg, k.NextCall):
		p.seek(+1, isCall, "no later tool call")
	case key.Matches(msg, k.PrevCall):
		p.seek(-1, isCall, "no earlier tool call")
	case key.Matches(msg, k.NextError):
		p.seek(+1, wrong, "no later error")
	case key.Matches(msg, k.PrevError):
		p.seek(-1, wrong, "no earlier error")
	case key.Matches(msg, k.ToStep) && p.about() > 0:
		p.jump(p.about(), "")
	case key.Matches(msg, k.Mark, k.Resume) && p.loaded: // as it is now, not as it was at this step
		return true, p.desk.onRecording(msg, p.sum, p.step())
	default:
		return p.handleList(msg)
	}
	return true, nil
}

// load takes the events and shows the last step, as the session was left.
func (p *playback) load(m eventsMsg) {
	p.events, p.loaded = m.events, true
	p.sum = store.Summary{ID: p.id, Status: "running"}
	for i, e := range p.events {
		p.sum.Apply(e)
		if seen(e) {
			p.steps = append(p.steps, i)
		}
	}
	p.story = newStory()
	p.at = -1
	p.show(len(p.steps) - 1)
	if p.want.seq > 0 {
		p.jump(p.want.seq, p.want.word)
	}
	if m.err != nil {
		p.story.add(&note{mark: "✗", bad: true, said: "the recording cannot be read on: " + m.err.Error()})
		p.refresh(p.story.last, true)
	}
}

// noted adds what somebody has just noted; it is seen at once.
func (p *playback) noted(e store.Event) {
	p.events = append(p.events, e)
	p.sum.Apply(e)
	p.steps = append(p.steps, len(p.events)-1)
	at := p.list.focus
	if p.at == len(p.steps)-2 {
		p.show(len(p.steps) - 1)
		p.list.focusOn(at)
	}
	p.flash = "noted: " + noted(e.Body.(store.Note))
}

// jump goes to the step of an event, and to a word in it.
func (p *playback) jump(seq int64, word string) {
	p.show(slices.IndexFunc(p.steps, func(i int) bool { return p.events[i].Seq >= seq }))
	p.list.reveal(word)
}

// seek goes to the nearest step before or after that has an event of the kind.
func (p *playback) seek(by int, kind func(store.Event) bool, none string) {
	for n := p.at + by; n >= 0 && n < len(p.steps); n += by {
		if kind(p.events[p.steps[n]]) {
			p.show(n)
			return
		}
	}
	p.flash = none
}

// show goes to step n: onwards by applying what lies between, backwards by
// beginning again. What the person has unfolded stays so.
func (p *playback) show(n int) {
	n = min(max(n, 0), len(p.steps)-1)
	if n < 0 || n == p.at {
		return
	}
	from := p.end(p.at)
	old := p.story.items
	if n < p.at {
		p.story, from = newStory(), 0
	}
	for _, e := range p.events[from:p.end(n)] {
		p.story.apply(e)
	}
	if from == 0 {
		for i := range min(len(old), len(p.story.items)) {
			p.story.items[i].open = old[i].open
		}
	}
	p.at = n
	p.refresh(p.story.last, true)
	p.list.toEnd()
	p.list.focusOn(p.touched(p.events[p.steps[n]]))
}

// end is the index of the first event that step n does not show.
func (p *playback) end(n int) int {
	switch {
	case n < 0:
		return 0
	case n+1 < len(p.steps):
		return p.steps[n+1]
	}
	return len(p.events)
}

// touched is the index of the item that an event has changed.
func (p *playback) touched(e store.Event) int {
	id := ""
	switch b := e.Body.(type) {
	case store.ToolCall:
		id = b.CallID
	case store.ToolResult:
		id = b.CallID
	case store.Decision:
		id = b.CallID
	}
	last := len(p.story.items) - 1
	for i := last; id != "" && i >= 0; i-- {
		if p.story.items[i] == p.story.calls[id] {
			return i
		}
	}
	return last
}

func (p *playback) hints() ([]hint, string) {
	k := &p.desk.keys
	out := []hint{{"←/→", "step"}, {k.Help.Help().Key, "keys"}, {"t/T", "tool call"}, {"e/E", "error"}, {"g/G", "start, end"}}
	return append(out, hints(k.Back, k.Fold)...), p.flash
}

func (p *playback) keyGroups() []keyGroup { return p.desk.keys.playbackKeys() }
