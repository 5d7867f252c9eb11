package tui

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
	"glovebox/store"
)

// What a live session does, from its beginning through turn after turn to its
// end; what it looks like, and which keys it has, is in session.go.

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
	turnMsg  struct{ err error }
	endedMsg struct{ err error }
)

// begin starts the session: box, data, log.
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

// interrupt ends what is under way.
func (s *session) interrupt() bool {
	if s.cancel == nil {
		return false
	}
	s.cancel()
	s.flash = "interrupting…"
	return true
}
