package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// home is the list of sessions.
type home struct {
	desk      *desk
	open      func(id string) *session // the session, if it is open in this workbench
	w, h      int
	all       []store.Summary
	shown     []listed // those that the filter lets through
	sorted    string   // title of the column by which they are; "": by how well they match
	reversed  bool
	err       error
	loaded    bool
	filter    string
	filtering bool   // keys go to the filter
	at, top   int    // selected row, first row on the screen
	want      string // ID of the session to select as soon as it is there; "": none
	flash     string
	seconds   int // since it was last read
}

// listed is a session in the list.
type listed struct {
	store.Summary
	hits  []int // runes of the title that the filter has found
	score int
}

// summariesMsg is the list as the log has it now.
type summariesMsg struct {
	all []store.Summary
	err error
}

func newHome(d *desk, open func(string) *session) *home {
	return &home{desk: d, open: open, sorted: "When"}
}

// load reads the list again.
func (h *home) load() tea.Cmd {
	h.seconds = 0
	work := h.desk.work
	return work.do(func() tea.Msg {
		all, err := work.backend.Sessions(work.ctx)
		return sessionMsg{h, summariesMsg{all, err}}
	})
}

// rereadEvery is after how many seconds the list is read again, if it changes by itself.
const rereadEvery = 3

// elsewhere reports whether a session runs that this workbench has no news of.
func (h *home) elsewhere() bool {
	return slices.ContainsFunc(h.all, func(s store.Summary) bool { return s.Status == "running" && h.open(s.ID) == nil })
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

// choose applies filter and order, and keeps the selected session selected.
func (h *home) choose() {
	was, _ := h.selected()
	h.shown = h.shown[:0]
	for _, s := range h.all {
		title := titleOf(s.Title)
		if hits, score, ok := matches(s, title, h.filter); ok {
			h.shown = append(h.shown, listed{s, hits, score})
		}
	}
	h.sort()
	is := func(id string) int { return slices.IndexFunc(h.shown, func(s listed) bool { return s.ID == id }) }
	h.at = max(is(was.ID), 0)
	if at := is(h.want); at >= 0 {
		h.at, h.want = at, ""
	}
	h.settle()
}

// sort puts those shown in order; equals stay newest first.
func (h *home) sort() {
	by := func(a, b listed) int { return cmp.Compare(a.score, b.score) }
	if i := slices.IndexFunc(h.table(), func(c column) bool { return c.title == h.sorted }); i >= 0 {
		by = h.table()[i].by
	}
	slices.SortStableFunc(h.shown, func(a, b listed) int {
		if h.reversed {
			return by(b, a)
		}
		return by(a, b)
	})
}

// sortByNext goes on to the next column that can be seen, and to the top.
func (h *home) sortByNext() {
	cols, _ := h.columns()
	i := slices.IndexFunc(cols, func(c column) bool { return c.title == h.sorted })
	h.sorted, h.reversed = cols[(i+1)%len(cols)].title, false
	h.choose()
	h.at = 0
}

// narrow is choose after the filter was changed: the best match is selected;
// without a filter, what was.
func (h *home) narrow() {
	h.sorted, h.reversed = "", false
	if h.filter == "" {
		h.sorted = "When"
	} else {
		h.shown = nil // nothing is selected
	}
	h.choose()
}

func (h *home) selected() (s store.Summary, ok bool) {
	if h.at < len(h.shown) {
		return h.shown[h.at].Summary, true
	}
	return s, false
}

// titleOf is a session's title, as it is shown.
func titleOf(title string) string { return cmp.Or(line(title), "(no prompt)") }

func (h *home) cursor() *tea.Cursor { return nil }

func (h *home) interrupt() bool { return false }

func (h *home) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case summariesMsg:
		h.all, h.err, h.loaded = msg.all, msg.err, true
		h.choose()
	case secondMsg:
		if h.seconds++; h.seconds >= rereadEvery && h.elsewhere() {
			return true, h.load()
		}
	case notedMsg:
		return true, h.load()
	case tookInMsg:
		h.want = msg.session
		return true, h.load()
	case flashMsg:
		h.flash = string(msg)
	case tea.PasteMsg:
		if h.filtering {
			h.filter += line(msg.Content)
			h.narrow()
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
		if s, ok := h.selected(); ok {
			return true, h.desk.send(openMsg{id: s.ID})
		}
	case h.filtering && msg.Text != "":
		return true, nil
	case key.Matches(msg, k.New):
		return true, h.desk.send(newMsg{})
	case key.Matches(msg, k.Verify):
		return true, h.desk.send(verifyMsg{})
	case key.Matches(msg, k.Filter):
		h.filtering = true
	case key.Matches(msg, k.Reload):
		return true, h.load()
	case key.Matches(msg, k.Sort):
		h.sortByNext()
	case key.Matches(msg, k.Reverse):
		h.reversed = !h.reversed
		h.choose()
		h.at = 0
	case key.Matches(msg, k.Find):
		return true, h.desk.send(searchMsg{})
	case key.Matches(msg, k.Import):
		return true, h.desk.send(newImporting(h.desk))
	case key.Matches(msg, k.CheckAll):
		return true, h.desk.send(newCheck(h.desk, ""))
	case key.Matches(msg, k.Mark, k.Export, k.Check, k.Rerun, k.Resume):
		if s, ok := h.selected(); ok {
			return true, h.desk.onRecording(msg, s, 0)
		}
	case key.Matches(msg, k.Leave):
		return true, h.desk.send(leaveMsg{})
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
		h.narrow()
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
		return true
	default:
		if msg.Text == "" {
			return false
		}
		h.filter += line(msg.Text)
	}
	h.narrow()
	return true
}

func (h *home) hints() ([]hint, string) {
	k := &h.desk.keys
	if h.filtering {
		return []hint{{"enter", "open"}, {"↑/↓", "choose"}, {"!word", "not"}, {"tab", "other keys"}, {"esc", "no filter"}}, h.flash
	}
	if len(h.all) == 0 {
		return hints(k.New, k.Help, k.Leave), h.flash
	}
	return hints(k.Open, k.New, k.Help, k.Find, k.Filter, k.Leave), h.flash
}

func (h *home) keyGroups() []keyGroup { return h.desk.keys.homeKeys() }

func (h *home) view() string {
	th := h.desk.th
	number := store.Plural(len(h.all), "session")
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
		out = append(out, h.rows()...)
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
