package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
)

// help shows the keys of a screen. It is made from the key map, so it cannot lie.
type help struct {
	desk   *desk
	groups []keyGroup
	w, h   int
	top    int
}

// setSize, like the methods below, is of the dialog interface.
func (d *help) setSize(w, h int) { d.w, d.h = w, h }

func (d *help) cursor() *tea.Cursor { return nil }

func (d *help) hints() ([]hint, string) {
	return []hint{{"↑/↓", "scroll"}, {"any other key", "back"}}, ""
}

func (d *help) handle(m tea.Msg) (done bool, cmd tea.Cmd) {
	k := &d.desk.keys
	msg, ok := m.(tea.KeyPressMsg)
	switch {
	case !ok:
	case key.Matches(msg, k.Up):
		d.top--
	case key.Matches(msg, k.Down):
		d.top++
	case key.Matches(msg, k.PageUp):
		d.top -= d.h / 2
	case key.Matches(msg, k.PageDown):
		d.top += d.h / 2
	default:
		return true, nil
	}
	return false, nil
}

func (d *help) view() string {
	rows := d.rows()
	room := max(d.h-4, 1)
	d.top = max(min(d.top, len(rows)-room), 0)
	out := []string{" " + d.desk.th.bold.Render("Keys"), ""}
	out = append(out, rows[d.top:min(d.top+room, len(rows))]...)
	for len(out) < d.h-1 {
		out = append(out, "")
	}
	return strings.Join(out[:d.h-1], "\n")
}

// rows puts the groups side by side where there is room.
func (d *help) rows() []string {
	th := d.desk.th
	perRow := min(max(d.w/44, 1), len(d.groups))
	if d.w >= 78 {
		perRow = max(perRow, 2)
	}
	width := (d.w-2)/perRow - 2
	var blocks []string
	for _, g := range d.groups {
		lines := []string{th.accent.Render(pad(g.title, width))}
		for _, b := range g.keys {
			h := b.Help()
			lines = append(lines, fit(th.bold.Render(pad(h.Key, 10))+" "+th.faint.Render(h.Desc), width))
		}
		blocks = append(blocks, lipgloss.NewStyle().Width(width+2).Render(strings.Join(lines, "\n")))
	}
	var out []string
	for len(blocks) > 0 {
		n := min(perRow, len(blocks))
		for l := range strings.SplitSeq(lipgloss.JoinHorizontal(lipgloss.Top, blocks[:n]...), "\n") {
			out = append(out, strings.TrimRight(" "+l, " "))
		}
		blocks = blocks[n:]
		if len(blocks) > 0 {
			out = append(out, "")
		}
	}
	return out
}

// hints names keys at the foot of the screen.
func hints(keys ...key.Binding) []hint {
	var out []hint
	for _, b := range keys {
		h := b.Help()
		out = append(out, hint{h.Key, h.Desc})
	}
	return out
}
