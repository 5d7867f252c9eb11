package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"glovebox/store"
)

// readable bounds the width of prose: longer lines are hard to read.
func readable(w int) int { return min(w, 110) }

// prompt is what the person asked.
type prompt struct{ said string }

func (p *prompt) text() string { return p.said }

func (p *prompt) draw(w int, th *theme, _ bool) []string {
	lines := wrap(clean(p.said), readable(w-2), true)
	for i := range lines {
		lines[i] = th.bold.Render(lines[i])
	}
	return under(th.accent.Render("›")+" ", "  ", lines)
}

// answer is what the model said; while it streams, plain text.
type answer struct {
	said string
	live *stream // nil once the answer is whole
}

func (a *answer) text() string {
	if a.live != nil {
		return a.live.all.String()
	}
	return a.said
}

func (a *answer) draw(w int, th *theme, _ bool) []string {
	if a.live != nil {
		return a.live.lines(readable(w))
	}
	return th.md.lines(clean(a.said), readable(w))
}

// thought is the model's reasoning, folded unless asked for.
type thought struct {
	said string
	live *stream
}

func (t *thought) text() string {
	if t.live != nil {
		return t.live.all.String()
	}
	return t.said
}

func (t *thought) draw(w int, th *theme, open bool) []string {
	if !open && t.live != nil {
		return []string{th.faint.Render("▸ reasoning…")}
	}
	var lines []string
	if t.live != nil {
		lines = t.live.lines(readable(w - 2))
	} else {
		lines = wrap(clean(t.said), readable(w-2), true)
	}
	if !open {
		return []string{fit(th.faint.Render("▸ reasoning · "+store.Plural(len(lines), "line")), w)}
	}
	out := []string{fit(th.faint.Render("▾ reasoning"), w)}
	for _, l := range lines {
		out = append(out, th.faint.Render(strings.TrimRight("  "+l, " ")))
	}
	return out
}

// streamLine is where a streaming line without an end is broken anyway, so
// that a piece never costs more than this to lay out.
const streamLine = 4096

// stream is text that is still arriving. Lines that are whole are laid out once.
type stream struct {
	all   strings.Builder
	width int
	done  []string // whole lines, laid out for width
	seen  int      // bytes of all that done covers
}

func (s *stream) add(piece string) { s.all.WriteString(piece) }

func (s *stream) lines(w int) []string {
	if s.width != w {
		s.width, s.done, s.seen = w, nil, 0
	}
	rest := s.all.String()[s.seen:]
	for {
		i := strings.IndexByte(rest, '\n')
		whole := i + 1
		if i < 0 {
			if len(rest) < streamLine {
				break
			}
			whole = len(cut(rest, streamLine))
			i = whole
		}
		s.done = append(s.done, wrap(clean(rest[:i]), w, true)...)
		s.seen += whole
		rest = rest[whole:]
	}
	if rest == "" && len(s.done) > 0 {
		return s.done
	}
	return append(s.done[:len(s.done):len(s.done)], wrap(clean(rest), w, true)...)
}

// note is one line about the session itself.
type note struct {
	mark string // "✓", "✗", "●", "◌", "■"
	bad  bool
	said string
	more string // shown below, in full

	about int64 // the step that a person has noted this on
}

func (n *note) text() string {
	return strings.TrimSpace(n.mark + " " + n.said + "\n" + n.more)
}

func (n *note) draw(w int, th *theme, _ bool) []string {
	style := th.faint
	if n.bad {
		style = th.bad
	}
	lines := wrap(clean(n.said), w-2, true)
	for i := range lines {
		lines[i] = style.Render(lines[i])
	}
	out := under(style.Render(n.mark)+strings.Repeat(" ", 2-ansi.StringWidth(n.mark)), "  ", lines)
	if n.more != "" {
		for _, l := range wrap(clean(n.more), w-2, true) {
			out = append(out, strings.TrimRight("  "+l, " "))
		}
	}
	return out
}
