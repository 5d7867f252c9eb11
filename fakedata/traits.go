package fakedata

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Traits are what is true of a person whether a column says it or not, so that
// columns which follow from one trait agree: age and birth date, title and
// salary, height and weight.

// rank is how far row i's person has come, 0 to 99; most are in the middle.
func (t *table) rank(i int64) int64 {
	if l := t.whoVia; l != nil {
		if row, ok := l.pick(i); ok {
			return l.parent.rank(row)
		}
	}
	s := t.latent(t.latents.rank, i)
	return (s.n(100) + s.n(100)) / 2
}

// birthday is when row i's person was born, in Unix seconds, at midnight. Who
// works or buys is of age; patients are of any age.
func (t *table) birthday(i int64) int64 {
	if l := t.whoVia; l != nil {
		if row, ok := l.pick(i); ok {
			return l.parent.birthday(row)
		}
	}
	s := t.latent(t.latents.birth, i)
	days := 22*366 + t.rank(i)*150 + min(s.n(38*365), s.n(38*365))
	if t.works() { // up to 64 years
		days = 22*366 + t.rank(i)*90 + s.n(19*365)
	}
	if t.last() == "patient" || t.last() == "passenger" || t.last() == "student" && t.theme != "person" {
		days = 3*366 + s.n(92*365)
	}
	at := t.p.now - days*day
	return at - at%day
}

// works reports whether t's people are paid for being there.
func (t *table) works() bool {
	return t.theme == "person" && slices.ContainsFunc(t.cols, func(c *column) bool { return c.hasWord("hire", "hired", "salary", "salaried") })
}

// age is in full years by the recipe's clock.
func (t *table) age(i int64) int64 {
	born, now := time.Unix(t.birthday(i), 0).UTC(), time.Unix(t.p.now, 0).UTC()
	years := now.Year() - born.Year()
	if now.Month() < born.Month() || now.Month() == born.Month() && now.Day() < born.Day() {
		years--
	}
	return int64(years)
}

// height is in centimetres.
func (t *table) height(i int64) int64 {
	s := t.latent(t.latents.body, i)
	tall := int64(172)
	if t.who(i).woman {
		tall = 160
	}
	tall += (s.n(31)+s.n(31))/2 - 15
	if age := t.age(i); age < 17 { // grown by then; a newborn has three tenths of it
		tall = tall * (30 + age*70/17) / 100
	}
	return tall
}

// trait is a number that follows from what the person is like; nil where c is
// none of these.
func (t *table) trait(c *column) *number {
	if t.theme != "person" && t.whoVia == nil || c.dom.enum != nil || c.unique {
		return nil
	}
	if t.last() == "timesheet" && c.hasWord("hours") {
		scale, quarter := 2, int64(25)
		if c.class == classInt {
			scale, quarter = 0, 1
		}
		return t.within(c, &number{why: "a week's work", units: func(i int64) int64 {
			s := t.draw(c, i)
			return (100 + (s.n(46)+s.n(46)+s.n(46))*2/3) * quarter * int64(boolInt(scale == 2)*3+1) / 4
		}}, scale)
	}
	spec := specOf(t, c)
	_, scale := typeSize(c.Type)
	switch name := " " + strings.Join(c.words, " ") + " "; {
	case c.kind == "age":
		scale = 0
		return t.within(c, &number{why: "the birth date", units: t.age}, scale)
	case c.kind == "dimension" && strings.Contains(name, " height "):
		scale = 0
		return t.within(c, &number{why: "the person", units: t.height}, scale)
	case c.kind == "weight" && t.theme == "person":
		return t.within(c, &number{why: "the height", units: func(i int64) int64 {
			s := t.draw(c, i)
			tall := t.height(i)
			index := 19 + (s.n(13)+s.n(13))/2 // body mass index
			if age := t.age(i); age < 17 {
				index = 15 + age*5/17 + s.n(3)
			}
			return max(2, index*tall*tall/10_000)
		}}, 0)
	case c.kind == "money" && (strings.Contains(name, "salary") || strings.Contains(name, " wage ") || strings.Contains(name, "income")):
		if c.class != classInt && scale == 0 {
			scale = 2
		}
		unit := int64(1)
		if c.class == classInt && !strings.Contains(name, "cents") {
			unit = 100
		} else if scale == 0 && c.class != classInt {
			unit = 100
		}
		n := t.within(c, &number{why: "the person's rank", units: func(i int64) int64 {
			s, r := t.draw(c, i), t.rank(i)
			pay := spec.lo + (spec.hi-spec.lo)*r*r/9801
			pay = pay * (92 + s.n(17)) / 100
			return (pay - pay%10_000) / unit
		}}, scale)
		return n
	}
	return nil
}

// within keeps a trait within what CHECKs and type allow.
func (t *table) within(c *column, n *number, scale int) *number {
	if n.scale = scale; c.class == classInt {
		n.scale = 0
	}
	lo, hi := c.bounds(math.MinInt64/4, math.MaxInt64/4, n.scale)
	if size, _ := typeSize(c.Type); size > 0 && size < 18 && c.class == classReal {
		hi = min(hi, int64(math.Pow10(size))-1)
	}
	of := n.units
	n.units = func(i int64) int64 { return min(hi, max(lo, of(i))) }
	return n
}
