package compare

import (
	"iter"
	"strings"
	"time"
)

// mostDiff is how many bytes of one diff go into a line.
const mostDiff = 64 << 10

// The lines of the comparison for a program; docs/diff.md says what they mean.
type (
	lineSession struct {
		What      string    `json:"what"` // session
		Side      string    `json:"side"` // a, b
		ID        string    `json:"id"`
		Title     string    `json:"title"`
		Model     string    `json:"model"`
		StartedAt time.Time `json:"started_at"`
		Status    string    `json:"status"`
		Events    int64     `json:"events"`
	}
	lineItem struct {
		What    string  `json:"what,omitempty"` // setup, total; of a step's items: none
		Name    string  `json:"name"`
		Verdict string  `json:"verdict"`
		A       *string `json:"a,omitempty"`
		B       *string `json:"b,omitempty"`
		Diff    string  `json:"diff,omitempty"`
		Cut     bool    `json:"cut,omitempty"` // not all of the diff is there
		About   string  `json:"about,omitempty"`
	}
	lineStep struct {
		What    string     `json:"what"` // step
		Verdict string     `json:"verdict"`
		Kind    string     `json:"kind"`
		Title   string     `json:"title"`
		A       int64      `json:"a,omitempty"`
		B       int64      `json:"b,omitempty"`
		Items   []lineItem `json:"items,omitempty"`
	}
	lineResult struct {
		What    string `json:"what"` // result
		Same    bool   `json:"same"`
		Setup   int    `json:"setup"`
		Steps   int    `json:"steps"`
		Totals  int    `json:"totals"`
		Unknown int    `json:"unknown"`
		FirstA  int64  `json:"first_a,omitempty"`
		FirstB  int64  `json:"first_b,omitempty"`
	}
)

// Lines are the comparison for a program: values to be written as JSON, one a
// line, texts as they were recorded.
func (c *Comparison) Lines() iter.Seq[any] {
	return func(yield func(any) bool) {
		for i, s := range []*Session{c.a, c.b} {
			l := s.line
			if !yield(lineSession{"session", "ab"[i : i+1], l.ID, l.Title, l.Model, l.StartedAt, l.Status, l.Events}) {
				return
			}
		}
		for _, it := range c.setup {
			if !yield(it.line("setup")) {
				return
			}
		}
		for _, p := range c.steps {
			if !yield(p.line()) {
				return
			}
		}
		for _, it := range c.totals {
			if !yield(it.line("total")) {
				return
			}
		}
		r := lineResult{
			What: "result", Same: c.Same(), Setup: having(c.setup, differs), Totals: having(c.totals, differs),
			Steps: c.count[differs] + c.count[onlyA] + c.count[onlyB],
		}
		_, r.Unknown = c.amiss()
		if c.first >= 0 {
			r.FirstA, r.FirstB = c.steps[c.first].numbers()
		}
		yield(r)
	}
}

// numbers are those of the events that a step begins with; 0: it has none.
func (p pair) numbers() (a, b int64) {
	if p.a != nil {
		a = p.a.seq
	}
	if p.b != nil {
		b = p.b.seq
	}
	return a, b
}

func (p pair) line() lineStep {
	s := p.a
	if s == nil {
		s = p.b
	}
	l := lineStep{What: "step", Verdict: p.verdict, Kind: s.kind, Title: s.title()}
	l.A, l.B = p.numbers()
	for _, it := range p.items {
		l.Items = append(l.Items, it.line(""))
	}
	return l
}

// line has both texts where they are short, else their difference.
func (it item) line(what string) lineItem {
	l := lineItem{What: what, Name: it.name, Verdict: it.verdict, About: it.about()}
	if it.a.short() && it.b.short() {
		if it.a != nil {
			l.A = &it.a.text
		}
		if it.b != nil {
			l.B = &it.b.text
		}
		return l
	}
	if l.Diff = unified(it.show(it.a), it.show(it.b)); len(l.Diff) > mostDiff {
		l.Diff, l.Cut = strings.ToValidUTF8(l.Diff[:mostDiff], ""), true
	}
	return l
}
