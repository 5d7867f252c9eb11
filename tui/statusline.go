package tui

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// statusLine is the last but one line of a session's screen. What matters most
// comes first; what does not fit is left out.
func (p *pane) statusLine(now time.Time) string {
	th, s := p.desk.th, p.story
	seal := s.sealWords(p.w < 60)
	style := th.faint
	switch seal[:strings.IndexByte(seal, ' ')] {
	case "●":
		style = th.good
	case "✗":
		style = th.bad
	}
	doing := s.doingWords()
	if s.doing == thinking || s.doing == running || s.doing == starting {
		doing = th.accent.Render(doing)
	}
	parts := []string{style.Render(seal), doing}
	if !s.started.IsZero() {
		parts = append(parts, clock(now.Sub(s.started)))
	}
	parts = append(parts, plural(s.turns, "turn"))
	if s.tokens > 0 {
		parts = append(parts, count(s.tokens)+" tokens")
	}
	if s.model != "" {
		parts = append(parts, line(s.model))
	}
	return joinFitting(parts, th.faint.Render(" · "), p.w-2)
}

// joinFitting joins as many parts as there is room for; the first is cut if it alone is too long.
func joinFitting(parts []string, sep string, w int) string {
	out := fit(parts[0], w)
	for _, part := range parts[1:] {
		if ansi.StringWidth(out)+ansi.StringWidth(sep)+ansi.StringWidth(part) > w {
			continue
		}
		out += sep + part
	}
	return " " + out
}

// sealWords says how the box stands, for short.
func (s *story) sealWords(brief bool) string {
	proven, open := sealOf(s.seal)
	switch {
	case s.box == "":
		return "○ no box yet"
	case s.box == "destroyed":
		return "○ box destroyed"
	case len(open) > 0:
		return "✗ NOT sealed: " + strings.Join(open, " ")
	case brief:
		return "● sealed"
	}
	return "● sealed: " + strings.Join(proven, " ")
}

// doingWords says what the session is doing.
func (s *story) doingWords() string {
	words := s.doing
	switch s.doing {
	case running:
		words = "running " + line(s.tool)
	case ended:
		words = "ended: " + line(s.ending.Status)
	}
	if s.notice != "" {
		words += ": " + line(s.notice)
	}
	return words
}
