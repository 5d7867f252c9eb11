package fakedata

import "slices"

// planKeys marks what has to be done for t's keys. Keys of references and of
// counted columns hold by formula; a key that contains anything else is left
// to the draw, and a row that SQLite refuses is drawn again.
func (t *table) planKeys() {
	for _, k := range t.Keys {
		if slices.ContainsFunc(k.Columns, func(c int) bool { return c < 0 || t.cols[c].Generated }) {
			continue // a key on a computed column: SQLite judges
		}
		if len(k.Columns) == 1 {
			c := t.cols[k.Columns[0]]
			c.unique, c.pinned = c.link == nil, true
			continue
		}
		if c := t.ordinalOf(k); c != nil {
			c.pinned = true
			if t.owner != nil && within(t.owner.cols, k.Columns) {
				c.ordinal = true
			} else {
				c.unique = true
			}
		}
	}
}

// ordinalOf is the column of a key that numbers the children of one owner.
func (t *table) ordinalOf(k Key) *column {
	if !t.keyNeedsOwner(k) {
		return nil
	}
	free := slices.DeleteFunc(slices.Clone(k.Columns), func(c int) bool { return t.cols[c].link != nil })
	if len(free) == 0 {
		return nil
	}
	// The last one counts: (order_id, line_no), (year, month, number).
	return t.cols[free[len(free)-1]]
}

// place is the row's number among its owner's children, from 0.
func (t *table) place(i int64) int64 {
	lo, _ := t.owner.fan.children(t.owner.fan.parent(i))
	return i - lo
}
