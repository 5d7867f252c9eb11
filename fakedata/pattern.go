package fakedata

import "math"

// shape is a LIKE or GLOB pattern as a sequence of places, each with the
// characters that may stand there. % and * stand for nothing, except where the
// pattern ends in one and values must differ: there a number follows.
type shape struct {
	places [][]rune
	open   bool  // ends in % or *
	size   int64 // different texts of this shape, at most MaxRows
}

func newShape(pattern string, glob bool) shape {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	out := shape{size: 1}
	rs := []rune(pattern)
	for k := 0; k < len(rs); k++ {
		switch r := rs[k]; {
		case r == '%' && !glob || r == '*' && glob:
			out.open = k == len(rs)-1
			if k > 0 && !out.open {
				out.places = append(out.places, []rune("aeiou"))
			}
		case r == '_' && !glob || r == '?' && glob:
			out.places = append(out.places, []rune(letters))
		case r == '[' && glob:
			end := k + 1
			for end < len(rs) && rs[end] != ']' {
				end++
			}
			out.places = append(out.places, charset(rs[k+1:min(end, len(rs))]))
			k = end
		default:
			out.places = append(out.places, []rune{r})
		}
	}
	for _, p := range out.places {
		if out.size *= int64(len(p)); out.size >= MaxRows {
			out.size = MaxRows
			break
		}
	}
	if out.open {
		out.size = MaxRows
	}
	return out
}

// charset lists the characters of a GLOB set such as A-Z0-9.
func charset(set []rune) []rune {
	var all []rune
	for k := 0; k < len(set); k++ {
		if k+2 < len(set) && set[k+1] == '-' && set[k] <= set[k+2] && set[k+2]-set[k] < 512 {
			for r := set[k]; r <= set[k+2]; r++ {
				all = append(all, r)
			}
			k += 2
			continue
		}
		all = append(all, set[k])
	}
	if len(all) == 0 || all[0] == '^' {
		return []rune("x")
	}
	return all
}

// text is the n-th text of the shape.
func (s shape) text(n int64) string {
	out := make([]rune, len(s.places))
	for k := len(s.places) - 1; k >= 0; k-- {
		size := int64(len(s.places[k]))
		out[k] = s.places[k][n%size]
		n /= size
	}
	return string(out)
}

// patternMaker makes text that matches one of a column's patterns.
func (t *table) patternMaker(c *column) func(i int64) any {
	var shapes []shape
	for _, p := range c.dom.patterns {
		shapes = append(shapes, newShape(p, c.dom.glob))
	}
	if c.unique {
		first := shapes[0]
		return func(i int64) any {
			if first.open {
				return c.withNumber(first.text(0), "", i)
			}
			return first.text(permute(c.key, i, first.size))
		}
	}
	return func(i int64) any {
		s := t.draw(c, i)
		return choose(s, shapes).text(s.n(math.MaxInt64))
	}
}
