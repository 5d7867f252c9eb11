package tui

import (
	"context"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// session is the screen of a live session. What it does is in turn.go.
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
		out = hints(k.Send)
	}
	if s.writing && s.composer.value() != "" { // where ? is a letter
		out = append(out, hint{"f1", k.Help.Help().Desc})
	} else {
		out = append(out, hints(k.Help)...)
	}
	if s.writing && !s.closed && !s.busy && !s.beginning {
		out = append(out, hint{k.Newline.Help().Key, "new line"})
	}
	if s.closed {
		out = append(out, hints(k.Resume)...)
	}
	if s.writing && !s.closed {
		out = append(out, hint{"tab", "transcript"})
	} else {
		out = append(append(out, hint{k.Fold.Help().Key, "fold"}), hints(k.Copy)...)
		if !s.closed {
			out = append(out, hint{"tab", "composer"})
		}
	}
	if !s.busy && !s.beginning {
		out = append(out, hints(k.Home)...)
	}
	if !s.writing || s.closed {
		out = append(out, hints(k.Pager)...)
	}
	return out, s.flash
}

func (s *session) keyGroups() []keyGroup { return s.desk.keys.sessionKeys() }
