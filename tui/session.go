package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
	"glovebox/store"
)

// frameTime is how long updates are gathered before they are drawn together.
const frameTime = 16 * time.Millisecond

// session is the screen of a live session.
type session struct {
	pane
	composer *composer
	writing  bool // the composer has the focus, else the transcript
	updates  *mailbox

	live      Live               // nil until the box is sealed
	beginning bool               // Start is under way
	busy      bool               // a turn is under way
	cancel    context.CancelFunc // ends what is under way
	queued    string             // a prompt for when the box is sealed
	resume    string             // ID of the session that this one goes on with; "": none
	closed    bool
	stops     int // of the story when the turn began

	looking  int         // at how many texts that were brought in
	bringing []*entrance // those of them that wait for the person

	asking *approval // a call that waits for the person; nil: none
}

// Messages to a session, in a sessionMsg.
type (
	updatesMsg struct {
		batch []agent.Update
		open  bool
	}
	startedMsg struct {
		live Live
		err  error
	}
	turnMsg   struct{ err error }
	endedMsg  struct{ err error }
	secondMsg struct{} // a second has passed
)

// newSession makes the screen and the command that starts the session.
func newSession(d *desk, m newMsg) (*session, tea.Cmd) {
	s := &session{pane: newPane(d), composer: newComposer(d), writing: true, updates: newMailbox(), queued: m.prompt, resume: m.resume}
	if m == (newMsg{}) {
		s.composer.area.SetValue(d.draft)
		d.draft = ""
	}
	return s, tea.Batch(s.begin(), s.pump())
}

// open reports whether there is a box behind the session, or one in the making.
func (s *session) open() bool { return s.beginning || s.live != nil && !s.closed }

func (s *session) begin() tea.Cmd {
	ctx, cancel := context.WithCancel(s.desk.work.ctx)
	s.beginning, s.cancel = true, cancel
	s.story.doing = starting
	return s.desk.work.do(func() tea.Msg {
		defer cancel()
		live, err := s.desk.work.start(ctx, s.resume, s.updates)
		return sessionMsg{s, startedMsg{live, err}}
	})
}

// pump waits for updates.
func (s *session) pump() tea.Cmd { return s.desk.work.next(s.updates, s) }

// setSize, like the methods below, is of the screen interface.
func (s *session) setSize(w, h int) {
	s.w, s.h = w, h
	s.layout()
}

func (s *session) layout() {
	s.composer.setSize(s.w, min(max(s.h/3, 3), 9))
	room := s.h - 3 // head, status, hints
	if s.tall() {
		room--
	}
	if !s.closed {
		room -= s.composer.height()
	}
	s.list.setSize(s.w, room)
}

func (s *session) now() time.Time {
	if s.story.doing == ended {
		return s.story.last
	}
	return s.desk.clock()
}

func (s *session) view() string {
	if s.asking != nil {
		body := s.asking.view(s.w, max(s.h-3, 1))
		return strings.Join(append(append([]string{s.headline("")}, body...), s.statusLine(s.now())), "\n")
	}
	if len(s.bringing) > 0 {
		body := s.bringing[0].view(s.w, max(s.h-3, 1))
		return strings.Join(append(append([]string{s.headline("")}, body...), s.statusLine(s.now())), "\n")
	}
	var below []string
	if !s.closed {
		below = s.composer.view()
	}
	return s.frame("", !s.writing, below, s.now())
}

func (s *session) cursor() *tea.Cursor {
	if s.asking != nil || len(s.bringing) > 0 {
		return nil
	}
	if !s.writing || s.closed {
		return nil
	}
	cur := s.composer.cursor()
	if cur != nil {
		cur.Y += s.h - 2 - s.composer.height()
	}
	return cur
}

func (s *session) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		s.flash = ""
		handled, cmd = s.handleKey(msg)
		s.layout()
		return handled, cmd
	case reviewedMsg:
		if s.asking != nil && s.asking.reviewed(msg) {
			s.asking = nil
		}
	case tea.PasteMsg, editedMsg:
		if s.asking != nil {
			return true, nil // it was not meant for the question
		}
		handled, cmd = true, s.bring(msg)
		s.layout()
	case brought:
		cmd = s.looked(msg)
		s.layout()
	case flashMsg:
		s.flash = string(msg)
	case seenMsg: // a question that was covered is as good as new
		if s.asking != nil {
			s.asking.armed, s.asking.calm = false, s.desk.clock().Add(approvalGrace)
		}
	case notedMsg:
		s.noted(msg.event)
	case secondMsg:
		s.refresh(s.now(), false)
	case updatesMsg:
		s.take(msg.batch)
		if msg.open {
			cmd = s.pump()
		}
	case startedMsg:
		cmd = s.started(msg)
	case turnMsg:
		cmd = s.turnDone(msg.err)
	case endedMsg:
		s.ended(msg.err)
	}
	return handled, cmd
}

func (s *session) handleKey(msg tea.KeyPressMsg) (handled bool, cmd tea.Cmd) {
	k := &s.desk.keys
	if s.asking != nil {
		done, cmd := s.asking.handle(msg)
		if done {
			s.asking = nil
		}
		return true, cmd
	}
	if len(s.bringing) > 0 {
		if done, in := s.bringing[0].handle(msg); done {
			s.bringing = s.bringing[1:]
			if len(s.bringing) > 0 { // it has not been read yet
				s.bringing[0].calm = s.desk.clock().Add(approvalGrace)
			}
			if in != nil {
				_, cmd = s.composer.handle(in)
			}
		}
		return true, cmd
	}
	switch {
	case key.Matches(msg, k.Interrupt):
		if !s.interrupt() {
			return true, s.desk.send(goHomeMsg{})
		}
		return true, nil
	case key.Matches(msg, k.Switch) && !s.closed:
		s.focus(!s.writing)
		return true, nil
	case key.Matches(msg, k.End) && (!s.writing || s.composer.value() == ""):
		return true, s.end()
	}
	if !s.writing || s.closed {
		return s.handleList(msg)
	}
	switch {
	case key.Matches(msg, k.Send):
		return true, s.submit()
	case key.Matches(msg, k.Help) && s.composer.value() == "":
		return false, nil
	}
	if handled, cmd = s.handleScroll(msg); handled {
		return handled, cmd
	}
	return s.composer.handle(msg)
}

// focus gives the keys to the composer or to the transcript.
func (s *session) focus(writing bool) {
	s.writing, s.list.reading = writing, !writing
	if writing {
		s.composer.area.Focus()
		return
	}
	s.composer.area.Blur()
	if len(s.list.items) > 0 {
		s.list.focusOnScreen()
	}
}

// submit sends what is in the composer, as soon as it can be sent.
func (s *session) submit() tea.Cmd {
	switch {
	case strings.TrimSpace(s.composer.value()) == "":
		return nil
	case s.looking > 0:
		s.flash = "what you pasted is being looked at; once more, please"
		return nil
	case s.busy:
		s.flash = "the agent is at work; esc interrupts it"
		return nil
	case s.queued != "":
		s.flash = "one prompt waits already; esc gives up"
		return nil
	}
	s.list.toEnd()
	text := s.composer.take()
	if s.live == nil {
		s.queued = text
		if s.beginning {
			s.flash = "goes out as soon as the box is sealed"
			return nil
		}
		return s.begin()
	}
	return s.prompt(text)
}

func (s *session) prompt(text string) tea.Cmd {
	ctx, cancel := context.WithCancelCause(s.desk.work.ctx)
	s.busy, s.stops = true, s.story.stops
	s.cancel = func() { cancel(agent.Interruption{By: "user"}) }
	live := s.live
	return s.desk.work.do(func() tea.Msg {
		defer cancel(nil)
		return sessionMsg{s, turnMsg{live.Prompt(ctx, text)}}
	})
}

// take applies updates and shows them.
func (s *session) take(batch []agent.Update) {
	for _, u := range batch {
		if u.Ask != nil {
			s.asking = newApproval(s.desk, *u.Ask)
		}
		if u.Event != nil && s.asking != nil && s.asking.over(*u.Event) {
			s.asking = nil
		}
		s.story.update(u)
	}
	s.refresh(s.now(), len(batch) > 0)
}

func (s *session) takeAll() {
	batch, _ := s.updates.take()
	s.take(batch)
}

// unsent is what was written and has not gone out.
func (s *session) unsent() string {
	return strings.Trim(s.queued+"\n"+s.composer.value(), "\n")
}

func (s *session) started(msg startedMsg) tea.Cmd {
	s.beginning, s.cancel, s.live, s.flash = false, nil, msg.live, ""
	s.takeAll()
	if msg.err != nil {
		s.failed("no session: ", msg.err)
		s.composer.area.SetValue(s.unsent())
		s.queued = ""
		s.layout()
		return nil
	}
	if text := s.queued; text != "" {
		s.queued = ""
		return s.prompt(text)
	}
	return nil
}

func (s *session) turnDone(err error) tea.Cmd {
	s.busy, s.cancel, s.flash = false, nil, ""
	s.takeAll()
	s.asking = nil
	switch {
	case err == nil || errors.Is(err, context.Canceled):
	case s.story.stops == s.stops:
		s.failed("", err)
	case hintOf(err) != "": // the log has the rest
		s.story.note("→", "%s", hintOf(err))
		s.refresh(s.now(), true)
	}
	if s.story.doing == ended {
		return s.end()
	}
	s.story.doing = idle
	return nil
}

// failed shows an error that is not in the log.
func (s *session) failed(lead string, err error) {
	said := telling(err)
	if errors.Is(err, context.Canceled) {
		said = "given up"
	}
	s.story.stop(&note{mark: "✗", bad: true, said: lead + said})
	s.refresh(s.now(), true)
}

// end closes the session; its box goes.
func (s *session) end() tea.Cmd {
	switch {
	case s.closed:
		return nil
	case s.busy || s.beginning:
		s.flash = "the agent is at work; esc interrupts it"
		return nil
	case s.live == nil:
		return s.desk.send(goHomeMsg{})
	}
	s.busy = true
	s.flash = "ending: the box is being destroyed"
	live := s.live
	return s.desk.work.do(func() tea.Msg {
		return sessionMsg{s, endedMsg{s.desk.work.end(live)}}
	})
}

func (s *session) ended(err error) {
	s.busy, s.closed, s.flash = false, true, ""
	s.takeAll()
	s.story.doing = ended
	if s.story.ending.Status == "" {
		s.story.ending = store.SessionEnded{Status: "done"}
	}
	if err != nil {
		s.failed("ending the session: ", err)
		s.story.doing = ended
	}
	s.updates.close()
	s.focus(false)
	s.layout()
}

// noted shows what somebody has just noted. While the session goes on it comes
// with its updates.
func (s *session) noted(e store.Event) {
	if s.closed {
		at := s.list.focus
		s.story.apply(e)
		s.refresh(s.now(), true)
		s.list.focusOn(at)
	}
	s.flash = "noted: " + noted(e.Body.(store.Note))
}

// jump shows what an event has come to.
func (s *session) jump(to openMsg) {
	for i, it := range s.list.items {
		if to.seq > 0 && it.seq >= to.seq {
			s.focus(false)
			s.list.focusOn(i)
			s.list.reveal(to.word)
			return
		}
	}
}

// interrupt ends what is under way.
func (s *session) interrupt() bool {
	if s.cancel == nil {
		return false
	}
	s.cancel()
	s.flash = "interrupting…"
	return true
}

func (s *session) hints() ([]hint, string) {
	k := &s.desk.keys
	var out []hint
	if s.asking != nil {
		return s.asking.hints(), s.flash
	}
	if len(s.bringing) > 0 {
		return s.bringing[0].hints(), s.flash
	}
	switch {
	case s.busy || s.beginning:
		out = hints(k.Interrupt)
	case s.writing && !s.closed:
		out = append(hints(k.Send), hint{k.Newline.Help().Key, "new line"})
	}
	out = append(out, hints(k.Help)...)
	if s.closed {
		out = append(out, hints(k.Resume)...)
	}
	if s.writing && !s.closed {
		out = append(out, hint{"tab", "transcript"})
	} else {
		out = append(out, hints(k.Fold, k.Copy, k.Pager)...)
		if !s.closed {
			out = append(out, hint{"tab", "composer"})
		}
	}
	if !s.busy && !s.beginning {
		out = append(out, hints(k.Home)...)
	}
	return out, s.flash
}

func (s *session) keyGroups() []keyGroup { return s.desk.keys.sessionKeys() }
