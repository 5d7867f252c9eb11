package mask

import (
	"slices"
	"strings"
	"unicode"

	"glovebox/fakedata"
)

// pattern is a LIKE or GLOB pattern of a CHECK: what a value must begin and
// end with. Values that match it anywhere get pseudonyms that match it, so
// that a value has the same one in columns with and without the CHECK.
type pattern struct {
	begin, end []place
	open       bool // anything may be between the two
}

// place is one character of a pattern.
type place struct {
	set []rune // the only ones that can stand there; nil: any
}

// readPattern reads a pattern. One that says nothing of any character, or
// holds what is not understood, is not ok: SQLite then judges what comes out.
func readPattern(text string, glob bool) (p pattern, ok bool) {
	var parts [][]place
	cur := []place{}
	rs := []rune(text)
	for i := 0; i < len(rs); i++ {
		switch r := rs[i]; {
		case glob && r == '*' || !glob && r == '%':
			parts, cur = append(parts, cur), []place{}
		case glob && r == '?' || !glob && r == '_':
			cur = append(cur, place{})
		case glob && r == '[':
			end := slices.Index(rs[i:], ']')
			if end < 2 || rs[i+1] == '^' {
				return p, false
			}
			set := readSet(rs[i+1 : i+end])
			cur, ok = append(cur, place{set}), true
			i += end
		case !glob && unicode.IsLetter(r): // LIKE takes either case
			cur, ok = append(cur, place{[]rune{unicode.ToLower(r), unicode.ToUpper(r)}}), true
		default:
			cur, ok = append(cur, place{[]rune{r}}), true
		}
	}
	parts = append(parts, cur)
	p.begin, p.end, p.open = parts[0], parts[len(parts)-1], len(parts) > 1
	if !p.open {
		p.end = nil
	}
	return p, ok && len(p.begin)+len(p.end) > 0
}

func readSet(rs []rune) []rune {
	var out []rune
	for i := 0; i < len(rs); i++ {
		if i+2 < len(rs) && rs[i+1] == '-' {
			for r := rs[i]; r <= rs[i+2] && len(out) < 1000; r++ {
				out = append(out, r)
			}
			i += 2
			continue
		}
		out = append(out, rs[i])
	}
	return out
}

// at is the place of the i-th of n characters; nil: any will do.
func (p *pattern) at(i, n int) []rune {
	if i < len(p.begin) {
		return p.begin[i].set
	}
	if k := i - (n - len(p.end)); p.open && k >= 0 {
		return p.end[k].set
	}
	return nil
}

func (p *pattern) matches(rs []rune) bool {
	if n := len(p.begin) + len(p.end); len(rs) < n || !p.open && len(rs) != n {
		return false
	}
	for i, r := range rs {
		if set := p.at(i, len(rs)); set != nil && !slices.Contains(set, r) {
			return false
		}
	}
	return true
}

// draw draws a text of the shape of rs that matches, too.
func (p *pattern) draw(s *stream, rs []rune) string {
	low := []rune(strings.ToLower(string(rs)))
	out := []rune(drawShape(s, low, 0))
	for i := range out {
		switch set := p.at(i, len(out)); {
		case len(set) == 2 && unicode.ToLower(set[0]) == unicode.ToLower(set[1]):
			out[i] = rs[i]
		case set != nil:
			out[i] = choose(s, set)
		case unicode.IsUpper(rs[i]):
			out[i] = unicode.ToUpper(out[i])
		}
	}
	return string(out)
}

// spelt says that all words of the values are words of the patterns: a list
// that the schema itself holds.
func (c *columnSurvey) spelt(f fakedata.Fact) bool {
	if c.counts == nil || len(f.Patterns) == 0 || c.filled == 0 {
		return false
	}
	known := map[string]bool{}
	for _, p := range f.Patterns {
		eachWord(foldText(p), func(w string) { known[w] = true })
	}
	for v := range c.counts {
		all := true
		eachWord(foldText(v), func(w string) { all = all && known[w] })
		if !all {
			return false
		}
	}
	return true
}
