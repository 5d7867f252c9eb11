package fakedata

import "slices"

// Rows come in the order of time where nothing else orders them: the higher an
// order's number, the later it was placed. So the moment of row i, and how many
// rows there were at a moment, are formulas too, and a row refers to what was
// there already.

// headStart is how long before the window the first rows of a root may have
// come: a shop has customers before its first order.
const headStart = 2 * 365 * day

// planFlow finds out whether t's rows come in the order of time. That of its
// parents is settled.
func (t *table) planFlow() {
	single := slices.ContainsFunc(t.links, func(l *link) bool { return l.single && l.declared && l.parent != t })
	t.flows = t.owner == nil && !single && t.settles() == nil && !finite(t.theme) && !t.small() && t.theme != "store"
	t.dated = slices.ContainsFunc(t.cols, func(c *column) bool {
		return c.kind == "time" && stageFor(t, c) != updated && stageFor(t, c) != due
	})
	t.root = t.flows && t.referenced() && !slices.Contains(transactions, t.last()) && (!t.dated || !slices.ContainsFunc(t.links, func(l *link) bool {
		return l.parent.index < t.index && l.parent.dated && !finite(l.parent.theme)
	}))
}

// headRows is how many rows of a root were there before the window.
func (t *table) headRows() int64 {
	if !t.root {
		return 0
	}
	return t.rows * 3 / 10
}

// when is about when row i came; false where that is not in its number.
func (t *table) when(i int64) (int64, bool) {
	switch o := t.owner; {
	case t.flows:
		return t.flow(i), true
	case o != nil && o.parent.index < t.index && slices.Contains(transactions, o.parent.last()):
		return o.parent.when(o.fan.parent(i))
	}
	if l := t.settles(); l != nil && l.how == byRow && l.parent.index < t.index { // any other way asks when
		if row, ok := l.pick(i); ok {
			return l.parent.when(row)
		}
	}
	return 0, false
}

// flow is the moment of row i among all of t's.
func (t *table) flow(i int64) int64 {
	start, head := t.p.now-window, t.headRows()
	s := t.latents.born.at(i)
	if i < head {
		part := headStart / head
		return start - headStart + i*part + s.n(part)
	}
	a, b := t.p.season.weight(start), t.p.season.weight(t.p.now)
	part := max(1, (b-a)/uint64(t.rows-head))
	return min(t.p.now, max(start, t.p.season.at(a+uint64(i-head)*part+uint64(s.n(int64(part))))))
}

// before is how many rows of t there were at that moment, 1 at least.
func (t *table) before(at int64) int64 {
	if !t.flows { // as many as there were owners for
		owners := t.owner.parent.before(at)
		if owners == t.owner.parent.rows {
			return t.rows
		}
		if owners > 4*fanBlock {
			owners -= owners % fanBlock // whole blocks are quickly summed up
		}
		f := t.owner.fan
		return max(1, f.first(owners, f.below(owners)))
	}
	start, head := t.p.now-window, t.headRows()
	if at < start {
		return max(1, head*max(0, at-start+headStart)/headStart)
	}
	a, b := t.p.season.weight(start), t.p.season.weight(t.p.now)
	part := max(1, (b-a)/uint64(t.rows-head))
	return min(t.rows, max(1, head+int64((t.p.season.weight(at)-a)/part)))
}

// ordered reports whether t's rows, or those of the owners that they lie in
// runs of, came one after the other.
func (t *table) ordered() bool {
	if t.owner != nil {
		return t.owner.parent.index < t.index && t.owner.parent.ordered() // owners may form a cycle
	}
	return t.flows
}

// there is how many of the parent's rows row i can refer to: those that were
// there before it.
func (l *link) there(i int64) int64 {
	if l.parent.ordered() && l.child != l.parent {
		if at, ok := l.child.when(i); ok {
			return l.parent.before(at)
		}
	}
	return l.parent.rows
}
