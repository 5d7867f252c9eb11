package fakedata

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxMess is the largest rate of defects.
const maxMess = 0.5

// An Answer is one line of the answer key: a defect that was put into a
// dataset, and what stood there before.
type Answer struct {
	Table  string `json:"table"`
	Key    []any  `json:"key"`    // of the row: its primary key, or its rowid where it has none; of schema drift: the file's name
	Column string `json:"column"` // "" for a row that is one too many
	Kind   string `json:"kind"`   // one of Defects
	Clean  any    `json:"clean"`  // the right value; for a row too many, the key of the row it repeats
	Dirty  any    `json:"dirty"`  // what the dataset holds; nil for a row too many
}

// Defects lists the kinds of defects.
func Defects() []string {
	var out []string
	for _, k := range defectKinds() {
		out = append(out, k.name)
	}
	return append(out, "duplicate", "double", schemaDriftKind)
}

// Messy reports whether the dataset of r has any defects, and so an answer key.
func Messy(s *Schema, r Recipe) (bool, error) {
	p, err := newPlan(s, r)
	return err == nil && p.messy, err
}

// defectKind is one kind of defect in a cell.
type defectKind struct {
	name string
	fits func(m *messer, c *column) bool
	make func(m *messer, s *stream, c *column, v any) any // v itself: cannot be done to this value
}

// messer puts defects into the rows of one table. Which row is hit is a
// formula: the rows are shuffled once, and each kind owns a run of them that is
// exactly as long as its rate says. Columns of keys are left alone, so that
// each row can still be told from the others, and NOT NULL holds; CHECK and
// FOREIGN KEY constraints may be broken, as old data breaks young rules.
type messer struct {
	t      *table
	key    key
	kinds  []hits
	extra  []extraRows
	share  float64
	place  []int // of a column in the row that is written, -1: not written
	strict bool
}

// hits is one kind's share of a table's rows.
type hits struct {
	defectKind
	key      key
	from, n  int64 // positions in the shuffled table, wrapping around
	columns  []*column
	partners map[*column]*column // of a swap
}

// extraRows is a kind of row too many.
type extraRows struct {
	kind string
	key  key
	n    int64
}

// newMesser decides on the defects of t; nil where there are none.
func newMesser(t *table) *messer {
	rate := t.p.recipe.Mess
	if t.file.Mess != nil {
		rate = *t.file.Mess
	}
	if rate == 0 || slices.ContainsFunc(t.Keys, func(k Key) bool {
		return slices.ContainsFunc(k.Columns, func(c int) bool { return c < 0 || t.cols[c].Generated })
	}) {
		return nil
	}
	m := &messer{t: t, key: t.key.sub("\x00mess"), strict: t.Strict}
	next := 0
	for _, c := range t.cols {
		if m.place = append(m.place, next); c.Generated {
			m.place[c.index] = -1
		} else {
			next++
		}
	}
	m.share = rate
	share := func(kind string) int64 { return int64(math.Round(m.rate(kind) * float64(t.rows))) }
	from := int64(0)
	for _, k := range defectKinds() {
		h := hits{defectKind: k, key: m.key.sub(k.name), n: share(k.name), partners: map[*column]*column{}}
		for _, c := range t.cols {
			if m.touchable(c) && k.fits(m, c) {
				h.columns = append(h.columns, c)
			}
		}
		if k.name == "swapped" {
			h.pair()
		}
		if len(h.columns) == 0 || h.n == 0 {
			continue
		}
		h.from = from % t.rows
		from += h.n
		m.kinds = append(m.kinds, h)
	}
	for _, kind := range []string{"duplicate", "double"} {
		if n := share(kind); n > 0 && m.repeatable(kind, n) {
			m.extra = append(m.extra, extraRows{kind, m.key.sub(kind), n})
		}
	}
	return m
}

// rate is the share of rows with that kind of defect.
func (m *messer) rate(kind string) float64 {
	weight, ok := m.t.p.file.Defects[kind]
	if !ok {
		weight = 1
	}
	return min(1, m.share*weight)
}

// touchable reports whether a defect may be in c at all.
func (m *messer) touchable(c *column) bool {
	return !c.Generated && !c.pinned && c.class != classBlob &&
		!slices.ContainsFunc(m.t.Keys, func(k Key) bool { return slices.Contains(k.Columns, c.index) })
}

// pair keeps the columns of a swap that have a partner of their kind.
func (h *hits) pair() {
	var paired []*column
	for i, a := range h.columns {
		for _, b := range h.columns[i+1:] {
			if h.partners[a] == nil && h.partners[b] == nil && swappable(a, b) {
				h.partners[a], h.partners[b] = b, a
				paired = append(paired, a)
			}
		}
	}
	h.columns = paired
}

// repeatable reports whether t can hold n rows too many.
func (m *messer) repeatable(kind string, n int64) bool {
	t := m.t
	if kind == "double" && !slices.ContainsFunc(t.cols, func(c *column) bool { return m.touchable(c) && c.kind == "time" }) {
		return false
	}
	for _, k := range t.Keys {
		c := t.cols[k.Columns[0]]
		switch {
		case len(k.Columns) > 1 || c.link != nil || c.ordinal:
			return false
		case !k.Primary && !c.NotNull && !c.dom.notNull: // NULL may come again
		case c.unique && c.countable() && c.capacity() >= t.rows+3*n && c.dom.enum == nil && c.kind != "year" && c.class == classInt:
		case c.class == classText && c.dom.patterns == nil && c.dom.maxLen == 0 && c.kind != "time" && c.dom.enum == nil && !t.referred(c):
			if size, _ := typeSize(c.Type); size > 0 && size < 40 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// referred reports whether a foreign key leads to c.
func (t *table) referred(c *column) bool {
	for _, u := range t.p.tables {
		for _, l := range u.links {
			if l.parent == t && slices.Contains(l.to, c.index) {
				return true
			}
		}
	}
	return false
}

// row puts the defects of row i into its values, in the order of insertSQL,
// and returns them.
func (m *messer) row(i int64, values []any) []Answer {
	var out []Answer
	var taken []*column
	at := permute(m.key, i, m.t.rows)
	for k := range m.kinds {
		h := &m.kinds[k]
		if (at-h.from+m.t.rows)%m.t.rows >= h.n {
			continue
		}
		s := h.key.at(i)
		first := s.n(int64(len(h.columns)))
		for k := range h.columns { // from a random one on, until one can take it
			c := h.columns[(first+int64(k))%int64(len(h.columns))]
			if slices.Contains(taken, c) || c.holdsCanary(i) || h.partners[c] != nil && h.partners[c].holdsCanary(i) {
				continue
			}
			answers := m.hit(h, &s, c, values, taken)
			if len(answers) == 0 {
				continue
			}
			for _, a := range answers {
				taken = append(taken, m.t.cols[m.t.column(a.Column)])
			}
			out = append(out, answers...)
			break
		}
	}
	if out != nil {
		key := m.t.keyOf(i, values)
		for k := range out {
			out[k].Table, out[k].Key = m.t.Name, key
		}
	}
	return out
}

// hit puts one defect into column c of a row; nil where it does not take.
func (m *messer) hit(h *hits, s *stream, c *column, values []any, taken []*column) []Answer {
	v := values[m.place[c.index]]
	if b := h.partners[c]; b != nil {
		w := values[m.place[b.index]]
		if slices.Contains(taken, b) || v == nil || w == nil || v == w {
			return nil
		}
		values[m.place[c.index]], values[m.place[b.index]] = w, v
		return []Answer{{Column: c.Name, Kind: h.name, Clean: v, Dirty: w}, {Column: b.Name, Kind: h.name, Clean: w, Dirty: v}}
	}
	if v == nil && h.name != "orphan" {
		return nil
	}
	bad := h.make(m, s, c, v)
	if bad == v {
		return nil
	}
	values[m.place[c.index]] = bad
	return []Answer{{Column: c.Name, Kind: h.name, Clean: v, Dirty: bad}}
}

// keyOf is what names row i to people.
func (t *table) keyOf(i int64, values []any) []any {
	if len(t.Keys) == 0 || !t.Keys[0].Primary {
		return []any{i + 1}
	}
	var out []any
	for _, k := range t.Keys[0].Columns {
		at := 0
		for _, c := range t.cols[:k] {
			at += boolInt(!c.Generated)
		}
		out = append(out, values[at])
	}
	return out
}

// rowsTooMany calls write with each row that repeats another: its number, its
// values and its answer.
func (m *messer) rowsTooMany(write func(i int64, values []any, a Answer) error) error {
	next := m.t.rows
	for _, e := range m.extra {
		for j := range e.n {
			of := permute(e.key, j, m.t.rows)
			values := m.t.values(of)
			original := m.t.keyOf(of, values)
			s := e.key.at(j)
			m.renew(values, next)
			m.drift(e.kind, &s, values)
			a := Answer{Table: m.t.Name, Key: m.t.keyOf(next, values), Kind: e.kind, Clean: original}
			if err := write(next, values, a); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

// written is how many rows t has in the end, those too many included.
func (t *table) written() int64 {
	n := t.rows
	if t.mess != nil {
		for _, e := range t.mess.extra {
			n += e.n
		}
	}
	return n
}

// renew gives a repeated row keys of its own.
func (m *messer) renew(values []any, i int64) {
	for _, k := range m.t.Keys {
		c := m.t.cols[k.Columns[0]]
		at := &values[m.place[c.index]]
		text, isText := (*at).(string)
		switch {
		case !c.NotNull && !c.dom.notNull && !k.Primary:
			*at = nil
		case c.unique && c.countable() && c.class == classInt && c.dom.enum == nil:
			*at = m.t.counted(c, i)
		case isText && strings.Contains(text, "@"):
			*at = strings.Replace(text, "@", fmt.Sprintf("+%d@", i+1), 1)
		default:
			*at = fmt.Sprintf("%v-%d", *at, i+1)
		}
	}
}

// drift makes a repeated row differ a little from the first: typed in by hand
// once more, or sent again a few seconds later.
func (m *messer) drift(kind string, s *stream, values []any) {
	for _, k := range defectKinds() {
		want := []string{"typo", "case", "spacing"}
		if kind == "double" {
			want = []string{"again"}
		}
		if !slices.Contains(want, k.name) || !s.chance(50) {
			continue
		}
		for _, c := range m.t.cols {
			if v := &values[max(0, m.place[c.index])]; m.touchable(c) && k.fits(m, c) && *v != nil {
				*v = k.make(m, s, c, *v)
				break
			}
		}
	}
	if kind != "double" {
		return
	}
	for _, c := range m.t.cols {
		if at, ok := m.moment(c, values); ok {
			values[m.place[c.index]] = timeFormat(c)(at + 1 + s.n(90))
		}
	}
}
