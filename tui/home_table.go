package tui

import (
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"glovebox/store"
)

// column is one column of the table of sessions.
type column struct {
	title string
	width int
	right bool
	cell  func(h *home, s store.Summary) string
}

// titleMin is the least width of the title column; columns at the right are
// left out until there is that much.
const titleMin = 20

// columns are those beside the title, the most important first.
func columns() []column {
	return []column{
		{"Result", 13, false, func(h *home, s store.Summary) string { return h.result(s) }},
		{"When", 10, false, func(h *home, s store.Summary) string { return ago(s.StartedAt, h.desk.clock()) }},
		{"Steps", 5, true, func(_ *home, s store.Summary) string { return strconv.Itoa(s.Steps) }},
		{"Tokens", 6, true, func(_ *home, s store.Summary) string { return count(int64(s.Tokens)) }},
		{"Model", 18, false, func(_ *home, s store.Summary) string { return line(s.Model) }},
	}
}

func (h *home) result(s store.Summary) string {
	if s.Status == "running" && h.open(s.ID) {
		return "● open here"
	}
	return statusMark(s.Status) + " " + line(s.Status)
}

// table draws the heading and the rows on the screen.
func (h *home) table() []string {
	cols := columns()
	space := func() int {
		w := h.w - 4
		for _, c := range cols {
			w -= c.width + 2
		}
		return w
	}
	for len(cols) > 0 && space() < titleMin {
		cols = cols[:len(cols)-1]
	}
	th, width := h.desk.th, space()
	if len(cols) == 5 && width > 60 { // room to spare: let long model names be read
		cols[4].width += 12
		width = space()
	}
	row := func(title string, cell func(column) string, styleOf func(i int) lipgloss.Style) string {
		parts := []string{styleOf(-1).Render(pad(title, width))}
		for i, c := range cols {
			text := pad(cell(c), c.width)
			if c.right {
				text = padLeft(cell(c), c.width)
			}
			parts = append(parts, styleOf(i).Render(text))
		}
		return strings.Join(parts, "  ")
	}
	faint := func(int) lipgloss.Style { return th.faint }
	out := []string{"  " + row("Session", func(c column) string { return c.title }, faint)}
	for i := h.top; i < min(h.top+h.room(), len(h.shown)); i++ {
		s := h.shown[i]
		mark, titleStyle := "  ", lipgloss.NewStyle()
		if i == h.at {
			mark, titleStyle = th.accent.Render("┃")+" ", th.accent.Bold(true)
		}
		title := line(s.Title)
		if title == "" {
			title = "(no prompt)"
		}
		out = append(out, mark+row(title, func(c column) string { return c.cell(h, s) }, func(i int) lipgloss.Style {
			switch i {
			case -1:
				return titleStyle
			case 0:
				return th.status(s.Status)
			}
			return th.faint
		}))
	}
	return out
}

func padLeft(s string, w int) string {
	s = fit(s, w)
	return strings.Repeat(" ", max(w-lipgloss.Width(s), 0)) + s
}

// status is the colour of a session's status.
func (t *theme) status(status string) lipgloss.Style {
	switch status {
	case "done":
		return t.good
	case "failed", "denied":
		return t.bad
	case "running":
		return t.accent
	}
	return t.faint
}
