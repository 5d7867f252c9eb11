package fakedata

import (
	"slices"
	"strings"
)

// A link is one reference of a table: how a row's parent is found. Every way
// is a formula of the row's number, so nothing is remembered.
type link struct {
	child, parent *table
	cols, to      []int // columns here and there
	key           key
	declared      bool // a foreign key; otherwise told from the names
	nullable      bool
	single        bool // at most one child for each parent: its columns are a key here
	follows       bool // one child for each parent, soon after it: a payment of an order

	how     linkHow
	other   *link // mirror, back, anchor: the link that decides
	via     *link // mirror: the parent's link that is followed on
	cost    int   // mirror: references that are followed for one row
	decides bool  // another link mirrors what this one refers to
	avoids  *link // never the same row as this one, by a CHECK; or nil
	fan     *fan  // owner: how many children each parent has
}

type linkHow byte

const (
	byPick     linkHow = iota // by popularity, long-tailed
	byOwner                   // consecutive rows
	byRow                     // row i refers to row i
	bySelf                    // an earlier row of the same table
	byMirror                  // the same as another of its parents refers to
	byBack                    // one of the rows that refer back to this one
	byAnchor                  // one of the rows that share another parent
	byPlace                   // the country or city that the row is in
	byDistinct                // like byPick, but no two siblings of one owner alike
)

// target returns the parent's column that column c of the child refers to.
func (l *link) target(c int) int { return l.to[slices.Index(l.cols, c)] }

// relate makes t's links of its foreign keys and of names that clearly mean one.
func (t *table) relate() {
	for _, fk := range t.ForeignKeys {
		t.addLink(t.p.tables[fk.Table], fk.Columns, fk.To, true)
	}
	for _, c := range t.cols {
		if p, to := t.implied(c); p != nil {
			t.addLink(p, []int{c.index}, []int{to}, false)
		}
	}
	// The reference with the most columns fills them; references to the table
	// itself come last, because they must agree with the row they stand in.
	order := slices.Clone(t.links)
	slices.SortStableFunc(order, func(a, b *link) int {
		if self := boolInt(a.parent == t) - boolInt(b.parent == t); self != 0 {
			return self
		}
		return len(b.cols) - len(a.cols)
	})
	for _, l := range order {
		for _, c := range l.cols {
			if t.cols[c].link == nil {
				t.cols[c].link = l
			}
		}
	}
	t.links = slices.DeleteFunc(t.links, func(l *link) bool {
		return !slices.ContainsFunc(l.cols, func(c int) bool { return t.cols[c].link == l })
	})
}

func (t *table) addLink(parent *table, cols, to []int, declared bool) {
	l := &link{child: t, parent: parent, cols: cols, to: to, declared: declared, nullable: true, single: t.unique(cols)}
	name := parent.Name
	for _, c := range cols {
		name += "\x00" + t.Columns[c].Name
		if t.Columns[c].NotNull || t.cols[c].dom.notNull {
			l.nullable = false
		}
	}
	l.key = t.key.sub(name)
	l.follows = declared && parent != t && slices.Contains(followers, t.last()) && slices.Contains(transactions, parent.last())
	l.nullable = l.nullable && !l.follows
	t.links = append(t.links, l)
}

// implied finds the table that a column without a foreign key refers to by its
// name: film_id, where table film has that very key column, or table film has
// the key id.
func (t *table) implied(c *column) (*table, int) {
	ownKey := len(t.Keys) > 0 && slices.Equal(t.Keys[0].Columns, []int{c.index})
	if len(c.words) < 2 || c.words[len(c.words)-1] != "id" || c.Generated ||
		slices.ContainsFunc(t.links, func(l *link) bool { return slices.Contains(l.cols, c.index) }) {
		return nil, 0
	}
	for _, p := range t.p.tables {
		if p == t || len(p.Keys) == 0 || len(p.Keys[0].Columns) != 1 || !p.Keys[0].Primary {
			continue
		}
		pk := p.cols[p.Keys[0].Columns[0]]
		named := strings.EqualFold(pk.Name, c.Name) ||
			len(pk.words) == 1 && slices.Equal(singular(c.words[:len(c.words)-1]), p.words)
		longer := len(t.words) > len(p.words) && slices.Equal(t.words[:len(p.words)], p.words)
		if named && pk.class == c.class && (!ownKey || longer) {
			return p, pk.index
		}
	}
	return nil, 0
}

// assignOwner chooses the reference along which t's rows are laid out.
func (t *table) assignOwner() {
	best, rank := (*link)(nil), 0
	for _, l := range t.links {
		if r := t.ownerRank(l); r > rank {
			best, rank = l, r
		}
	}
	if best != nil {
		best.how, t.owner = byOwner, best
	}
}

// ownerRank says how much speaks for l as the owner; 0 is not at all.
func (t *table) ownerRank(l *link) int {
	if l.parent == t || l.single || t.cols[l.cols[0]].link != l {
		return 0
	}
	rank := 0
	for _, k := range t.Keys {
		if len(k.Columns) > 1 && within(l.cols, k.Columns) && t.keyNeedsOwner(k) {
			rank += 100 - slices.Index(k.Columns, l.cols[0])
		}
	}
	if l.nullable {
		return rank
	}
	if l.follows {
		rank += 60
	}
	if n := len(l.parent.words); len(t.words) > n && slices.Equal(t.words[:n], l.parent.words) {
		rank += 50
	}
	if l.closesCycle() {
		rank += 40
	}
	if t.possession() && l.parent.index < t.index && (slices.Contains([]string{"person", "company"}, l.parent.theme) || l.parent.possession()) {
		rank += 35
	}
	for _, other := range t.p.tables { // our key is copied together with this column
		for _, in := range other.links {
			if in.parent == t && len(in.to) > 1 && within(l.cols, in.to) {
				rank += 30
			}
		}
	}
	return rank
}

// possession reports whether a row of t is someone's: each has a few.
func (t *table) possession() bool {
	return slices.Contains([]string{"address", "account", "card", "device", "wallet", "vehicle", "pet", "key", "subscription"}, t.last())
}

// closesCycle reports whether l's parent also refers back to l's table, and it
// is the parent that has many children: staff of a store, not stores of their
// manager.
func (l *link) closesCycle() bool {
	for _, back := range l.parent.links {
		if back.parent != l.child || l.parent == l.child {
			continue
		}
		if chief := l.namesOne() - back.namesOne(); chief != 0 {
			return chief < 0
		}
		return l.child.index > l.parent.index
	}
	return false
}

// namesOne is 1 where the column's name speaks of one chosen row among many.
func (l *link) namesOne() int {
	return boolInt(l.child.cols[l.cols[0]].hasWord("manager", "lead", "leader", "head", "owner", "chief", "boss", "captain",
		"director", "primary", "main", "default", "current", "latest", "last", "first", "best", "active", "chair"))
}

// keyNeedsOwner reports whether a key of several columns is made unique by
// numbering the children of one parent, rather than by one column alone.
func (t *table) keyNeedsOwner(k Key) bool {
	return !slices.ContainsFunc(k.Columns, func(c int) bool {
		col := t.cols[c]
		return col.link == nil && !col.countable() || t.unique([]int{c})
	})
}

// settleLinks decides the remaining links of t.
func (t *table) settleLinks() {
	for _, l := range t.links {
		if l.how != byPick {
			continue
		}
		switch {
		case l.parent == t:
			l.how = bySelf
		case l.single:
			l.how = byRow
		case t.anchored(l):
			l.how = byAnchor
		case t.siblings(l):
			l.how = byDistinct
		case t.mirrors(l):
			l.how = byMirror
		case l.parent.owner != nil && l.parent.owner.parent == t:
			l.how, l.other = byBack, l.parent.owner
		}
	}
}

// siblings reports whether l must differ between the children of one owner.
func (t *table) siblings(l *link) bool {
	return t.owner != nil && slices.ContainsFunc(t.Keys, func(k Key) bool {
		return len(k.Columns) > 1 && within(l.cols, k.Columns) && within(t.owner.cols, k.Columns) &&
			!slices.ContainsFunc(k.Columns, func(c int) bool { return t.cols[c].link == nil })
	})
}

// anchored finds out whether one of l's columns is filled by another link, so
// that the parents to choose from are those with the same value in it.
func (t *table) anchored(l *link) bool {
	for k, c := range l.cols {
		first := t.cols[c].link
		up := l.parent.cols[l.to[k]].link
		if first == l || up == nil || up.how != byOwner {
			continue
		}
		l.other = first
		l.via = up
		return true
	}
	return false
}

// maxMirror bounds how many references are followed for one that mirrors
// others, which mirror others: in a hostile schema they would be exponentially many.
const maxMirror = 30

// mirrors finds the parent of t that has a column of the same name and
// meaning, as in payment(customer_id, rental_id) and rental(customer_id).
func (t *table) mirrors(l *link) bool {
	if len(l.cols) != 1 || l.decides {
		return false
	}
	for _, g := range t.links {
		if g == l || g.parent.index >= t.index || g.how == byMirror {
			continue
		}
		for _, h := range g.parent.links {
			if h.parent == l.parent && len(h.cols) == 1 &&
				strings.EqualFold(g.parent.Columns[h.cols[0]].Name, t.Columns[l.cols[0]].Name) {
				if l.cost = 1 + g.cost + h.cost; l.cost > maxMirror {
					l.cost = 0
					continue
				}
				l.other, l.via, g.decides = g, h, true
				return true
			}
		}
	}
	return false
}

// avoid makes l refer to another row than other does; false where it cannot.
func (l *link) avoid(other *link) bool {
	if l == nil || other == nil || l.parent != other.parent || l.how != byPick || len(l.cols) != 1 || len(other.cols) != 1 || other.avoids == l {
		return false
	}
	l.avoids = other
	return true
}

// within reports whether all of a are in b.
func within(a, b []int) bool {
	return !slices.ContainsFunc(a, func(c int) bool { return !slices.Contains(b, c) })
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
