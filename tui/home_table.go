package tui

import (
	"slices"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"glovebox/store"
)

// column is one column of the table of sessions.
type column struct {
	title string
	width int
	rank  int // where there is no room, the highest rank goes first
	right bool
	cell  func(s store.Summary) string
}

// titleMin is the least width of the title column; other columns are left out
// until there is that much.
const titleMin = 20

// columns are those beside the title that fit, and the width of the title.
func (h *home) columns() (cols []column, title int) {
	cols = []column{
		{"Model", 12, 4, false, func(s store.Summary) string { return line(s.Model) }},
		{"When", 9, 1, false, func(s store.Summary) string { return ago(s.StartedAt, h.desk.clock()) }},
		{"Steps", 5, 2, true, func(s store.Summary) string { return strconv.Itoa(s.Steps) }},
		{"Tokens", 6, 3, true, func(s store.Summary) string { return count(int64(s.Tokens)) }},
		{"Result", 13, 0, false, h.result},
	}
	for {
		title = h.w - 4
		for _, c := range cols {
			title -= c.width + 2
		}
		if title >= titleMin || len(cols) == 1 {
			break
		}
		rank := len(cols) - 1
		cols = slices.DeleteFunc(cols, func(c column) bool { return c.rank == rank })
	}
	if cols[0].title == "Model" { // let long names be read where there is room
		more := min(max((title-titleMin)/3, 0), 18)
		cols[0].width += more
		title -= more
	}
	return cols, title
}

func (h *home) result(s store.Summary) string {
	if s.Status == "running" && h.open(s.ID) {
		return "● open here"
	}
	return statusMark(s.Status) + " " + line(s.Status)
}

// table draws the heading and the rows on the screen.
func (h *home) table() []string {
	cols, width := h.columns()
	th := h.desk.th
	heading := th.faint.Render(pad("Session", width))
	for _, c := range cols {
		heading += "  " + th.faint.Render(c.fill(c.title))
	}
	out := []string{"  " + heading}
	for i := h.top; i < min(h.top+h.room(), len(h.shown)); i++ {
		s := h.shown[i]
		mark, style := "  ", lipgloss.NewStyle()
		if i == h.at {
			mark, style = th.accent.Render("┃")+" ", th.accent.Bold(true)
		}
		title := line(s.Title)
		if title == "" {
			title = "(no prompt)"
		}
		row := mark + style.Render(pad(title, width))
		for _, c := range cols {
			style := th.faint
			if c.title == "Result" {
				style = th.status(s.Status)
			}
			row += "  " + style.Render(c.fill(c.cell(s)))
		}
		out = append(out, row)
	}
	return out
}

// fill makes text as wide as the column.
func (c column) fill(text string) string {
	if !c.right {
		return pad(text, c.width)
	}
	text = fit(text, c.width)
	return strings.Repeat(" ", max(c.width-lipgloss.Width(text), 0)) + text
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
