package tui

import "strings"

// item is one entry of the transcript. It keeps its lines until it changes or
// is drawn another way, so that a frame costs only what is new in it.
type item struct {
	body
	open bool  // unfolded
	seq  int64 // of the last event that it shows; 0: of none yet

	version int // counts changes of body
	drawn   struct {
		width, version int
		open           bool
		th             *theme
		lines          []string
	}
}

// body is what an item shows.
type body interface {
	// draw returns the body as lines of at most w cells, at least one.
	draw(w int, th *theme, open bool) []string
	// text is the body as plain text, uncleaned: for copying and the pager.
	text() string
}

// touch says that the body has changed.
func (it *item) touch() { it.version++ }

func (it *item) lines(w int, th *theme) []string {
	d := &it.drawn
	if d.lines == nil || d.width != w || d.version != it.version || d.open != it.open || d.th != th {
		d.lines = it.draw(w, th, it.open)
		d.width, d.version, d.open, d.th = w, it.version, it.open, th
	}
	return d.lines
}

// folds reports whether folding makes a difference to the item.
func (it *item) folds() bool {
	switch it.body.(type) {
	case *call, *thought, *sealed:
		return true
	}
	return false
}

// under indents lines, with mark before the first and rest before the others.
func under(mark, rest string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		if i == 0 {
			out[i] = mark + l
			continue
		}
		out[i] = strings.TrimRight(rest+l, " ")
	}
	return out
}
