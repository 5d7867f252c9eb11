// Package compare holds two recorded sessions side by side and says what differs.
//
// It takes events in and gives a comparison out; it runs nothing, opens nothing
// and trusts nothing. It promises:
//
//   - Times and IDs (of sessions, calls, boxes, containers; who it was that
//     decided; the port of a scripted model) are not compared, and notes are not
//     part of a session. Everything else that was recorded is.
//   - Steps are aligned by what they say, not by where they stand, and every step
//     of both sessions appears exactly once, in its order.
//   - "Same" is said only of what is known to be so. Where something was taken
//     out of a text (redacted), or its middle was never recorded, it is unknown.
//   - Time and memory grow with the length of the sessions, whatever is in them:
//     of texts at most maxTexts bytes a session are held, the rest as digests.
//   - Nothing is shown but through store.Clean.
//
// Begin with Read (read.go: what the steps of a session are), then Compare, and
// align.go. docs/diff.md says what the output means.
package compare

import (
	"cmp"
	"strings"
)

// Verdicts.
const (
	same    = "same"
	differs = "differs"
	unknown = "unknown"      // something is not there to be compared
	onlyA   = "only_a"       // of a step
	onlyB   = "only_b"       // of a step
	aside   = "not_compared" // told, and no difference: times
)

// A Comparison is what differs between two sessions, A and B. It does not
// change, and is safe for concurrent use.
type Comparison struct {
	a, b          *Session
	setup, totals []item
	steps         []pair
	count         map[string]int // steps by verdict
	first         int            // of steps: the first that differs or stands alone, -1: none
}

// An item is a fact of both.
type item struct {
	name, verdict string
	again         bool   // it may say what another of the name says
	a, b          *value // nil: it has none
}

// A pair is a step of A and what stands for it in B. One of them may be nil.
type pair struct {
	a, b    *step
	verdict string
	items   []item // of a pair: all that is not the same
}

// Compare holds b against a. Both are only read.
func Compare(a, b *Session) *Comparison {
	c := &Comparison{a: a, b: b, setup: distinct(compareFacts(a.setup, b.setup)), totals: compareFacts(a.totals, b.totals), count: map[string]int{}, first: -1}
	x, y := 0, 0
	add := func(p pair) {
		c.count[p.verdict]++
		if c.first < 0 && p.verdict != same && p.verdict != unknown {
			c.first = len(c.steps)
		}
		c.steps = append(c.steps, p)
	}
	alone := func(toX, toY int) {
		for ; x < toX; x++ {
			add(pair{a: &a.steps[x], verdict: onlyA})
		}
		for ; y < toY; y++ {
			add(pair{b: &b.steps[y], verdict: onlyB})
		}
	}
	for _, m := range match(a.steps, b.steps) {
		alone(m.x, m.y)
		p := pair{a: &a.steps[x], b: &b.steps[y], verdict: same}
		for _, it := range compareFacts(p.a.facts, p.b.facts) {
			if it.verdict != same {
				p.items = append(p.items, it)
				p.verdict = worse(p.verdict, it.verdict)
			}
		}
		add(p)
		x, y = x+1, y+1
	}
	alone(len(a.steps), len(b.steps))
	return c
}

// Same says whether the two are known to be the same in everything that is
// neither a time nor an ID.
func (c *Comparison) Same() bool {
	differ, notKnown := c.amiss()
	return differ+notKnown == 0
}

// amiss counts what differs, and what is not known.
func (c *Comparison) amiss() (differ, notKnown int) {
	differ = having(c.setup, differs) + having(c.totals, differs) + c.count[differs] + c.count[onlyA] + c.count[onlyB]
	return differ, having(c.setup, unknown) + having(c.totals, unknown) + c.count[unknown]
}

// having counts the items that have a verdict.
func having(items []item, verdict string) (n int) {
	for _, it := range items {
		if it.verdict == verdict {
			n++
		}
	}
	return n
}

func worse(a, b string) string {
	if a == differs || b == differs {
		return differs
	}
	if a == unknown || b == unknown {
		return unknown
	}
	return same
}

// compareFacts holds facts of the same name against each other, the first of a
// name against the first, the second against the second.
func compareFacts(a, b []fact) []item {
	where := make(map[string][]int, len(b))
	for i, f := range b {
		where[f.name] = append(where[f.name], i)
	}
	taken := make([]bool, len(b))
	items := make([]item, 0, max(len(a), len(b)))
	for i := range a {
		it := item{name: a[i].name, again: a[i].again, a: &a[i].value}
		if at := where[it.name]; len(at) > 0 {
			it.b, taken[at[0]], where[it.name] = &b[at[0]].value, true, at[1:]
		}
		items = append(items, it.judged(a[i].aside))
	}
	for i := range b {
		if !taken[i] {
			items = append(items, item{name: b[i].name, again: b[i].again, b: &b[i].value}.judged(b[i].aside))
		}
	}
	return items
}

func (it item) judged(notCompared bool) item {
	x, y := cmp.Or(it.a, &value{}), cmp.Or(it.b, &value{})
	switch {
	case notCompared:
		it.verdict = aside
	case x.lacks != "" || y.lacks != "":
		it.verdict = unknown
	case !x.equal(y):
		it.verdict = differs
	case x.blind(y):
		it.verdict = unknown
	default:
		it.verdict = same
	}
	return it
}

// distinct leaves out what is the same, and what was said before: the model, say,
// is a part of the configuration, too.
func distinct(items []item) []item {
	var left []item
	seen := map[string]bool{}
	for _, it := range items {
		if it.again && it.verdict == unknown && it.left() {
			it.name = "config" // as a whole: something of it, and nobody sees what
		}
		of := it.name
		if of == "rule" || strings.HasPrefix(of, "tools.") {
			of = "policy" // which is made of them
		}
		if it.verdict == same || it.again && seen[of] {
			continue
		}
		seen[it.name] = true
		left = append(left, it)
	}
	return left
}
