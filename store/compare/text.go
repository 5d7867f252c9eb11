package compare

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
)

// What is shown at most on a screen, and of one text anywhere.
const (
	screenSteps = 50
	screenItems = 30
	screenLines = 20  // of one text
	screenRoom  = 200 // lines; after them it is but said of steps in what they differ
	mostLines   = 1000
)

// WriteText writes the comparison for a person. Width is that of a screen, in
// columns, on which lines, texts and lists are cut to what can be taken in at a
// glance; 0: everything is written, but of one text at most mostLines lines.
// Whatever is in the sessions is sanitised and indented: a line that begins in
// the first column is glovebox's own.
func (c *Comparison) WriteText(w io.Writer, width int) error {
	const all = math.MaxInt
	p := &page{w: bufio.NewWriter(w), width: width, lines: mostLines, items: all, steps: all, room: all}
	if width > 0 {
		p.width, p.lines, p.items, p.steps, p.room = max(width, 40), screenLines, screenItems, screenSteps, screenRoom
	}
	c.head(p)
	c.writeSetup(p)
	c.course(p)
	c.writeTotals(p)
	p.line("")
	p.line("%s", c.conclusion())
	return p.w.Flush()
}

func (c *Comparison) head(p *page) {
	var open []string
	for i, s := range []*Session{c.a, c.b} {
		side := "AB"[i : i+1]
		p.line("%s  %s  %s  %s  %s", side, s.line.ID, s.line.StartedAt.Format("2006-01-02 15:04:05 UTC"), s.line.Status, s.line.Model)
		if s.line.Title != "" {
			p.line("   %s", s.line.Title)
		}
		if s.line.Status == "running" {
			open = append(open, side)
		}
	}
	for _, side := range open {
		p.line("%s has not ended: it is compared as far as it goes", side)
	}
}

func (c *Comparison) writeSetup(p *page) {
	p.line("")
	if len(c.setup) == 0 {
		p.line("set-up: the same")
		return
	}
	p.line("set-up: %s", counted(having(c.setup, differs), having(c.setup, unknown)))
	p.list(c.setup)
}

func counted(differ, unknown int) string {
	var parts []string
	if differ > 0 {
		parts = append(parts, fmt.Sprintf("%d different", differ))
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d not known", unknown))
	}
	return strings.Join(parts, ", ")
}

func (c *Comparison) course(p *page) {
	p.line("")
	p.line("course: %s", c.courseCount())
	if c.first >= 0 {
		f := c.steps[c.first]
		switch f.verdict {
		case onlyA:
			p.line("first difference: A %d is not in B: %s", f.a.seq, f.a.title())
		case onlyB:
			p.line("first difference: B %d is not in A: %s", f.b.seq, f.b.title())
		default:
			p.line("first difference: A %d, B %d: %s of %s", f.a.seq, f.b.seq, firstOf(f.items), f.a.title())
		}
	}
	shown, left, alike := 0, 0, 0
	for i, s := range c.steps {
		if s.verdict == same {
			if alike++; i+1 < len(c.steps) && c.steps[i+1].verdict == same {
				continue
			}
			if from := c.steps[i+1-alike]; shown < p.steps && alike < len(c.steps) {
				p.line("  %s: the same", run(from, s))
			}
			alike = 0
			continue
		}
		if shown == p.steps {
			left++
			continue
		}
		shown++
		c.step(p, s)
	}
	if left > 0 {
		p.line("  … %d more steps that are not the same; into a pipe, all of them are written", left)
	}
}

// run names a run of steps that are the same.
func run(from, to pair) string {
	if from.a == to.a {
		return fmt.Sprintf("A %d, B %d", to.a.seq, to.b.seq)
	}
	return fmt.Sprintf("A %d to %d, B %d to %d", from.a.seq, to.a.seq, from.b.seq, to.b.seq)
}

func firstOf(items []item) string {
	for _, it := range items {
		if it.verdict == differs {
			return it.name
		}
	}
	return "something"
}

func (c *Comparison) courseCount() string {
	if len(c.steps) == 0 {
		return "no step in either"
	} else if c.count[same] == len(c.steps) {
		return fmt.Sprintf("the same, in %s", things(len(c.steps), "step"))
	}
	var parts []string
	for _, v := range []struct{ verdict, words string }{
		{same, "%d the same"}, {differs, "%d different"}, {unknown, "%d not known"}, {onlyA, "%d only in A"}, {onlyB, "%d only in B"},
	} {
		if n := c.count[v.verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf(v.words, n))
		}
	}
	return strings.Join(parts, ", ")
}

// step writes one that is not the same.
func (c *Comparison) step(p *page, s pair) {
	switch s.verdict {
	case onlyA:
		p.line("- A %d  %s", s.a.seq, s.a.title())
		p.ill(s.a)
		return
	case onlyB:
		p.line("+ B %d  %s", s.b.seq, s.b.title())
		p.ill(s.b)
		return
	}
	p.line("%s A %d, B %d  %s", sign(s.verdict), s.a.seq, s.b.seq, s.a.title())
	if p.room <= 0 {
		var names []string
		for _, it := range s.items {
			names = append(names, it.name)
		}
		p.line("    %s", strings.Join(names, ", "))
		return
	}
	for i, it := range s.items {
		switch {
		case i == screenItems && p.width > 0:
			p.line("    … %d more", len(s.items)-i)
			return
		case it.name == "text" && s.a == c.a.final() && s.b == c.b.final():
			p.line("    text: see the %s below", finalAnswer)
		case it.name == "reasoning" && p.width > 0:
			p.line("    reasoning: %s", cmp.Or(it.about(), "it differs"))
		default:
			p.item("    ", it)
		}
	}
}

// ill says of a step that stands alone whether it went ill.
func (p *page) ill(s *step) {
	for _, f := range s.facts {
		text := f.value.text
		if f.name == "decision" && !strings.HasPrefix(text, "allow ") || f.name == "outcome" && text != "done" && text != "exit 0" || f.name == "error" {
			p.line("    %s: %s", f.name, clip(text))
		}
	}
}

func sign(verdict string) string {
	return map[string]string{differs: "~", unknown: "?"}[verdict]
}

// final is the step of the last thing that the model said, or nil.
func (s *Session) final() *step {
	if s.last < 0 {
		return nil
	}
	return &s.steps[s.last]
}

func (c *Comparison) writeTotals(p *page) {
	p.line("")
	width := cmp.Or(p.width, 80)
	const names = 18
	cell := (width - names - 4) / 2
	row := func(sign, name, a, b string) {
		a = ansi.Truncate(store.CleanLine(a), cell-1, "…")
		p.line("%-2s%-*s  %s%s%s", sign, names, name, a, strings.Repeat(" ", cell-ansi.StringWidth(a)), b)
	}
	row("", "totals", "A", "B")
	var long []item
	for _, it := range c.totals {
		a, b := it.show(it.a), it.show(it.b)
		switch {
		case it.verdict == same && (a == "0" || a == "" || it.name == finalAnswer || strings.HasPrefix(it.name, "file ") || strings.HasPrefix(it.name, "event ")):
		case it.name != finalAnswer && it.about() == "" && fits(a, cell-1) && fits(b, cell) && len(it.name) <= names:
			row(sign(it.verdict), it.name, cmp.Or(a, "-"), cmp.Or(b, "-"))
		default:
			long = append(long, it)
		}
	}
	for i, it := range long {
		if i == p.items {
			p.line("    … %d more", len(long)-i)
			return
		}
		p.item(fmt.Sprintf("%-2s", sign(it.verdict)), it)
	}
}

func (c *Comparison) conclusion() string {
	if c.Same() {
		return "the same in everything but times and IDs"
	}
	d, n := c.amiss()
	switch {
	case d == 0:
		return fmt.Sprintf("not known to be the same: %s cannot be compared", things(n, "thing"))
	case n == 0:
		return fmt.Sprintf("they differ in %s", things(d, "thing"))
	}
	return fmt.Sprintf("they differ in %s; %d more cannot be compared", things(d, "thing"), n)
}

func things(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// title is a step on one line.
func (s *step) title() string {
	what := &s.facts[0].value
	if s.kind != (store.ToolCall{}).Kind() {
		word := map[string]string{store.ModelResponse{}.Kind(): "model", store.Egress{}.Kind(): "network"}[s.kind]
		text := item{}.show(what)
		if text == "" && len(s.facts) > 1 {
			text = s.facts[1].name
		}
		first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
		if rest != "" {
			first += " …"
		}
		return fmt.Sprintf("%s: %s", cmp.Or(word, s.kind), clip(first))
	}
	if what.sum != nil {
		return fmt.Sprintf("call %s: %d bytes of arguments", s.tool, what.size)
	}
	var b strings.Builder
	store.WriteText(&b, store.Event{Body: store.ToolCall{Tool: s.tool, Arguments: json.RawMessage(what.text)}}) //nolint:errcheck // a strings.Builder takes everything
	first, rest, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	if strings.HasSuffix(first, ":") && rest != "" {
		next, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
		first += " " + next + " …"
	}
	return clip(first)
}

// clip keeps the beginning of a line.
func clip(line string) string {
	if len(line) <= 300 {
		return line
	}
	return strings.ToValidUTF8(line[:300], "") + "…"
}
