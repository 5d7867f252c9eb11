package compare

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// An anchor is a place in two sequences that belongs together.
type anchor struct{ x, y int }

// match finds which steps of b stand for which of a: first those that say the
// same, then, between these, those that are alike, at last those of one kind.
func match(a, b []step) []anchor {
	if later(a, b) { // so that A and B may change places, and all else stays
		found := match(b, a)
		for i, m := range found {
			found[i] = anchor{m.y, m.x}
		}
		return found
	}
	found := []anchor{}
	for _, key := range []func(*step) [sha256.Size]byte{(*step).exactly, (*step).alike, (*step).sort} {
		numbers := map[[sha256.Size]byte]int32{}
		number := func(steps []step) []int32 {
			out := make([]int32, len(steps))
			for i := range steps {
				k := key(&steps[i])
				n, ok := numbers[k]
				if !ok {
					n = int32(len(numbers))
					numbers[k] = n
				}
				out[i] = n
			}
			return out
		}
		found = fill(number(a), number(b), found)
	}
	return found
}

// later puts one of two sequences of steps first, by what they say.
func later(a, b []step) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	for i := range a {
		x, y := a[i].exactly(), b[i].exactly()
		if c := bytes.Compare(x[:], y[:]); c != 0 {
			return c > 0
		}
	}
	return false
}

// fill adds anchors in the gaps between those that are there.
func fill(x, y []int32, found []anchor) []anchor {
	var all []anchor
	at := anchor{}
	for _, m := range append(found, anchor{len(x), len(y)}) {
		for _, in := range align(x[at.x:m.x], y[at.y:m.y], 0) {
			all = append(all, anchor{at.x + in.x, at.y + in.y})
		}
		if m.x < len(x) {
			all = append(all, m)
		}
		at = anchor{m.x + 1, m.y + 1}
	}
	return all
}

// The bounds of align: cells of a table, and how often anchors are sought
// between anchors.
const (
	maxCells = 1 << 20
	maxDepth = 8
)

// align finds a common subsequence of x and y, in order. It is a longest one
// where their lengths multiply to at most maxCells. Beyond, what stands once in
// both anchors it, and where nothing does, the first of a kind is held to be the
// first of the other, and so on: n log n, whatever is in them.
func align(x, y []int32, depth int) (out []anchor) {
	from, toX, toY := 0, len(x), len(y)
	for from < toX && from < toY && x[from] == y[from] {
		out = append(out, anchor{from, from})
		from++
	}
	for toX > from && toY > from && x[toX-1] == y[toY-1] {
		toX, toY = toX-1, toY-1
	}
	mx, my := x[from:toX], y[from:toY]
	var middle []anchor
	switch {
	case len(mx) == 0 || len(my) == 0:
	case len(mx)*len(my) <= maxCells:
		middle = longest(mx, my)
	default:
		middle = between(mx, my, anchors(mx, my), depth)
	}
	for _, m := range middle {
		out = append(out, anchor{from + m.x, from + m.y})
	}
	for i := range len(x) - toX {
		out = append(out, anchor{toX + i, toY + i})
	}
	return out
}

// between aligns what lies between anchors.
func between(x, y []int32, fixed []anchor, depth int) (out []anchor) {
	at := anchor{}
	for _, m := range append(fixed, anchor{len(x), len(y)}) {
		gx, gy := x[at.x:m.x], y[at.y:m.y]
		if depth < maxDepth && len(fixed) > 0 || len(gx)*len(gy) <= maxCells {
			for _, in := range align(gx, gy, depth+1) {
				out = append(out, anchor{at.x + in.x, at.y + in.y})
			}
		}
		if m.x < len(x) {
			out = append(out, m)
		}
		at = anchor{m.x + 1, m.y + 1}
	}
	return out
}

// longest is a longest common subsequence, by a table.
func longest(x, y []int32) (out []anchor) {
	w := len(y) + 1
	table := make([]int32, (len(x)+1)*w)
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				table[i*w+j] = table[(i+1)*w+j+1] + 1
			} else {
				table[i*w+j] = max(table[(i+1)*w+j], table[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] == y[j]:
			out = append(out, anchor{i, j})
			i, j = i+1, j+1
		case table[(i+1)*w+j] >= table[i*w+j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// anchors pairs what stands once in both; where there is no such thing, the
// n-th of a kind in x with the n-th in y. Of these pairs it keeps the most that
// are in order.
func anchors(x, y []int32) []anchor {
	inX, inY := map[int32][]int{}, map[int32][]int{}
	for i, n := range x {
		inX[n] = append(inX[n], i)
	}
	for i, n := range y {
		inY[n] = append(inY[n], i)
	}
	var once, all []anchor
	for n, at := range inX {
		if len(at) == 1 && len(inY[n]) == 1 {
			once = append(once, anchor{at[0], inY[n][0]})
		}
		for i := range min(len(at), len(inY[n])) {
			all = append(all, anchor{at[i], inY[n][i]})
		}
	}
	if len(once) > 0 {
		all = once
	}
	slices.SortFunc(all, func(a, b anchor) int { return a.x - b.x })
	return ascending(all)
}

// ascending keeps the most of pairs, which are in the order of x and of which no
// two have the same y, that are in the order of y, too.
func ascending(pairs []anchor) []anchor {
	var ends []int // of the best chain of each length: the index of its end
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n := sort.Search(len(ends), func(n int) bool { return pairs[ends[n]].y >= p.y })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	out := make([]anchor, len(ends))
	if len(ends) > 0 {
		for at, i := len(ends)-1, ends[len(ends)-1]; at >= 0; at, i = at-1, before[i] {
			out[at] = pairs[i]
		}
	}
	return out
}

// exactly is the key of steps that say the same.
func (s *step) exactly() [sha256.Size]byte {
	sum := sha256.Sum256(nil)
	if len(s.facts) > 0 {
		sum = s.facts[0].value.digest()
	}
	return hash(s.kind, s.tool, string(sum[:]))
}

// alike is the key of calls that begin alike: the same program, the same file.
func (s *step) alike() [sha256.Size]byte {
	if s.tool == "" || len(s.facts) == 0 || s.fixed {
		return s.exactly()
	}
	var args map[string]json.RawMessage
	var text string
	if json.Unmarshal([]byte(s.facts[0].value.text), &args) != nil {
		return s.exactly()
	}
	for _, name := range []string{"command", "query", "path", "url"} {
		if json.Unmarshal(args[name], &text) == nil && text != "" {
			word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
			return hash(s.kind, s.tool, name, word)
		}
	}
	return s.exactly()
}

// sort is the key of steps of one kind.
func (s *step) sort() [sha256.Size]byte {
	if s.fixed {
		return s.exactly()
	}
	return hash(s.kind, s.tool)
}

// hash is the digest of several texts, each apart.
func hash(parts ...string) [sha256.Size]byte {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:%s", len(p), p)
	}
	return sha256.Sum256([]byte(b.String()))
}
