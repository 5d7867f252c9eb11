package fakedata

import (
	"math"
	"slices"
	"strings"
)

// number makes the values of a numeric column. It counts in units of
// 10^-scale, so that sums are exact: a price in cents is the unit.
type number struct {
	scale  int // decimal places
	units  func(i int64) int64
	why    string // what it follows from; "": drawn between lo and hi
	lo, hi int64  // in units
	spread spread
}

// value is what goes into the database.
func (n *number) value(i int64) any {
	u := n.units(i)
	if n.scale == 0 {
		return u
	}
	return float64(u) / math.Pow10(n.scale) // one division: rounded alike everywhere
}

// spread is how the numbers of a kind lie between their bounds.
type spread byte

const (
	even   spread = iota
	tailed        // small ones are frequent, large ones rare
	priced        // like tailed, but ending in .99 or .50
	bell          // most in the middle
	high          // large ones are frequent, small ones rare
)

func (s spread) String() string { return [...]string{"even", "tailed", "priced", "bell", "high"}[s] }

// numberSpec is what a kind's numbers look like where nothing else is said.
type numberSpec struct {
	lo, hi int64 // in units
	scale  int
	spread spread
}

// specOf is the range of a kind of number.
func specOf(t *table, c *column) numberSpec {
	specs := map[string]numberSpec{
		"age": {18, 90, 0, even}, "latitude": {-8999, 8999, 2, even}, "longitude": {-17999, 17999, 2, even},
		"percent": {0, 100, 0, even}, "milliseconds": {90_000, 480_000, 0, even}, "bytes": {2_000, 12_000_000, 0, tailed},
		"duration": {1, 180, 0, even}, "weight": {10, 4000, 2, tailed}, "dimension": {10, 300, 0, even},
		"temperature": {-15, 38, 0, even}, "stars": {1, 5, 0, high}, "quantity": {1, 12, 0, tailed},
		"year": {0, 0, 0, even}, "month": {1, 12, 0, even}, "weekday": {1, 7, 0, even}, "day": {1, 28, 0, even},
		"hour": {0, 23, 0, even}, "sequence": {1, 100, 0, tailed}, "money": {99, 30_000, 2, priced}, "plain": {1, 1000, 0, even},
	}
	s := specs[c.kind]
	name := strings.Join(c.words, " ")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	thisYear := int64(t.p.recipe.Clock.UTC().Year())
	switch {
	case c.kind == "year":
		s = numberSpec{thisYear - 40, thisYear, 0, even}
	case c.kind == "duration" && t.theme == "film" && has("length", "runtime", "duration", "minutes") && !has("rental"):
		s.lo, s.hi = 62, 178
	case has("rental duration"):
		s.lo, s.hi = 3, 7
	case c.kind == "quantity" && has("stock", "hand", "inventory", "capacity", "views", "likes", "visits", "points", "downloads", "clicks"):
		s.lo, s.hi = 0, 500
	case c.kind == "quantity" && has("page"):
		s.lo, s.hi, s.spread = 80, 900, even
	case c.kind == "bytes" && t.theme == "track":
		s.lo, s.spread = 1_500_000, even
	case c.kind != "money":
	case t.theme == "track":
		s.lo, s.hi = 99, 199
	case has("discount") && c.dom.hi != nil && *c.dom.hi <= 1:
		s = numberSpec{0, 30, 2, even}
	case has("salary", "income", "budget", "revenue", "wage"):
		s = numberSpec{2_400_000, 14_000_000, 2, even}
	case t.last() == "loan" || t.last() == "mortgage":
		s.lo, s.hi = 100_000, 5_000_000
	case has("balance", "limit"):
		s.hi = 900_000
	case has("replacement"):
		s.lo, s.hi = 999, 2999
	case has("rate", "fee", "tip", "fine", "discount", "tax") || strings.Contains(strings.Join(t.words, " "), "payment"):
		s.lo, s.hi = 99, 1199
	}
	return s
}

// numberMaker fills a column with numbers.
func (t *table) numberMaker(c *column) *number {
	free := c.file.From != nil || c.file.To != nil || c.file.Shape != ""
	if n := t.derived(c); n != nil && !free {
		return n
	}
	spec := specOf(t, c)
	size, scale := typeSize(c.Type)
	switch {
	case c.class == classInt && c.kind != "money":
		spec.rescale(0)
	case c.class == classInt: // cents, or a currency without them
		spec.scale = 0
	case c.kind == "percent" && c.class == classReal && (c.dom.hi == nil || *c.dom.hi <= 1) && strings.Contains(strings.Join(c.words, " "), "rat"):
		spec = numberSpec{0, 100, 2, even}
	case scale > 0:
		spec.rescale(scale)
	case c.class == classReal && spec.scale == 0:
		spec.rescale(2)
	}
	if size > 0 && size < 18 && c.class == classReal {
		spec.hi = min(spec.hi, int64(math.Pow10(size))-1)
		spec.lo = min(spec.lo, spec.hi)
	}
	spec.take(c.file)
	lo, hi := c.bounds(spec.lo, spec.hi, spec.scale)
	return &number{scale: spec.scale, lo: lo, hi: hi, spread: spec.spread, units: func(i int64) int64 {
		return drawNumber(t.draw(c, i), lo, hi, spec.spread)
	}}
}

// take follows a plan.
func (s *numberSpec) take(cp columnPlan) {
	unit := math.Pow10(s.scale)
	if cp.From != nil {
		s.lo = toUnits(math.Round(*cp.From * unit))
		s.hi = max(s.hi, s.lo)
	}
	if cp.To != nil {
		s.hi = toUnits(math.Round(*cp.To * unit))
		s.lo = min(s.lo, s.hi)
	}
	for _, sp := range []spread{even, tailed, priced, bell, high} {
		if cp.Shape == sp.String() {
			s.spread = sp
		}
	}
}

func (s *numberSpec) rescale(scale int) {
	for ; s.scale < scale; s.scale++ {
		s.lo, s.hi = s.lo*10, s.hi*10
	}
	for ; s.scale > scale; s.scale-- {
		s.lo, s.hi = (s.lo+9)/10, s.hi/10
	}
}

func drawNumber(s *stream, lo, hi int64, shape spread) int64 {
	switch shape {
	case bell:
		sum := int64(0)
		for range 4 {
			sum += s.between(lo, hi) / 4
		}
		return min(hi, max(lo, sum))
	case tailed:
		return lo + s.skew(hi-lo+1)
	case high:
		return hi - min(s.n(hi-lo+1), s.n(hi-lo+1))
	case priced:
		x := lo + min(s.n(hi-lo+1), s.n(hi-lo+1), s.n(hi-lo+1))
		if nice := x - x%100 + choose(s, []int64{99, 99, 99, 50, 0, 95}); nice >= lo && nice <= hi {
			return nice
		}
		return x
	}
	return s.between(lo, hi)
}

// bounds narrows a range, in units of 10^-scale, to what the CHECKs allow.
// Where the two do not meet, the CHECKs win.
func (c *column) bounds(lo, hi int64, scale int) (int64, int64) {
	unit := math.Pow10(scale)
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if d := c.dom.lo; d != nil {
		least = toUnits(math.Ceil(*d * unit))
		if c.dom.loOpen && float64(least) <= *d*unit {
			least++
		}
	}
	if d := c.dom.hi; d != nil {
		most = toUnits(math.Floor(*d * unit))
		if c.dom.hiOpen && float64(most) >= *d*unit {
			most--
		}
	}
	if newLo, newHi := max(lo, least), min(hi, most); newLo <= newHi {
		return newLo, newHi
	}
	if width := hi - lo; lo < least {
		return least, max(least, min(most, least+width))
	} else {
		return max(least, most-width), most
	}
}

// toUnits converts without overflow.
func toUnits(f float64) int64 {
	const far = 1 << 60
	switch {
	case f > far:
		return far
	case f < -far:
		return -far
	}
	return int64(f)
}

// derived numbers follow from other rows: a line's price from its product, an
// order's total from its lines, a payment from the order.
func (t *table) derived(c *column) *number {
	if n := t.trait(c); n != nil {
		return n
	}
	if c.dom.enum != nil {
		return nil
	}
	if n := t.tagged(c, 0); n != nil && c.kind == "quantity" {
		return n
	}
	if c.kind != "money" {
		return nil
	}
	_, scale := typeSize(c.Type)
	if scale == 0 && c.class != classInt {
		scale = 2
	}
	if n := t.booked(c, scale); n != nil {
		return n
	}
	if l := t.linesBelow(); l != nil && c.hasWord("total", "subtotal", "amount") {
		return &number{scale: scale, why: "the sum of " + l.t.Name, units: l.sum}
	}
	if price, quantity := t.priced(); price != nil && quantity != nil && c != price && c.hasWord("total", "subtotal", "amount") {
		return &number{scale: scale, why: price.Name + " × " + quantity.Name, units: func(i int64) int64 { return price.number.units(i) * quantity.number.units(i) }}
	}
	if l := t.settles(); l != nil && c.hasWord("total", "amount") {
		if from := l.parent.money("total", "amount"); from != nil {
			return &number{scale: scale, why: "that of its " + l.parent.Name, units: func(i int64) int64 {
				row, _ := l.pick(i)
				return from.number.units(row)
			}}
		}
	}
	if n := t.tagged(c, scale); n != nil && !slices.ContainsFunc(t.links, func(l *link) bool { return l.parent.theme == "product" }) {
		return n
	}
	if !c.hasWord("price") {
		return nil
	}
	for _, l := range t.links {
		if from := l.parent.money("price"); from != nil && l.parent.index < t.index && !l.nullable {
			return &number{scale: scale, why: "that of its " + l.parent.Name, units: func(i int64) int64 {
				row, _ := l.pick(i)
				return from.number.units(row)
			}}
		}
	}
	return nil
}

// booked numbers are those of a ledger and of the accounts above it.
func (t *table) booked(c *column, scale int) *number {
	if l := t.ledger; l != nil && c == l.amount {
		return &number{scale: l.scale, why: "a movement of its " + t.owner.parent.Name, units: func(i int64) int64 { return l.entry(i).amount }}
	}
	if l := t.ledger; l != nil && c == l.after {
		return &number{scale: scale, why: "the sum of " + l.amount.Name + " so far", units: func(i int64) int64 { return l.entry(i).after }}
	}
	if l := t.ledgerBelow(); l != nil && c.hasWord("balance") {
		return &number{scale: scale, why: "the sum of " + l.t.Name + "." + l.amount.Name, units: l.balance}
	}
	return nil
}

func (c *column) hasWord(ws ...string) bool {
	return slices.ContainsFunc(ws, func(w string) bool { return slices.Contains(c.words, w) })
}

// money returns t's first money column that has one of the words in its name.
func (t *table) money(ws ...string) *column {
	for _, w := range ws {
		for _, c := range t.cols {
			if c.kind == "money" && c.hasWord(w) && c.link == nil && !c.Generated {
				return c
			}
		}
	}
	return nil
}

// priced returns the price and the quantity column of a table of lines.
func (t *table) priced() (price, quantity *column) {
	price = t.money("price", "cost")
	for _, c := range t.cols {
		if c.kind == "quantity" && c.words[0] == "quantity" && c.link == nil {
			quantity = c
		}
	}
	return price, quantity
}

// lines is a table whose rows add up to the totals of its owner.
type lines struct {
	t               *table
	price, quantity *column
}

// linesBelow finds the table of lines that t's totals are the sums of.
func (t *table) linesBelow() *lines {
	for _, u := range t.p.tables {
		if u.owner == nil || u.owner.parent != t || u.owner.follows {
			continue
		}
		if price, quantity := u.priced(); price != nil && quantity != nil {
			return &lines{u, price, quantity}
		}
	}
	return nil
}

func (l *lines) sum(owner int64) int64 {
	lo, hi := l.t.owner.fan.children(owner)
	total := int64(0)
	for i := lo; i < hi; i++ {
		total += l.price.number.units(i) * l.quantity.number.units(i)
	}
	return total
}
