package fakedata

import (
	"slices"
	"strings"
)

// proseOf makes sentences that fit what the row is about.
func (t *table) proseOf(c *column) func(i int64) string {
	w := t.p.talk
	names := func(theme string) bool {
		return slices.ContainsFunc(t.p.tables, func(u *table) bool { return u.theme == theme })
	}
	staff := t.theme == "review" && !names("product") && !names("film") && !names("book")
	visit := slices.ContainsFunc(t.links, func(l *link) bool { return l.parent.last() == "patient" })
	return func(i int64) string {
		s := t.draw(c, i)
		about, isTicket := t.topic(i)
		switch {
		case isTicket && c.words[0] == "resolution":
			return some(s, about.reply, 1, "")
		case isTicket:
			return t.message(s, i, about)
		case staff:
			return some(s, w.lists["appraisal "+goodBad(t.good(i))], 1+s.n(3), "")
		case t.theme == "review" && (t.last() != "comment" || t.starsColumn() != nil):
			what, _ := t.sold(i)
			return some(s, w.lists["review "+goodBad(t.good(i))], 1+min(s.n(4), s.n(4)), what.name)
		case t.theme == "film" || strings.Contains(strings.Join(t.words, " "), "film"):
			return filmPlot(s)
		case t.isProduct():
			return describeProduct(s, t.product(i))
		case visit && c.hasWord("reason", "complaint", "symptom"):
			return w.say(s, "visit")
		case c.hasWord("description", "item") && slices.ContainsFunc(t.cols, func(o *column) bool { return o.kind == "money" }):
			if what, ok := t.sold(i); ok {
				return what.name
			}
			return w.say(s, "bill")
		}
		return some(s, w.lists["notes"], 1+s.n(2), "")
	}
}

func goodBad(good bool) string {
	if good {
		return "good"
	}
	return "bad"
}

func filmPlot(s *stream) string {
	a := choose(s, adjectives())
	with := func(word string) string { return strings.ToLower(article(word)) + " " + word }
	return article(a) + " " + a + " " + choose(s, []string{"Drama", "Tale", "Story", "Documentary", "Epistle", "Saga"}) +
		" of " + with(choose(s, roles())) + " and " + with(choose(s, roles())) + " who must " +
		choose(s, []string{"find", "outrun", "rescue", "understand", "confront"}) + " " + with(choose(s, roles())) + " in the " +
		choose(s, adjectives()) + " " + choose(s, nouns())
}

// good reports whether row i of a table of reviews praises.
func (t *table) good(i int64) bool {
	stars := t.starsColumn()
	if stars == nil {
		return true
	}
	n, ok := toFloat(stars.cell(i))
	return !ok || n >= 3
}

func (t *table) starsColumn() *column {
	for _, c := range t.cols {
		if c.kind == "stars" && c.link == nil && (c.class == classInt || c.class == classReal) {
			return c
		}
	}
	return nil
}

// sentences joins n different ones.
func sentences(s *stream, list []string, n int64) string {
	first := s.n(int64(len(list)))
	out := list[first]
	for k := int64(1); k < n; k++ {
		out += " " + list[(first+k*3)%int64(len(list))]
	}
	return out
}

func roles() []string {
	return []string{
		"Teacher", "Sailor", "Baker", "Robot", "Astronaut", "Painter", "Detective", "Gardener", "Pilot", "Musician", "Librarian",
		"Boat", "Dentist", "Crocodile", "Student", "Butler", "Chef", "Explorer", "Waitress", "Composer",
	}
}

func features() []string {
	return []string{
		"Two-year warranty.", "Ships within two days.", "Comes in a recyclable box.", "Made in Portugal.", "Tested by our own team.", "A gift box is available.",
		"Free returns within 30 days.", "Limited edition.", "New colours every spring.", "Repairs are free in the first year.", "Well rated by customers.",
	}
}
