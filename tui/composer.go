package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// promptMax bounds a prompt, in characters.
const promptMax = 200_000

// composer is where a prompt is written.
type composer struct {
	desk    *desk
	area    textarea.Model
	w       int
	history []string
	at      int    // index into history; len(history): the draft
	draft   string // what was written before looking at the history
}

func newComposer(d *desk) *composer {
	a := textarea.New()
	a.Prompt = ""
	a.ShowLineNumbers = false
	a.CharLimit = promptMax
	a.MaxWidth = 0
	a.DynamicHeight, a.MinHeight, a.MaxHeight = true, 1, 5
	a.MaxContentHeight = 5000
	a.Placeholder = "Ask the agent…"
	a.SetVirtualCursor(false)
	a.KeyMap.InsertNewline = d.keys.Newline
	a.KeyMap.Paste.SetEnabled(false) // the terminal pastes; this would read the host's clipboard
	a.KeyMap.SelectAll.SetEnabled(false)
	a.Focus()
	return &composer{desk: d, area: a}
}

// setSize says how wide the composer is, frame included, and how high it may grow.
func (c *composer) setSize(w, h int) {
	c.w = w
	c.area.MaxHeight = max(h-2, 1)
	c.area.SetWidth(max(w-4, 4))
}

// height is the number of lines of view.
func (c *composer) height() int { return c.area.Height() + 2 }

// value is what has been written.
func (c *composer) value() string { return c.area.Value() }

// view draws the composer in its frame.
func (c *composer) view() []string {
	th := c.desk.th
	c.area.SetStyles(th.input)
	edge := th.rule
	if c.area.Focused() {
		edge = th.accent
	}
	bar := strings.Repeat("─", max(c.w-2, 0))
	out := []string{edge.Render("╭" + bar + "╮")}
	for l := range strings.SplitSeq(c.area.View(), "\n") {
		out = append(out, edge.Render("│")+" "+pad(l, c.w-4)+" "+edge.Render("│"))
	}
	return append(out, edge.Render("╰"+bar+"╯"))
}

// cursor is relative to the composer's top left corner.
func (c *composer) cursor() *tea.Cursor {
	cur := c.area.Cursor()
	if cur != nil {
		cur.X += 2
		cur.Y++
	}
	return cur
}

// take empties the composer and returns what was in it, which the history keeps.
func (c *composer) take() string {
	text := strings.TrimSpace(c.area.Value())
	if text != "" && (len(c.history) == 0 || c.history[len(c.history)-1] != text) {
		c.history = append(c.history, text)
	}
	c.at, c.draft = len(c.history), ""
	c.area.Reset()
	return text
}

// handle takes keys and pastes.
func (c *composer) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	k := &c.desk.keys
	switch msg := msg.(type) {
	case tea.PasteMsg:
		c.area.InsertString(pasted(msg.Content))
		return true, nil
	case editedMsg:
		c.area.SetValue(clean(msg.text))
		return true, nil
	case tea.KeyPressMsg:
		switch {
		case key.Matches(msg, k.Older) && c.area.Line() == 0 && c.area.LineInfo().RowOffset == 0:
			c.recall(-1)
			return true, nil
		case key.Matches(msg, k.Newer) && c.area.Line() == c.area.LineCount()-1 && c.onLastRow():
			c.recall(+1)
			return true, nil
		case key.Matches(msg, k.Editor):
			return true, c.edit()
		}
		before := c.area.Value()
		line, info := c.area.Line(), c.area.LineInfo()
		c.area, cmd = c.area.Update(msg)
		handled = msg.Text != "" || before != c.area.Value() || line != c.area.Line() || info != c.area.LineInfo()
		return handled, cmd
	}
	return false, nil
}

// pasted makes a paste fit; terminals send its line ends as carriage returns.
func pasted(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(s)
	return store.Clean(s)
}

func (c *composer) onLastRow() bool {
	info := c.area.LineInfo()
	return info.RowOffset >= info.Height-1
}

// recall shows an older or newer prompt.
func (c *composer) recall(by int) {
	to := min(max(c.at+by, 0), len(c.history))
	if to == c.at {
		return
	}
	if c.at == len(c.history) {
		c.draft = c.area.Value()
	}
	c.at = to
	text := c.draft
	if to < len(c.history) {
		text = c.history[to]
	}
	c.area.SetValue(text)
	c.area.MoveToEnd()
}
