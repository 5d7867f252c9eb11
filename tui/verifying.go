package tui

import (
	"context"
	"errors"
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
	"glovebox/store"
)

// A Battery is one result of glovebox verify, as it was recorded.
type Battery struct {
	ID string // of its session
	At time.Time
	store.Verified
}

// verifying is the page about whether the box is really closed: the last
// result, whether it still holds, each probe, and the results before it. There
// is one in a workbench; what runs goes on while another screen is shown.
type verifying struct {
	desk *desk
	w, h int

	all    []Battery // newest first
	loaded bool
	stale  string // why the last result does not do any more; "" if it does
	judged bool   // stale is known
	err    error  // of reading

	probes choice[store.Probed]
	of     *Battery // whose probes they are; nil: of what runs, or of nothing
	past   choice[Battery]
	older  bool // the results before are shown
	open   bool // all of one probe is shown

	running bool
	control bool // with the controls
	notice  string
	began   time.Time
	cancel  context.CancelFunc
	updates *mailbox
	flash   string
}

// Messages to the page, in a sessionMsg.
type (
	batteriesMsg struct {
		all []Battery
		err error
	}
	staleMsg struct {
		why string
		err error
	}
	probesMsg struct {
		of  Battery
		all []store.Probed
		err error
	}
	verifiedMsg struct{ err error }
)

func newVerifying(d *desk) *verifying { return &verifying{desk: d} }

// load reads the results, and asks whether the last one still holds.
func (v *verifying) load() tea.Cmd {
	work := v.desk.work
	v.judged = false
	return tea.Batch(
		work.do(func() tea.Msg {
			all, err := work.backend.Batteries(work.ctx)
			return sessionMsg{v, batteriesMsg{all, err}}
		}),
		work.do(func() tea.Msg {
			why, err := work.backend.Stale(work.ctx)
			return sessionMsg{v, staleMsg{why, err}}
		}))
}

// read reads the probes of one result.
func (v *verifying) read(b Battery) tea.Cmd {
	work := v.desk.work
	return work.do(func() tea.Msg {
		m := probesMsg{of: b}
		for e, err := range work.backend.Events(work.ctx, b.ID) {
			if err != nil {
				m.err = err
				break
			}
			if p, ok := e.Body.(store.Probed); ok {
				m.all = append(m.all, p)
			}
		}
		return sessionMsg{v, m}
	})
}

// run tries the battery; the table fills as it goes.
func (v *verifying) run(control bool) tea.Cmd {
	if v.running {
		v.flash = "it is running already; ctrl+c stops it"
		return nil
	}
	ctx, cancel := context.WithCancel(v.desk.work.ctx)
	v.running, v.control, v.cancel, v.began, v.notice = true, control, cancel, v.desk.clock(), ""
	v.of, v.older, v.open, v.probes = nil, false, false, choice[store.Probed]{}
	v.updates = newMailbox()
	work, box := v.desk.work, v.updates
	work.keep(box)
	return tea.Batch(v.pump(), work.do(func() tea.Msg {
		defer cancel()
		defer box.close()
		err := work.backend.Verify(ctx, control,
			func(notice string) { box.put(agent.Update{Delta: &agent.Delta{Notice: notice}}) },
			func(p store.Probed) { box.put(agent.Update{Event: &store.Event{Body: p}}) })
		return sessionMsg{v, verifiedMsg{err}}
	}))
}

// pump waits for results.
func (v *verifying) pump() tea.Cmd { return v.desk.work.next(v.updates, v) }

// setSize, like the methods below, is of the screen interface.
func (v *verifying) setSize(w, h int) { v.w, v.h = w, h }

func (v *verifying) cursor() *tea.Cursor { return nil }

// interrupt stops what runs.
func (v *verifying) interrupt() bool {
	if v.running {
		v.cancel()
		v.flash = "stopping…"
	}
	return v.running
}

func (v *verifying) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case batteriesMsg:
		return false, v.list(msg)
	case staleMsg:
		v.stale, v.judged = msg.why, msg.err == nil
		if msg.err != nil {
			v.flash = "whether the last result still holds cannot be told: " + msg.err.Error()
		}
	case probesMsg:
		if msg.err != nil {
			v.flash = "the result cannot be read: " + msg.err.Error()
		}
		if !v.running {
			v.of, v.probes = &msg.of, choice[store.Probed]{all: msg.all}
			v.probes.at = max(slices.IndexFunc(msg.all, wanting), 0)
		}
	case updatesMsg:
		return false, v.take(msg)
	case verifiedMsg:
		v.running, v.notice = false, ""
		if msg.err != nil && !errors.Is(msg.err, context.Canceled) {
			v.flash = telling(msg.err)
		}
		return false, v.load()
	case flashMsg:
		v.flash = string(msg)
	case tea.KeyPressMsg:
		v.flash = ""
		return v.handleKey(msg)
	}
	return false, nil
}

// list takes the results; the newest is shown, if nothing else is.
func (v *verifying) list(m batteriesMsg) tea.Cmd {
	v.err, v.loaded, v.all = m.err, true, m.all
	v.past.all = m.all
	v.past.move(0, 1)
	if v.running || len(m.all) == 0 {
		return nil
	}
	return v.read(m.all[0])
}

func (v *verifying) take(m updatesMsg) tea.Cmd {
	for _, u := range m.batch {
		switch {
		case u.Delta != nil:
			v.notice = u.Delta.Notice
		case u.Event != nil:
			if p, ok := u.Event.Body.(store.Probed); ok {
				following := v.probes.at >= len(v.probes.all)-1
				v.probes.all = append(v.probes.all, p)
				if following {
					v.probes.at = len(v.probes.all) - 1
				}
			}
		}
	}
	if !m.open {
		return nil
	}
	return v.pump()
}

func (v *verifying) handleKey(msg tea.KeyPressMsg) (handled bool, cmd tea.Cmd) {
	k := &v.desk.keys
	switch {
	case key.Matches(msg, k.Back):
		switch {
		case v.open:
			v.open = false
		case v.older:
			v.older = false
		default:
			return true, v.desk.send(goHomeMsg{})
		}
	case key.Matches(msg, k.Again):
		return true, v.run(false)
	case key.Matches(msg, k.Control):
		return true, v.run(true)
	case key.Matches(msg, k.History):
		v.older, v.open = !v.older, false
	case key.Matches(msg, k.NextError):
		v.seek(+1)
	case key.Matches(msg, k.PrevError):
		v.seek(-1)
	case key.Matches(msg, k.Open) && v.older:
		if v.past.at < len(v.past.all) {
			v.older = false
			return true, v.read(v.past.all[v.past.at])
		}
	case key.Matches(msg, k.Open):
		v.open = !v.open && len(v.probes.all) > 0
	default:
		return v.handleMove(msg), nil
	}
	return true, nil
}

func (v *verifying) handleMove(msg tea.KeyPressMsg) bool {
	k, move := &v.desk.keys, v.probes.move
	if v.older {
		move = v.past.move
	}
	room := v.room()
	switch {
	case key.Matches(msg, k.Up):
		move(-1, room)
	case key.Matches(msg, k.Down):
		move(1, room)
	case key.Matches(msg, k.PageUp):
		move(-room, room)
	case key.Matches(msg, k.PageDown):
		move(room, room)
	case key.Matches(msg, k.Top):
		move(-1<<20, room)
	case key.Matches(msg, k.Bottom):
		move(1<<20, room)
	default:
		return false
	}
	return true
}

// wanting says that a probe did not hold, or could not fail where it must.
func wanting(p store.Probed) bool {
	return p.Verdict != "PASS" || p.Control != nil && p.Control.Verdict != "FAIL"
}

// seek goes to the nearest probe before or after that is wanting.
func (v *verifying) seek(by int) {
	for n := v.probes.at + by; n >= 0 && n < len(v.probes.all); n += by {
		if wanting(v.probes.all[n]) {
			v.probes.at, v.older = n, false
			return
		}
	}
	v.flash = "no other that did not hold"
}

func (v *verifying) hints() ([]hint, string) {
	k := &v.desk.keys
	switch {
	case v.older:
		return append([]hint{{"enter", "show"}, {"↑/↓", "choose"}}, hints(k.Back, k.Help)...), v.flash
	case v.running:
		return append([]hint{{"ctrl+c", "stop"}, {"enter", "more"}}, hints(k.Back, k.Help)...), v.flash
	case len(v.probes.all) == 0:
		return hints(k.Again, k.Control, k.Help, k.Back), v.flash
	}
	return append(hints(k.Again, k.Control, k.Help), hint{"enter", "more"}, hints(k.History)[0], hint{"e/E", "did not hold"}, hints(k.Back)[0]), v.flash
}

func (v *verifying) keyGroups() []keyGroup { return v.desk.keys.verifyKeys() }

// choice is a list of which one is chosen.
type choice[T any] struct {
	all     []T
	at, top int // chosen, first on the screen
}

// move goes by so many, and keeps what is chosen among the room lines shown.
func (r *choice[T]) move(by, room int) {
	r.at = max(min(r.at+by, len(r.all)-1), 0)
	r.top = max(min(r.top, r.at, len(r.all)-room), r.at-room+1, 0)
}

// seen are those on the screen.
func (r *choice[T]) seen(room int) []T {
	r.move(0, room)
	return r.all[r.top:min(r.top+room, len(r.all))]
}
