package fakedata

import "strings"

// proseOf makes sentences that fit what the row is about.
func (t *table) proseOf(c *column) func(i int64) string {
	return func(i int64) string {
		s := t.draw(c, i)
		switch {
		case t.theme == "review" && (t.last() != "comment" || t.starsColumn() != nil):
			return review(s, t.good(i))
		case t.theme == "ticket":
			return sentences(s, complaints(), 1+s.n(3))
		case t.theme == "film" || strings.Contains(strings.Join(t.words, " "), "film"):
			return filmPlot(s)
		case t.theme == "product":
			a := choose(s, adjectives())
			return article(a) + " " + strings.ToLower(a) + " piece for everyday use. " + sentences(s, features(), 1+s.n(3))
		}
		return sentences(s, notes(), 1+s.n(2))
	}
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

// verdict is the title of a review.
func verdict(s *stream, good bool) string {
	if good {
		return choose(s, []string{"Very happy", "Does the job", "As described", "Worth a look", "Recommended", "After one month", "Lovely", "Good value"})
	}
	return choose(s, []string{"Could be better", "Disappointed", "Not for me", "After one month", "Expected more", "Broken on arrival", "Poor quality"})
}

func roles() []string {
	return []string{
		"Teacher", "Sailor", "Baker", "Robot", "Astronaut", "Painter", "Detective", "Gardener", "Pilot", "Musician", "Librarian",
		"Boat", "Dentist", "Crocodile", "Student", "Butler", "Chef", "Explorer", "Waitress", "Composer",
	}
}

func review(s *stream, good bool) string {
	if good {
		return sentences(s, []string{
			"Arrived on time and works as described.", "Would buy it again.", "Good value for the price.", "Looks even better than in the picture.",
			"My family loves it.", "Sturdy and well made.", "Exactly what I needed.", "Easy to set up.", "Second one I ordered, still happy.",
			"The colour is lovely.", "Fits perfectly.",
		}, 1+s.n(3))
	}
	return sentences(s, []string{
		"Stopped working after two weeks.", "Smaller than I expected.", "The box was damaged when it arrived.", "Not worth the money.",
		"Support never answered.", "A part was missing.", "The material feels cheap.", "Returned it the same day.", "Does not match the description.",
		"Took three weeks to arrive.", "It wobbles.",
	}, 1+s.n(3))
}

func complaints() []string {
	return []string{
		"My parcel has not arrived yet.", "The tracking page has not changed for five days.", "I was charged twice for the same order.",
		"Please change the delivery address.", "One item was missing from the box.", "The discount was not applied at checkout.",
		"I would like to return the item.", "Could you send me the invoice again?", "The item arrived broken.",
		"I cannot log in with my e-mail address.", "When will my refund be paid out?",
	}
}

func features() []string {
	return []string{
		"Easy to clean.", "Made to last.", "Fits in any bag.", "Comes in a recyclable box.", "Two-year warranty.", "Assembled in minutes.",
		"Works indoors and outdoors.", "Designed for small spaces.", "Safe for children.", "Refills are available.", "Quiet and light.",
	}
}

func notes() []string {
	return []string{
		"Checked and found in order.", "Follow up next week.", "Customer called to confirm.", "No further action needed.",
		"Waiting for a reply.", "Details were agreed by phone.", "Updated after the last review.", "Please handle with care.",
		"Moved here from the old list.", "Approved by the team lead.", "Needs another look before the end of the month.",
	}
}

func subject(s *stream, theme string) string {
	if theme == "ticket" {
		return choose(s, []string{
			"Where is my parcel?", "Charged twice", "Wrong item delivered", "Return request", "Cannot log in", "Invoice needed",
			"Refund not received", "Change of address", "Discount code does not work", "Item arrived broken", "Question about delivery time",
		})
	}
	return choose(s, adjectives()) + " " + strings.ToLower(choose(s, nouns()))
}
