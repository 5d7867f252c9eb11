package fakedata

import (
	"math"
	"slices"
	"strings"
)

// pick returns the parent's row for row i, or false for NULL.
func (l *link) pick(i int64) (int64, bool) {
	n := l.parent.rows
	s := l.key.at(i)
	if l.nullable && l.how != bySelf && l.how != byOwner && s.n(10_000) < l.nullShare() {
		return 0, false
	}
	switch l.how {
	case byOwner:
		return l.fan.parent(i), true
	case byRow:
		if n == l.child.rows {
			return i, true
		}
		return permute(l.key, i, n), true
	case bySelf:
		return l.pickSelf(&s, i)
	case byMirror:
		if row, ok := l.other.pick(i); ok {
			if row, ok = l.via.pick(row); ok || l.nullable {
				return row, ok
			}
		}
	case byBack:
		if lo, hi := l.other.fan.children(i); hi > lo {
			return lo + s.n(hi-lo), true
		}
	case byAnchor:
		if lo, hi, ok := l.range_(i); ok && hi > lo {
			return lo + s.n(hi-lo), true
		}
		if l.nullable {
			return 0, false
		}
	case byPlace:
		return l.pickPlace(i), true
	case byDistinct:
		return l.pickDistinct(i), true
	}
	m := l.there(i)
	x := l.popular(&s, m)
	if l.avoids == nil {
		return x, true
	}
	if other, ok := l.avoids.pick(i); !ok || x != other {
		return x, true
	}
	if m > 1 {
		return (x + 1) % m, true
	}
	return (x + 1) % n, true
}

// popular draws one of the parent's first m rows: a few have many children,
// most have some. What is done with is followed up soon: orders have no favourites.
func (l *link) popular(s *stream, m int64) int64 {
	n := l.parent.rows
	if l.parent.flows && slices.Contains(transactions, l.parent.last()) {
		return m - 1 - s.skew(min(m, n/8+1))
	}
	if s.chance(50) {
		return s.n(m)
	}
	for range 8 {
		if x := permute(l.key, s.skew(n), n); x < m {
			return x
		}
	}
	return s.n(m)
}

// nullShare is how many of 10,000 rows are without a parent.
func (l *link) nullShare() int64 {
	if !l.nullable || l.how == bySelf || l.how == byOwner {
		return 0
	}
	if n := l.child.cols[l.cols[0]].file.Nulls; n != nil {
		return int64(math.Round(*n * 1e4))
	}
	if strings.HasPrefix(strings.ToLower(l.child.Columns[l.cols[0]].Name), "original") {
		return 9000
	}
	return 800
}

// pickSelf makes a tree: the first rows are its roots.
func (l *link) pickSelf(s *stream, i int64) (int64, bool) {
	lo, hi := int64(0), l.child.rows
	for _, c := range l.cols { // stay among the children of the same owner
		if o := l.child.owner; o != nil && l.child.cols[c].link == o {
			lo, hi = o.fan.children(o.fan.parent(i))
		}
	}
	k := i - lo
	if l.single {
		if k == 0 { // a chain, or a ring where each must have one
			return hi - 1, !l.nullable
		}
		return i - 1, true
	}
	if row, ok := l.child.above(i); ok {
		if row < 0 {
			return i, !l.nullable
		}
		return row, true
	}
	roots := max(1, min(8, l.child.rows/20))
	if k == 0 || k < roots && l.nullable && lo == 0 {
		return i, !l.nullable
	}
	return lo + min(s.n(k), s.n(k)), true
}

// range_ is what byAnchor chooses from: the rows of the parent that have the
// same grandparent as the row that the deciding link leads to.
func (l *link) range_(i int64) (lo, hi int64, ok bool) {
	row, ok := l.other.pick(i)
	if !ok {
		return 0, 0, false
	}
	if l.other.parent != l.via.parent { // one further: (tenant, user) → users → tenants
		k := slices.IndexFunc(l.cols, func(c int) bool { return slices.Contains(l.other.cols, c) })
		up := l.other.parent.cols[l.other.target(l.cols[k])].link
		if up == nil || up.parent != l.via.parent {
			return 0, 0, false
		}
		if row, ok = up.pick(row); !ok {
			return 0, 0, false
		}
	}
	lo, hi = l.via.fan.children(row)
	return lo, hi, true
}

// pickDistinct draws for all elder siblings of row i too, and takes the next
// parent that none of them has.
func (l *link) pickDistinct(i int64) int64 {
	o := l.child.owner
	owner := o.fan.parent(i)
	first, end := o.fan.children(owner)
	n := l.parent.rows
	k := key(mix(uint64(l.key) + uint64(owner)))
	m := l.there(i)
	if end-first > 40 || end-first > m/3 {
		return permute(k, i-first, n)
	}
	var taken [41]int64
	for j := first; ; j++ {
		s := k.at(j)
		x := l.popular(&s, m)
		for slices.Contains(taken[:j-first], x) {
			x = (x + 1) % m
		}
		if j == i {
			return x
		}
		taken[j-first] = x
	}
}
