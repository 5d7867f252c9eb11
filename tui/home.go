package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// home is the list of sessions.
type home struct {
	desk      *desk
	open      func(id string) bool // whether the session is open in this workbench
	w, h      int
	all       []store.Summary
	shown     []store.Summary // those that the filter lets through
	err       error
	loaded    bool
	filter    string
	filtering bool // keys go to the filter
	at, top   int  // selected row, first row on the screen
	flash     string
}

// summariesMsg is the list as the log has it now.
type summariesMsg struct {
	all []store.Summary
	err error
}

func newHome(d *desk, open func(string) bool) *home { return &home{desk: d, open: open} }

// load reads the list again.
func (h *home) load() tea.Cmd {
	work := h.desk.work
	return work.do(func() tea.Msg {
		all, err := work.backend.Sessions(work.ctx)
		return sessionMsg{h, summariesMsg{all, err}}
	})
}

// setSize, like the methods below, is of the screen interface.
func (h *home) setSize(width, height int) {
	h.w, h.h = width, height
	h.settle()
}

// room is the number of rows that fit.
func (h *home) room() int { return max(h.h-5, 1) }

func (h *home) settle() {
	h.at = min(max(h.at, 0), max(len(h.shown)-1, 0))
	h.top = min(h.top, h.at, max(len(h.shown)-h.room(), 0))
	h.top = max(h.top, h.at-h.room()+1, 0)
}

// choose applies the filter and keeps the selected session selected.
func (h *home) choose() {
	selected := ""
	if h.at < len(h.shown) {
		selected = h.shown[h.at].ID
	}
	h.shown, h.at = nil, 0
	for _, s := range h.all {
		if matches(s, h.filter) {
			if s.ID == selected {
				h.at = len(h.shown)
			}
			h.shown = append(h.shown, s)
		}
	}
	h.settle()
}

// matches reports whether every word of the filter is in the session's line.
func matches(s store.Summary, filter string) bool {
	text := strings.ToLower(s.Title + " " + s.Model + " " + s.Status + " " + s.ID)
	for word := range strings.FieldsSeq(strings.ToLower(filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (h *home) cursor() *tea.Cursor { return nil }

func (h *home) interrupt() bool { return false }

func (h *home) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case summariesMsg:
		h.all, h.err, h.loaded = msg.all, msg.err, true
		h.choose()
	case flashMsg:
		h.flash = string(msg)
	case tea.PasteMsg:
		if h.filtering {
			h.filter += line(msg.Content)
			h.choose()
		}
	case tea.KeyPressMsg:
		h.flash = ""
		if h.filtering {
			if h.handleFilter(msg) {
				return true, nil
			}
		}
		return h.handleKey(msg)
	}
	return false, nil
}

func (h *home) handleKey(msg tea.KeyPressMsg) (handled bool, cmd tea.Cmd) {
	k := &h.desk.keys
	switch {
	case key.Matches(msg, k.Open):
		if h.at < len(h.shown) {
			return true, send(openMsg{h.shown[h.at].ID})
		}
	case h.filtering && msg.Text != "":
		return true, nil
	case key.Matches(msg, k.New):
		return true, send(newMsg{})
	case key.Matches(msg, k.Verify):
		return true, send(verifyMsg{})
	case key.Matches(msg, k.Filter):
		h.filtering = true
	case key.Matches(msg, k.Reload):
		return true, h.load()
	case key.Matches(msg, k.Leave):
		return true, send(leaveMsg{})
	case key.Matches(msg, k.Up):
		h.at--
	case key.Matches(msg, k.Down):
		h.at++
	case key.Matches(msg, k.PageUp):
		h.at -= h.room()
	case key.Matches(msg, k.PageDown):
		h.at += h.room()
	case key.Matches(msg, k.Top):
		h.at = 0
	case key.Matches(msg, k.Bottom):
		h.at = len(h.shown) - 1
	case key.Matches(msg, k.Interrupt) && h.filter != "":
		h.filter = ""
		h.choose()
	default:
		return false, nil
	}
	h.settle()
	return true, nil
}

// handleFilter takes the keys that write the filter.
func (h *home) handleFilter(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "backspace", "ctrl+h":
		if r := []rune(h.filter); len(r) > 0 {
			h.filter = string(r[:len(r)-1])
		} else {
			h.filtering = false
		}
	case "ctrl+u":
		h.filter = ""
	case "esc":
		h.filter, h.filtering = "", false
	case "tab":
		h.filtering = false
	default:
		if msg.Text == "" {
			return false
		}
		h.filter += line(msg.Text)
	}
	h.choose()
	return true
}

func (h *home) hints() ([]hint, string) {
	k := &h.desk.keys
	if h.filtering {
		return []hint{{"enter", "open"}, {"↑/↓", "choose"}, {"esc", "no filter"}}, h.flash
	}
	if len(h.all) == 0 {
		return hints(k.New, k.Help, k.Leave), h.flash
	}
	return hints(k.Open, k.New, k.Help, k.Filter, k.Leave), h.flash
}

func (h *home) keyGroups() []keyGroup { return h.desk.keys.homeKeys() }

func (h *home) view() string {
	th := h.desk.th
	number := plural(len(h.all), "session")
	if h.filter != "" {
		number = fmt.Sprintf("%d of %s", len(h.shown), number)
	}
	if !h.loaded {
		number = "reading…"
	}
	out := []string{" " + between(th.accent.Bold(true).Render("glovebox"), th.faint.Render(number), h.w-2), h.filterLine()}
	switch {
	case h.err != nil:
		for _, l := range wrap(clean("✗ the sessions cannot be read: "+h.err.Error()), h.w-2, true) {
			out = append(out, " "+th.bad.Render(l))
		}
	case h.loaded && len(h.all) == 0:
		out = append(out, h.welcome()...)
	case h.loaded && len(h.shown) == 0:
		out = append(out, "", " "+th.faint.Render(fit("No session matches.", h.w-2)))
	default:
		out = append(out, h.table()...)
	}
	for len(out) < h.h-1 {
		out = append(out, "")
	}
	return strings.Join(out[:h.h-1], "\n")
}

func (h *home) filterLine() string {
	if !h.filtering && h.filter == "" {
		return ""
	}
	cursor := ""
	if h.filtering {
		cursor = "▏"
	}
	return " " + fit(h.desk.th.accent.Render("/ ")+line(h.filter)+cursor, h.w-2)
}

func (h *home) welcome() []string {
	th := h.desk.th
	row := func(key, does string) string { return " " + fit(th.accent.Render(pad(key, 15))+does, h.w-2) }
	out := []string{"", " " + th.bold.Render(fit("No sessions yet.", h.w-2)), ""}
	return append(out,
		row("n", "start one: a sealed box, made-up data"),
		row("glovebox demo", "the guided tour: offline, no key"),
		row("v", "see whether the box is really closed"),
		row("?", "all keys"))
}
