package tui

import (
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// Inspect looks at text that a person brings in. found names what looks real in
// it, "" where nothing does; marked is the text with marks in the place of that.
type Inspect func(text string) (found, marked string)

// brought is text that came by paste or from $EDITOR, and what was found in it.
type brought struct {
	msg           tea.Msg // a tea.PasteMsg or an editedMsg
	found, marked string
}

// with is the message with another text.
func with(msg tea.Msg, text string) tea.Msg {
	if _, ok := msg.(editedMsg); ok {
		return editedMsg{text}
	}
	return tea.PasteMsg{Content: text}
}

// bring looks at what a person brings in before the composer has it.
func (s *session) bring(msg tea.Msg) tea.Cmd {
	var text string
	switch msg := msg.(type) {
	case tea.PasteMsg:
		text = msg.Content
	case editedMsg:
		text = msg.text
	}
	if s.desk.inspect == nil {
		_, cmd := s.composer.handle(msg)
		return cmd
	}
	s.looking++
	return s.desk.work.do(func() tea.Msg {
		found, marked := s.desk.inspect(text)
		return sessionMsg{s, brought{msg, found, marked}}
	})
}

// looked lets in what looks harmless, and asks about the rest.
func (s *session) looked(b brought) (cmd tea.Cmd) {
	s.looking--
	if b.found == "" {
		_, cmd = s.composer.handle(b.msg)
		return cmd
	}
	s.bringing = append(s.bringing, &entrance{desk: s.desk, brought: b, calm: s.desk.clock().Add(approvalGrace)})
	return nil
}

// entrance is the dialog about text that looks as if it held real data. Nothing
// of it is let in by default.
type entrance struct {
	desk *desk
	brought
	calm  time.Time // keys count from here on
	armed bool      // one has counted
}

// handle takes a key; done says that the question was answered, in what goes to
// the composer, nil: nothing.
func (e *entrance) handle(msg tea.KeyPressMsg) (done bool, in tea.Msg) {
	now := e.desk.clock()
	if !e.armed && now.Before(e.calm) {
		e.calm = now.Add(approvalGrace)
		return false, nil
	}
	e.armed = true
	k := &e.desk.keys
	switch {
	case key.Matches(msg, k.LetIn):
		return true, e.msg
	case key.Matches(msg, k.LetMarked):
		return true, with(e.msg, e.marked)
	case key.Matches(msg, k.KeepOut):
		return true, nil
	}
	return false, nil
}

// view draws exactly h lines of at most w cells.
func (e *entrance) view(w, h int) []string {
	th := e.desk.th
	out := []string{" " + th.bold.Render("Is this real data?"), ""}
	for _, l := range strings.Split(wrapWords("What you brought in looks as if it held data of real people, or secrets: "+clean(e.found)+".", max(w-3, 10)), "\n") {
		out = append(out, " "+l)
	}
	out = append(out, "")
	for _, l := range strings.Split(wrapWords("The model would see it, and the log would keep it. With marks, what was found is left out, and the rest comes in.", max(w-3, 10)), "\n") {
		out = append(out, " "+th.faint.Render(l))
	}
	out = append(out, "")
	for _, l := range wrap(clean(e.marked), w-4, false) {
		out = append(out, " "+th.rule.Render("│")+" "+l)
	}
	for len(out) < h {
		out = append(out, "")
	}
	return out[:h]
}

func (e *entrance) hints() []hint {
	k := &e.desk.keys
	return hints(k.LetIn, k.LetMarked, k.KeepOut)
}
