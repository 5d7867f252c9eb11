package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"glovebox/store"
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
	if s.doing == thinking || s.doing == running || s.doing == starting || s.doing == asking {
		doing = th.accent.Render(doing)
	}
	parts := []string{style.Render(seal), fit(doing, max(p.w-2-ansi.StringWidth(seal)-3, 10))}
	if !s.started.IsZero() {
		parts = append(parts, clock(now.Sub(s.started)))
	}
	parts = append(parts, p.meters()...)
	if s.model != "" {
		parts = append(parts, line(s.model))
	}
	return joinFitting(parts, th.faint.Render(" · "), p.w-2)
}

// meters say what was spent, and of how much. What is nearly used up stands out.
func (p *pane) meters() []string {
	s, th := p.story, p.desk.th
	meter := func(spent, limit string, share float64) string {
		text := spent
		if share > 0 {
			text += "/" + limit
		}
		if share >= 0.8 {
			return th.bad.Render(text)
		}
		return text
	}
	share := func(spent, limit float64) float64 {
		if limit <= 0 {
			return 0
		}
		return max(spent/limit, 1e-9)
	}
	var out []string
	if s.priced {
		usd, l := float64(s.pico)/1e12, s.limits.CostUSD
		text := meter(dollars(usd), dollars(l), share(usd, l))
		if s.notional {
			text += " notional"
		}
		out = append(out, text)
	}
	if !s.modelless() {
		turns := store.Plural(s.turns, "turn")
		if l := s.limits.Turns; l > 0 {
			turns = meter(fmt.Sprint(s.turns), fmt.Sprint(l)+" turns", share(float64(s.turns), float64(l)))
		}
		out = append(out, turns)
	}
	if s.tokens > 0 {
		out = append(out, meter(count(s.tokens), count(s.limits.Tokens), share(float64(s.tokens), float64(s.limits.Tokens)))+" tokens")
	}
	return out
}

func dollars(usd float64) string {
	if usd > 0 && usd < 0.01 {
		return fmt.Sprintf("$%.4f", usd)
	}
	return fmt.Sprintf("$%.2f", usd)
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

// modelless tells sessions in which no model takes part: reruns and the like.
func (s *story) modelless() bool { return s.model != "" && !s.sum.HasModel() }

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
	case thinking:
		if s.modelless() {
			words = "at work"
		}
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
