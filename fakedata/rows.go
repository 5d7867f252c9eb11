package fakedata

import (
	"fmt"
	"math"
	"slices"
)

// countRows decides how many rows each table has. A table that nothing refers
// to gets the recipe's rows; a table that others refer to gets a share that
// grows with the length of the chain of references above it; lookup tables and
// staff stay small. The count of a table depends on the tables it refers to
// and on whether any refers to it, so that a new table seldom changes an old.
func (p *plan) countRows() error {
	want := p.recipe.scaled(int64(p.recipe.Rows))
	largest := int64(0)
	for _, t := range p.tables {
		t.depth = t.chain()
		t.rows = t.wish(want)
		largest = max(largest, t.rows)
	}
	for _, t := range p.tables { // what a plan says of one table leaves the others alone
		if largest < want && t.rows == largest {
			t.rows = want
		}
	}
	for range 3 { // where references form a cycle, what a table leaves room for shows only then
		for _, t := range p.tables {
			if err := t.settleRows(); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleRows brings the number of t's rows down to what there is room for, or
// to what was asked for, and spreads them over its owner's.
func (t *table) settleRows() error {
	room := t.room()
	said, plan := t.p.recipe.Tables[t.Name], t.file.Rows
	switch {
	case said > room:
		return fmt.Errorf("table %q: rows is %d, but its keys and the tables it refers to leave room for %d", t.Name, said, room)
	case said > 0:
		t.rows = said
	case plan == nil:
		if o := t.owner; o != nil && t.rows < o.parent.rows && o.parent.sums(t) {
			t.rows = 3 * o.parent.rows // a total needs lines
		}
		t.rows = max(1, min(t.rows, room))
	case t.p.recipe.Scale != 0 && !finite(t.theme):
		t.rows = min(t.p.recipe.scaled(*plan), room)
	case *plan > room:
		return fmt.Errorf("plan: table %q: rows is %d, but its keys and the tables it refers to leave room for %d", t.Name, *plan, room)
	default:
		t.rows = *plan
	}
	if o := t.owner; o != nil {
		o.fan = newFan(o.key, t.rows, o.parent.rows, false)
		if o.fan.most() > t.perOwner()/2 {
			o.fan = newFan(o.key, t.rows, o.parent.rows, true)
		}
	}
	return nil
}

// wish is the number of rows that t should have, its parents aside.
func (t *table) wish(want int64) int64 {
	if !t.referenced() {
		switch t.theme {
		case "review":
			return share(want, 40)
		case "ticket":
			return share(want, 15)
		}
		switch {
		case t.possession():
			return share(want, 25)
		case t.last() == "loan" || t.last() == "mortgage":
			return share(want, 8)
		}
		return want
	}
	switch {
	case t.theme == "country":
		return min(want, int64(len(t.p.world.countries)))
	case t.theme == "city":
		return min(want, int64(len(t.p.world.cities)))
	case finite(t.theme):
		return min(want, int64(len(t.namesOf(t.theme))))
	case t.small():
		return min(want, max(3, want/250))
	case t.theme == "store":
		return min(want, max(2, want/1000))
	}
	return share(want, min(50, 10+10*t.depth))
}

// scaled is n times the recipe's scale, from 1 to MaxRows.
func (r Recipe) scaled(n int64) int64 {
	if r.Scale == 0 {
		return n
	}
	return int64(min(max(1, math.Round(float64(n)*r.Scale)), MaxRows))
}

func share(n, percent int64) int64 { return max(1, n*percent/100) }

// sums reports whether a total of t's rows is the sum of their lines.
func (t *table) sums(lines *table) bool {
	below := t.linesBelow()
	return below != nil && below.t == lines
}

// small tables hold the few who run the business.
func (t *table) small() bool {
	return slices.Contains([]string{"staff", "employee", "manager", "agent", "admin", "shipper", "carrier", "doctor"}, t.last())
}

// chain is the longest chain of references above t, lookups aside. That of
// its parents is settled.
func (t *table) chain() int64 {
	longest := int64(0)
	for _, l := range t.links {
		if p := l.parent; p.index < t.index && !finite(p.theme) && !p.small() && p.theme != "store" {
			longest = max(longest, 1+p.depth)
		}
	}
	return longest
}

// referenced reports whether another table has many rows for one of t's.
func (t *table) referenced() bool {
	for _, u := range t.p.tables {
		for _, l := range u.links {
			if l.parent == t && u != t && !l.single && !l.follows {
				return true
			}
		}
	}
	return false
}

// room is how many rows the table's keys and parents leave space for. Its
// parents' rows are settled.
func (t *table) room() int64 {
	room := int64(MaxRows)
	for _, l := range t.links {
		if l.parent == t {
			continue
		}
		if l.single || l.follows {
			room = min(room, max(1, l.parent.rows))
		}
	}
	for _, c := range t.cols {
		if c.unique {
			room = min(room, c.capacity())
		}
	}
	if t.owner != nil {
		m := t.owner.parent.rows
		if each := t.perOwner(); each < room/m {
			room = m * each
		}
		if other := t.junctionWith(); other != nil {
			few := max(1, other.rows*3/4)
			if finite(other.theme) {
				few = 2
			}
			room = min(room, max(m, m*few*3/4))
		}
	}
	return room
}

// perOwner is how many children of one owner the keys allow.
func (t *table) perOwner() int64 {
	each := int64(MaxRows)
	for _, l := range t.links {
		switch l.how {
		case byDistinct:
			each = min(each, l.parent.rows)
		case byAnchor:
			if t.siblings(l) {
				each = 1
			}
		}
	}
	for _, c := range t.cols {
		if c.ordinal {
			each = min(each, c.capacity())
		}
	}
	return max(1, each)
}

// junctionWith is the other side of a table that joins two.
func (t *table) junctionWith() *table {
	for _, l := range t.links {
		if l.how == byDistinct {
			return l.parent
		}
	}
	return nil
}

// capacity is how many different values c can take.
func (c *column) capacity() int64 {
	switch {
	case c.link != nil:
		return MaxRows
	case c.dom.enum != nil:
		return int64(len(c.dom.enum))
	case c.class == classBool || c.kind == "bool":
		return 2
	case c.dom.patterns != nil && c.class == classText:
		return newShape(c.dom.patterns[0], c.dom.glob).size
	case c.dom.lo != nil && c.dom.hi != nil && c.class == classInt:
		lo, hi := c.bounds(0, MaxRows, 0)
		return max(1, hi-lo+1)
	}
	return MaxRows
}

// countable columns take values one after the other: line numbers, lists.
func (c *column) countable() bool {
	return c.dom.enum != nil || c.class == classBool || c.kind == "bool" || c.class == classInt && c.kind != "time"
}
