package fakedata

import (
	"slices"
	"strconv"
	"strings"
)

// person is one made-up human being; everything about them agrees.
type person struct {
	first, last name
	woman       bool
	namesake    int64 // how many before had the same name in the same country
	home        *city
}

// who is the person that row i of t is, or is about.
func (t *table) who(i int64) person {
	if m := &t.lastWho; !m.known || m.row != i { // one row asks several times
		m.known, m.row, m.who = true, i, t.findWho(i)
	}
	return t.lastWho.who
}

func (t *table) findWho(i int64) person {
	if l := t.whoVia; l != nil {
		if row, ok := l.pick(i); ok {
			return l.parent.who(row)
		}
	}
	p := person{home: t.home(i)}
	c := p.home.country
	firsts := int64(len(c.women) + len(c.men))
	space := firsts * int64(len(c.last))
	x := permute(t.latents.person, i%space, space)
	p.namesake = i / space
	p.last = c.last[x/firsts]
	if f := x % firsts; f < int64(len(c.women)) {
		p.first, p.woman = c.women[f], true
	} else {
		p.first = c.men[f-int64(len(c.women))]
	}
	return p
}

// personLink is the reference to the person that t's rows are about.
func (t *table) personLink() *link {
	for _, l := range t.links {
		if l.parent.theme == "person" && l.parent.index < t.index && (t.theme != "person" || l.single) {
			return l
		}
	}
	if t.theme == "person" {
		return nil
	}
	for _, l := range t.links { // one further: the card of an account of a person
		if l.declared && !l.nullable && l.parent.index < t.index && l.parent.whoVia != nil {
			return l
		}
	}
	return nil
}

// home is the place that row i of t is in.
func (t *table) home(i int64) *city {
	if m := &t.lastHome; m.home == nil || m.row != i {
		m.row, m.home = i, t.findHome(i)
	}
	return t.lastHome.home
}

func (t *table) findHome(i int64) *city {
	w := t.p.world
	switch t.theme {
	case "city", "region":
		return w.cities[i%int64(len(w.cities))]
	case "country":
		return w.countries[i%int64(len(w.countries))].cities[0]
	}
	if l := t.homeVia; l != nil {
		if row, ok := l.pick(i); ok {
			return l.parent.home(row)
		}
	}
	s := t.latents.home.at(i)
	return w.pick(&s)
}

// homeLink is the reference that says where a row of t is.
func (t *table) homeLink() *link {
	order := []string{"address", "city", "region", "country"}
	if t.theme != "person" && t.theme != "company" && t.theme != "store" {
		order = append(order, "person", "company", "store")
	} else if t.whoVia != nil {
		return t.whoVia
	}
	for _, theme := range order {
		for _, l := range t.links {
			if l.parent.theme == theme && l.parent.index < t.index && l.how != byPlace {
				return l
			}
		}
	}
	return nil
}

// email is unique within a table: each country has its own domain, and within
// a country a name comes back only with a number.
func (p person) email() string {
	return p.first.folded + "." + p.last.folded + p.number() + "@" + p.home.domain
}

func (p person) number() string {
	if p.namesake == 0 {
		return ""
	}
	return strconv.FormatInt(p.namesake+1, 10)
}

func (p person) username() string {
	return p.first.folded[:1] + p.last.folded + p.number()
}

func (p person) full() string {
	switch {
	case p.home.code == "CN":
		return p.last.own + p.first.own
	case p.home.lastFirst:
		return p.last.own + " " + p.first.own
	}
	return p.first.own + " " + p.last.own
}

// personDraw is a stream of the person that row i is about: in each table they
// have the same telephone, and another one for each name of such a column.
func (t *table) personDraw(c *column, i int64) *stream {
	if l := t.whoVia; l != nil {
		if row, ok := l.pick(i); ok {
			return l.parent.personDraw(c, row)
		}
	}
	s := t.latents.person.sub("\x00" + strings.Join(c.words, " ")).at(i)
	return &s
}

// phoneNumber is one of the numbers that the country reserves for fiction.
func phoneNumber(s *stream, c *city) string {
	return fill(s, c.phone)
}

// streetAddress is a made-up street in the country's way of writing.
func streetAddress(s *stream, c *city) string {
	street := choose(s, c.streets)
	house := strconv.FormatInt(1+s.skew(240), 10)
	return strings.NewReplacer("house", house, "street", street).Replace(c.address)
}

// samePlace makes references to countries and cities agree with the place of
// the row that holds them.
func (t *table) samePlace() {
	via := t.homeLink()
	if t.theme == "city" || t.theme == "region" {
		via = nil // its rows are places themselves
	}
	for _, l := range t.links {
		if l == via || l.how != byPick || !slices.Contains([]string{"country", "city"}, l.parent.theme) ||
			t.theme == "country" || l.parent.index >= t.index {
			continue
		}
		if via != nil || t.theme == "city" || t.theme == "region" {
			l.how = byPlace
		}
	}
}

// pickPlace is the parent row that lies where row i lies.
func (l *link) pickPlace(i int64) int64 {
	home := l.child.home(i)
	if l.parent.theme == "country" {
		return home.country.index % l.parent.rows
	}
	return home.index % l.parent.rows
}
