package tui

import (
	"cmp"
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
	by    func(a, b listed) int // the order in which they are wanted first
}

// titleMin is the least width of the title column; other columns are left out
// until there is that much.
const titleMin = 24

// table are all columns. The first is the title, which takes the room that is left.
func (h *home) table() []column {
	name := func(of func(s store.Summary) string) func(a, b listed) int {
		return func(a, b listed) int { return strings.Compare(of(a.Summary), of(b.Summary)) }
	}
	most := func(of func(s store.Summary) float64) func(a, b listed) int {
		return func(a, b listed) int { return cmp.Compare(of(b.Summary), of(a.Summary)) }
	}
	return []column{
		{"Session", 0, 0, false, nil, name(func(s store.Summary) string { return strings.ToLower(s.Title) })},
		{"Model", 12, 4, false, func(s store.Summary) string { return line(s.Model) }, name(func(s store.Summary) string { return s.Model })},
		{
			"When", 10, 1, false, func(s store.Summary) string { return ago(s.StartedAt, h.desk.clock()) },
			func(a, b listed) int { return b.StartedAt.Compare(a.StartedAt) },
		},
		{"Steps", 6, 2, true, func(s store.Summary) string { return strconv.Itoa(s.Steps) }, most(func(s store.Summary) float64 { return float64(s.Steps) })},
		{"Tokens", 7, 3, true, tokens, most(func(s store.Summary) float64 { return float64(s.Tokens) })},
		{"Cost", 7, 5, true, cost, most(costOf)},
		{"Result", 13, 0, false, h.result, name(func(s store.Summary) string { return s.Status })},
	}
}

func cost(s store.Summary) string {
	switch {
	case !s.HasModel():
		return "–"
	case s.CostUSD == nil:
		return "?"
	}
	return dollars(*s.CostUSD)
}

// tokens are what servers report; not all do.
func tokens(s store.Summary) string {
	switch {
	case !s.HasModel():
		return "–"
	case !s.TokensKnown():
		return "?"
	}
	return count(int64(s.Tokens))
}

// costOf puts what is not known below what is free.
func costOf(s store.Summary) float64 {
	if s.CostUSD == nil {
		return -1
	}
	return *s.CostUSD
}

// columns are those that fit, and the width of the title.
func (h *home) columns() (cols []column, title int) {
	cols = h.table()
	for rank := 5; ; rank-- {
		title = h.w - 4
		for _, c := range cols[1:] {
			title -= c.width + 2
		}
		if title >= titleMin || rank == 0 {
			break
		}
		cols = slices.DeleteFunc(cols, func(c column) bool { return c.rank == rank })
	}
	if cols[1].title == "Model" { // let long names be read where there is room
		more := min(max((title-titleMin)/3, 0), 18)
		cols[1].width += more
		title -= more
	}
	return cols, title
}

func (h *home) result(s store.Summary) string {
	if open := h.open(s.ID); s.Status == "running" && open != nil {
		if open.asking != nil {
			return "? asks you"
		}
		return "● open here"
	}
	return statusMark(s.Status) + " " + line(s.Status)
}

// rows draws the heading and the sessions on the screen.
func (h *home) rows() []string {
	cols, width := h.columns()
	cols[0].width = width
	th := h.desk.th
	heading := ""
	for _, c := range cols {
		style := th.faint
		if c.title == h.sorted {
			style, c.title = th.accent, c.title+map[bool]string{false: "▾", true: "▴"}[h.reversed]
		}
		heading += "  " + style.Render(c.fill(c.title))
	}
	out := []string{heading}
	for i := h.top; i < min(h.top+h.room(), len(h.shown)); i++ {
		s := h.shown[i]
		mark, style := "  ", lipgloss.NewStyle()
		if i == h.at {
			mark, style = th.accent.Render("┃")+" ", th.accent.Bold(true)
		}
		star := ""
		if s.Starred {
			star = th.accent.Render("★") + " "
		}
		row := mark + pad(star+found(titleOf(s.Title), s.hits, style)+th.faint.Render(tagged(s.Tags)), width)
		for _, c := range cols[1:] {
			style := th.faint
			if c.title == "Result" {
				style = th.status(s.Status)
			}
			row += "  " + style.Render(c.fill(c.cell(s.Summary)))
		}
		out = append(out, row)
	}
	return out
}

// found draws text with the runes underlined that the filter has found.
func found(text string, hits []int, style lipgloss.Style) string {
	if len(hits) == 0 {
		return style.Render(text)
	}
	var b strings.Builder
	under := style.Underline(true).Bold(true)
	runes := []rune(text)
	for from := 0; from < len(runes); {
		to, hit := from, slices.Contains(hits, from)
		for to < len(runes) && slices.Contains(hits, to) == hit {
			to++
		}
		if piece := string(runes[from:to]); hit {
			b.WriteString(under.Render(piece))
		} else {
			b.WriteString(style.Render(piece))
		}
		from = to
	}
	return b.String()
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
