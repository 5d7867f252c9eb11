package tui

import (
	"fmt"
	"strconv"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// marking is the dialog in which a person says something about a session or a
// step of it: star, tags, title, comment, score. Each is recorded as an event.
type marking struct {
	desk    *desk
	of      store.Summary // only what is known of it
	step    int64         // 0: the whole session
	w, h    int
	field   textinput.Model
	asks    *key.Binding // what field is for; nil: it is not shown
	writing bool         // it is being recorded
	said    string       // what is wrong with it
}

func newMarking(d *desk, of store.Summary, step int64) dialogMsg {
	return dialogMsg{&marking{desk: d, of: of, step: step, field: newField(4000)}, nil}
}

// newField is where one line is written.
func newField(limit int) textinput.Model {
	f := textinput.New()
	f.Prompt = ""
	f.CharLimit = limit
	f.SetVirtualCursor(false)
	f.KeyMap.Paste.SetEnabled(false) // the terminal pastes; this would read the host's clipboard
	return f
}

// setWidth makes a field w cells wide. The library looks again at what fits only
// when the cursor leaves what is shown.
func setWidth(f *textinput.Model, w int) {
	f.SetWidth(max(w, 8))
	at := f.Position()
	f.CursorEnd()
	f.SetCursor(at)
}

// setSize, like the methods below, is of the dialog interface.
func (m *marking) setSize(w, h int) {
	m.w, m.h = w, h
	setWidth(&m.field, w-12)
}

func (m *marking) cursor() *tea.Cursor {
	if m.asks == nil {
		return nil
	}
	return fieldCursor(m.field, 3+len(m.asks.Help().Desc), m.h-3)
}

// fieldCursor is the cursor of a field that is drawn from x, y on.
func fieldCursor(f textinput.Model, x, y int) *tea.Cursor {
	cur := f.Cursor()
	if cur != nil {
		cur.X += x
		cur.Y += y
	}
	return cur
}

func (m *marking) handle(msg tea.Msg) (done bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		if m.asks != nil {
			m.field, cmd = m.field.Update(tea.PasteMsg{Content: line(msg.Content)})
		}
	case tea.KeyPressMsg:
		m.said = ""
		if m.asks != nil {
			return false, m.write(msg)
		}
		return m.choose(msg)
	case notedMsg:
		return true, m.desk.send(msg)
	case flashMsg: // it could not be recorded
		m.said, m.writing = string(msg), false
	}
	return false, cmd
}

func (m *marking) choose(msg tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	k := &m.desk.keys
	switch {
	case m.writing && !key.Matches(msg, k.Back): // one thing at a time
		return false, nil
	case key.Matches(msg, k.Star):
		star := !m.of.Starred
		return false, m.record(store.Note{Star: &star})
	case key.Matches(msg, k.Back):
		return true, nil
	}
	for _, b := range []*key.Binding{&k.Tag, &k.Comment, &k.Score, &k.Retitle} {
		if key.Matches(msg, *b) {
			m.asks = b
			m.field.Reset()
			if b == &k.Retitle {
				m.field.SetValue(line(m.of.Title))
			}
			return false, m.field.Focus()
		}
	}
	return false, nil
}

// write takes a key while something is being written.
func (m *marking) write(msg tea.KeyPressMsg) (cmd tea.Cmd) {
	k := &m.desk.keys
	switch {
	case key.Matches(msg, k.Interrupt):
		m.asks = nil
	case key.Matches(msg, k.Send) && !m.writing:
		n, wrong := m.note(m.field.Value())
		if wrong != "" {
			m.said = wrong
			return nil
		}
		return m.record(n)
	default:
		m.field, cmd = m.field.Update(msg)
	}
	return cmd
}

// note is what was written, as a note.
func (m *marking) note(text string) (n store.Note, wrong string) {
	k := &m.desk.keys
	text = strings.TrimSpace(text)
	switch m.asks {
	case &k.Tag:
		for word := range strings.FieldsSeq(text) {
			if gone, ok := strings.CutPrefix(word, "-"); ok {
				n.Untags = append(n.Untags, gone)
			} else {
				n.Tags = append(n.Tags, strings.TrimPrefix(word, "#"))
			}
		}
	case &k.Retitle:
		n.Title = text
	case &k.Comment:
		n.Text = text
	case &k.Score:
		name, value, _ := strings.Cut(text, "=")
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if name = strings.TrimSpace(name); err != nil || name == "" {
			return n, "a score is NAME=NUMBER, such as help=0.5"
		}
		n.Score = &store.Score{Name: name, Value: v}
	}
	if text == "" {
		return n, "write something, or esc"
	}
	return n, ""
}

func (m *marking) record(n store.Note) tea.Cmd {
	m.writing = true
	if n.Title == "" {
		n.Step = m.step
	}
	work, id := m.desk.work, m.of.ID
	return work.do(func() tea.Msg {
		e, err := work.backend.Note(work.ctx, id, n)
		if err != nil {
			return sessionMsg{m, flashMsg(telling(err))}
		}
		return sessionMsg{m, notedMsg{e}}
	})
}

func (m *marking) view() string {
	th, k := m.desk.th, &m.desk.keys
	about := "session " + line(m.of.ID)
	if m.step > 0 {
		about = fmt.Sprintf("step %d of ", m.step) + about
	}
	star := "☆"
	if m.of.Starred {
		star = "★"
	}
	out := []string{" " + fit(th.bold.Render("Mark "+about), m.w-2), " " + fit(star+" "+line(m.of.Title)+th.faint.Render(tagged(m.of.Tags)), m.w-2), ""}
	for _, row := range []struct {
		b   key.Binding
		how string
	}{
		{k.Star, "on, off"},
		{k.Tag, "words; -word takes one away"},
		{k.Comment, "any text"},
		{k.Score, "NAME=NUMBER"},
		{k.Retitle, "of the session"},
	} {
		h := row.b.Help()
		out = append(out, " "+fit(th.accent.Render(pad(h.Key, 4))+pad(h.Desc, 10)+th.faint.Render(row.how), m.w-2))
	}
	var wrong []string
	if m.said != "" {
		wrong = wrap(line(m.said), m.w-2, true)
	}
	out = fill(out, m.h-3-len(wrong))
	for _, l := range wrong {
		out = append(out, " "+th.bad.Render(l))
	}
	if m.asks != nil {
		out = append(out, " "+th.accent.Render(m.asks.Help().Desc+"> ")+m.field.View())
	}
	return strings.Join(fill(out, m.h-1), "\n")
}

// fill makes lines exactly n.
func fill(lines []string, n int) []string {
	n = max(n, 0)
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines[:n]
}

func (m *marking) hints() ([]hint, string) {
	k := &m.desk.keys
	if m.asks != nil {
		return []hint{{"enter", "record"}, {"esc", "back"}}, ""
	}
	return append(hints(k.Star, k.Tag, k.Comment, k.Score, k.Retitle), hint{"esc", "back"}), ""
}

// noted is what a note says, its comment aside.
func noted(n store.Note) string {
	var out []string
	if n.Title != "" {
		out = append(out, "title “"+n.Title+"”")
	}
	for _, tag := range n.Tags {
		out = append(out, "#"+tag)
	}
	for _, tag := range n.Untags {
		out = append(out, "no more #"+tag)
	}
	if n.Star != nil && *n.Star {
		out = append(out, "★ starred")
	} else if n.Star != nil {
		out = append(out, "☆ no longer starred")
	}
	if n.Score != nil {
		out = append(out, fmt.Sprintf("%s %g", n.Score.Name, n.Score.Value))
	}
	if len(out) == 0 {
		return "a comment"
	}
	return strings.Join(out, ", ")
}

// tagged are tags as they stand after a title.
func tagged(tags []string) string {
	out := ""
	for _, tag := range tags {
		out += "  #" + line(tag)
	}
	return out
}
