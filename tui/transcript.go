package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// gutter is what the transcript keeps free at its left for the focus mark.
const gutter = 2

// transcript is a list of items of any height, of which it lays out no more
// than what is on the screen. While follow is set it sticks to the end.
type transcript struct {
	items   []*item
	th      *theme
	w, h    int
	top     int  // the first item on the screen …
	skip    int  // … and how many of its lines are above the screen
	focus   int  // index of the focused item
	reading bool // the person moves the focus; then only the last item is followed
	follow  bool
	fresh   bool // something came while not following
}

// setSize says how much room there is, in cells.
func (t *transcript) setSize(w, h int) {
	t.w, t.h = max(w, gutter+8), max(h, 1)
	t.settle()
}

// setItems replaces the items. It is called after every change of them.
func (t *transcript) setItems(items []*item, changed bool) {
	atEnd := t.focus >= len(t.items)-1
	t.items = items
	t.focus = min(t.focus, max(len(items)-1, 0))
	if t.follow && atEnd {
		t.focus = max(len(items)-1, 0)
	}
	t.fresh = t.fresh || changed
	t.settle()
}

func (t *transcript) lines(i int) []string { return t.items[i].lines(t.w-gutter, t.th) }

// gap is the number of empty lines before item i.
func (t *transcript) gap(i int) int {
	if i == 0 || quiet(t.items[i]) && quiet(t.items[i-1]) {
		return 0
	}
	return 1
}

// quiet items stand close together.
func quiet(it *item) bool {
	switch b := it.body.(type) {
	case *sealed:
		return true
	case *note:
		return b.more == ""
	}
	return false
}

func (t *transcript) height(i int) int { return t.gap(i) + len(t.lines(i)) }

// settle puts the position right after items, heights or the room have changed.
func (t *transcript) settle() {
	if len(t.items) == 0 {
		t.top, t.skip, t.fresh = 0, 0, false
		t.follow = true
		return
	}
	if t.top >= len(t.items) {
		t.top, t.skip = len(t.items)-1, 0
	}
	t.skip = min(t.skip, t.height(t.top)-1)
	held := t.reading && t.focus < len(t.items)-1
	if t.follow && !held || !t.below(0) {
		t.toEnd()
		return
	}
	t.follow = false
}

// below reports whether more than n lines lie below the screen.
func (t *transcript) below(n int) bool {
	left := t.h + n + t.skip
	for i := t.top; i < len(t.items); i++ {
		if left -= t.height(i); left < 0 {
			return true
		}
	}
	return false
}

// toEnd shows the last lines and follows from now on.
func (t *transcript) toEnd() {
	t.follow, t.fresh = true, false
	left := t.h
	for t.top = len(t.items); t.top > 0 && left > 0; {
		t.top--
		left -= t.height(t.top)
	}
	t.skip = max(-left, 0)
}

// toStart shows the first lines.
func (t *transcript) toStart() {
	t.top, t.skip, t.focus, t.follow = 0, 0, 0, false
	t.settle()
}

// scroll moves by n lines, downwards if positive.
func (t *transcript) scroll(n int) {
	if len(t.items) == 0 {
		return
	}
	t.skip += n
	t.follow = false
	for t.skip < 0 && t.top > 0 {
		t.top--
		t.skip += t.height(t.top)
	}
	t.skip = max(t.skip, 0)
	for t.top < len(t.items)-1 && t.skip >= t.height(t.top) {
		t.skip -= t.height(t.top)
		t.top++
	}
	t.settle()
	t.focusOnScreen()
}

// focusOnScreen moves the focus to an item that can be seen.
func (t *transcript) focusOnScreen() {
	first, last := t.top, t.top
	for room := t.h + t.skip - t.height(t.top); room > 0 && last < len(t.items)-1; {
		last++
		room -= t.height(last)
	}
	t.focus = min(max(t.focus, first), last)
}

// move moves the focus to the next or previous item; within an item taller
// than the screen it scrolls first.
func (t *transcript) move(down bool) {
	if len(t.items) == 0 {
		return
	}
	start, end := t.place(t.focus)
	step := max(t.h/2, 1)
	switch {
	case down && end > t.h:
		t.scrollKeeping(min(step, end-t.h))
	case !down && start < 0:
		t.scrollKeeping(-min(step, -start))
	case down && t.focus < len(t.items)-1:
		t.focusOn(t.focus + 1)
	case !down && t.focus > 0:
		t.focusOn(t.focus - 1)
	case !down:
		t.scrollKeeping(-1)
	}
}

func (t *transcript) scrollKeeping(n int) {
	focus := t.focus
	t.scroll(n)
	t.focus = focus
}

// focusOn puts the focus on item i and brings as much of it as possible on the screen.
func (t *transcript) focusOn(i int) {
	if i < 0 || i >= len(t.items) {
		return
	}
	t.focus = i
	start, end := t.place(i)
	switch {
	case start < 0:
		t.scrollKeeping(start)
	case end > t.h:
		t.scrollKeeping(min(end-t.h, start))
	}
}

// place returns on which screen lines item i begins and ends (exclusive). It
// walks from the top of the screen: far away it is only told roughly, and put
// there without walking by moving the top.
func (t *transcript) place(i int) (start, end int) {
	if i < t.top-t.h || i > t.top+t.h {
		t.top, t.skip, t.follow = i, 0, false
		t.settle()
	}
	pos := -t.skip
	for j := t.top; j < i; j++ {
		pos += t.height(j)
	}
	for j := t.top; j > i; j-- {
		pos -= t.height(j - 1)
	}
	return pos + t.gap(i), pos + t.height(i)
}

// focused is the focused item, or nil.
func (t *transcript) focused() *item {
	if t.focus < len(t.items) {
		return t.items[t.focus]
	}
	return nil
}

// fold folds or unfolds the focused item.
func (t *transcript) fold() {
	if it := t.focused(); it != nil && it.folds() {
		it.open = !it.open
		t.refold()
	}
}

// reveal unfolds the focused item, and brings the first line of it that holds a
// word on the screen.
func (t *transcript) reveal(word string) {
	it := t.focused()
	if it == nil {
		return
	}
	it.open = it.open || it.folds()
	t.refold()
	at := slices.IndexFunc(t.lines(t.focus), func(l string) bool {
		return strings.Contains(strings.ToLower(ansi.Strip(l)), strings.ToLower(word))
	})
	start, _ := t.place(t.focus)
	if at = max(at, 0); word != "" && (start+at < 0 || start+at >= t.h) {
		t.scrollKeeping(start + at - t.h/3)
	}
}

// foldAll unfolds all items if any is folded, else folds all.
func (t *transcript) foldAll() {
	open := false
	for _, it := range t.items {
		open = open || it.folds() && !it.open
	}
	for _, it := range t.items {
		it.open = open && it.folds()
	}
	t.refold()
}

func (t *transcript) refold() {
	if len(t.items) == 0 {
		return
	}
	follow := t.follow
	t.follow = false
	t.settle()
	if follow {
		t.toEnd()
	}
	if start, _ := t.place(t.focus); start < 0 {
		t.scrollKeeping(start)
	}
}

// view draws exactly h lines; marked says whether to show the focus.
func (t *transcript) view(marked bool) []string {
	out := make([]string, 0, t.h)
	skip := t.skip
	for i := t.top; i < len(t.items) && len(out) < t.h; i++ {
		mark := "  "
		if marked && i == t.focus {
			mark = t.th.accent.Render("┃") + " "
		}
		for range t.gap(i) {
			if skip--; skip < 0 && len(out) < t.h {
				out = append(out, "")
			}
		}
		lines := t.lines(i)
		from := min(max(skip, 0), len(lines))
		skip = max(skip-len(lines), 0)
		for _, l := range lines[from:min(from+t.h-len(out), len(lines))] {
			out = append(out, strings.TrimRight(mark+l, " "))
		}
	}
	for len(out) < t.h {
		out = append(out, "")
	}
	return out
}
