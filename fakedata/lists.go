package fakedata

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brianvoe/gofakeit/v7"
)

// jobs, from the first to the last step of a career.
const jobs = "Warehouse Clerk|Customer Support Agent|Sales Support Agent|Office Assistant|Technician|Buyer|Accountant|Designer|Data Analyst|" +
	"Account Manager|HR Partner|Warehouse Lead|Store Manager|Office Manager|Marketing Manager|Software Engineer|Product Manager|" +
	"IT Manager|Operations Lead|Finance Manager|General Manager|Vice President"

func adjectives() []string {
	return []string{
		"Crimson", "Silent", "Golden", "Hidden", "Northern", "Broken", "Distant", "Velvet", "Wandering", "Electric", "Paper", "Winter",
		"Hollow", "Scarlet", "Burning", "Quiet", "Restless", "Silver", "Midnight", "Forgotten", "Bright", "Endless", "Wild", "Copper",
		"Gentle", "Lonely", "Amber", "Salty", "Early", "Glass", "Second", "Secret", "Slow", "Stolen", "Sunday", "Young", "Faraway", "Borrowed",
	}
}

func nouns() []string {
	return []string{
		"Harbour", "Garden", "River", "Lantern", "Mirror", "Season", "Letter", "Mountain", "Orchard", "Shadow", "Station", "Summer",
		"Tide", "Voyage", "Window", "Bridge", "Carnival", "Compass", "Dream", "Echo", "Feather", "Fire", "Ghost", "Highway", "Island",
		"Journey", "Kingdom", "Meadow", "Moon", "Ocean", "Promise", "Road", "Sky", "Song", "Storm", "Street", "Thunder", "Valley",
	}
}

// nameList is what the rows of a small table are called; screen says that the
// schema is about films.
func nameList(theme string, ws []string, screen bool) []string {
	last := ""
	if len(ws) > 0 {
		last = ws[len(ws)-1]
	}
	has := func(w string) bool { return slices.Contains(ws, w) }
	list := ""
	switch {
	case has("media") || has("format"):
		list = "MPEG audio file|Protected AAC audio file|AAC audio file|Purchased AAC audio file|Lossless audio file"
	case theme == "category" && screen:
		list = "Action|Animation|Children|Classics|Comedy|Documentary|Drama|Family|Foreign|Games|Horror|Music|New|Sci-Fi|Sports|Travel"
	case theme == "genre" && screen:
		list = "Drama|Comedy|Thriller|Action|Animation|Documentary|Fantasy|Horror|Mystery|Romance|Science Fiction|Western|Crime|Family|War"
	case theme == "genre":
		list = "Rock|Jazz|Pop|Blues|Classical|Electronic|Folk|Hip Hop|Latin|Metal|Reggae|Soul|Soundtrack|World|Country|Alternative|" +
			"Ambient|Dance|House|Gospel|Opera|Punk|R&B|Ska|Easy Listening"
	case theme == "language":
		list = "English|German|French|Spanish|Italian|Portuguese|Dutch|Swedish|Japanese|Hindi|Mandarin|Arabic|Russian|Polish|Turkish|Korean"
	case theme == "currency":
		list = "USD|EUR|GBP|JPY|CAD|AUD|CHF|SEK|BRL|INR|NOK|DKK|PLN|NZD|SGD|MXN"
	case theme == "department":
		list = "Sales|Engineering|Finance|Marketing|Human Resources|Operations|Customer Support|Legal|Purchasing|Logistics|Research|IT"
	case theme == "region":
		list = "North|South|East|West|Central|Northeast|Northwest|Southeast|Southwest|Coast"
	case last == "role":
		list = "admin|editor|viewer|member|owner|support|billing|guest"
	case last == "permission":
		list = "read|write|delete|share|export|invite|manage users|manage billing"
	case last == "status" || last == "state":
		list = "new|active|pending|paused|completed|cancelled|archived"
	case last == "priority" || last == "level" || last == "class":
		list = "low|normal|high|urgent|critical"
	case last == "unit":
		list = "piece|kilogram|litre|metre|box|pair|hour|pallet"
	case last == "method":
		list = "card|bank transfer|cash|paypal|voucher|direct debit"
	case last == "type" || last == "kind":
		list = "standard|premium|basic|trial|internal|partner"
	case last == "tag" || last == "topic":
		list = "new|sale|featured|bestseller|gift|outdoor|handmade|organic|limited|vintage|refurbished|clearance|popular|staff pick|seasonal|eco|premium|kids|travel|local"
	case theme == "category":
		list = shelfNames(catalogueText)
	}
	if list == "" {
		return nil
	}
	return strings.Split(list, "|")
}

// namesOf is the nameList of t's own rows or of another theme in its schema.
func (t *table) namesOf(theme string) []string {
	screen := slices.ContainsFunc(t.p.tables, func(u *table) bool { return u.theme == "film" })
	if theme == "category" && t.last() == "tag" && slices.ContainsFunc(t.p.tables, func(u *table) bool { return u.theme == "ticket" }) {
		return t.p.talk.lists["tag help"]
	}
	return nameList(theme, t.words, screen)
}

// nameAt is the i-th name of a theme, from the beginning again after the last.
func nameAt(theme string, i int64) string {
	list := nameList(theme, nil, false)
	return list[i%int64(len(list))]
}

func langCode(language string) string {
	return map[string]string{
		"English": "en", "German": "de", "French": "fr", "Spanish": "es", "Italian": "it", "Portuguese": "pt", "Dutch": "nl",
		"Swedish": "sv", "Japanese": "ja", "Hindi": "hi", "Mandarin": "zh", "Arabic": "ar", "Russian": "ru", "Polish": "pl",
		"Turkish": "tr", "Korean": "ko",
	}[language]
}

// usual values of columns that hold one of a few words.
func usual(t *table, c *column) (string, bool) {
	switch c.kind {
	case "status":
		if t.theme == "person" || t.theme == "company" || t.theme == "product" {
			return "active|inactive|pending", true
		}
		if t.theme == "post" || t.theme == "course" {
			return "published|draft|archived", true
		}
		return "pending|confirmed|shipped|completed|cancelled", true
	case "priority":
		return "normal|low|high|urgent", true
	case "method":
		if c.hasWord("channel", "source", "medium", "via", "origin") {
			return "web|email|phone|app|store|partner", true
		}
		return "card|bank transfer|paypal|cash", true
	case "type":
		if c.hasWord("category") {
			return strings.Join(nameList("category", nil, false), "|"), t.theme != "category"
		}
		return "standard|premium|basic|trial", !c.hasWord("category", "genre") || t.theme != "category"
	case "color":
		return "black|white|grey|blue|red|green|brown|yellow|navy|beige", true
	case "size":
		return "M|S|L|XL|XS|XXL", true
	case "material":
		return "cotton|wood|steel|glass|leather|wool|ceramic|plastic|linen|bamboo", true
	case "mime":
		return "application/pdf|image/png|image/jpeg|text/csv|text/plain|application/json", true
	case "department":
		return strings.Join(nameList("department", nil, false), "|"), t.theme != "department"
	case "weekday":
		return "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday", true
	}
	return "", false
}

// title names what a row of t is.
func (t *table) title(c *column, i int64) string {
	s := t.draw(c, i)
	if list := t.namesOf(t.themeOfTitle(c)); list != nil {
		if i < int64(len(list)) || finite(t.theme) {
			return list[i%int64(len(list))]
		}
		return choose(s, list)
	}
	a, b := choose(s, adjectives()), choose(s, nouns())
	if t.last() == "key" || t.last() == "token" {
		return t.p.talk.say(s, "key")
	}
	switch t.themeOfTitle(c) {
	case "artist":
		return choose(s, []string{"The " + a + " " + b + "s", a + " " + b, b + " & " + choose(s, nouns()), choose(s, nouns()) + " " + b})
	case "playlist":
		return choose(s, []string{a + " Mix", b + " Favourites", "Best of " + b, "Music for " + strings.ToLower(article(a)) + " " + a + " Evening", a + " " + b})
	case "product":
		return productName(s, t.product(i))
	case "store":
		return a + " " + b + " Store"
	case "project":
		return "Project " + gofakeit.NewFaker(s, false).AppName()
	case "task":
		f := gofakeit.NewFaker(s, false)
		return choose(s, []string{"Prepare", "Review", "Update", "Fix", "Plan", "Test"}) + " the " + f.HackerAdjective() + " " + f.HackerNoun()
	case "event":
		return a + " " + b + choose(s, []string{" Festival", " Conference", " Workshop", " Meetup"})
	case "course":
		return choose(s, []string{"Introduction to ", "Advanced ", "Foundations of "}) +
			choose(s, []string{"Statistics", "Biology", "Programming", "Economics", "History", "Design", "Chemistry", "Logic"})
	}
	return choose(s, []string{"The " + a + " " + b, a + " " + b, b + " of " + choose(s, nouns()), article(a) + " " + a + " " + b})
}

// themeOfTitle is what the column names: the row itself, or what its own name says.
func (t *table) themeOfTitle(c *column) string {
	for _, w := range c.words {
		switch w {
		case "track", "song":
			return "track"
		case "album", "artist", "playlist", "film", "movie", "book", "product", "genre", "category", "store", "task", "project", "event", "course":
			return w
		}
	}
	return t.theme
}

func article(word string) string {
	if strings.ContainsRune("AEIOU", rune(word[0])) {
		return "An"
	}
	return "A"
}

// company is the name of a firm in row i: after its founder, or what it does.
func (t *table) company(c *column, i int64) string {
	s := t.draw(c, i)
	at := t.home(i).country
	if t.theme != "company" && t.theme != "store" && !slices.ContainsFunc(t.cols, func(c *column) bool { return c.kind == "country" || c.kind == "city" }) {
		at = t.p.world.pick(s).country // a business partner may sit anywhere
	}
	ends := map[string]string{
		"US": "Inc|LLC|Corp", "CA": "Inc|Ltd", "GB": "Ltd|PLC|LLP", "IE": "Ltd|DAC", "AU": "Pty Ltd", "DE": "GmbH|AG|KG", "FR": "SARL|SAS", "ES": "SL|SA",
		"PT": "Lda|SA", "BR": "Ltda|SA", "IT": "Srl|SpA", "NL": "BV", "SE": "AB", "MX": "SA de CV", "RU": "OOO", "JP": "KK", "IN": "Pvt Ltd",
	}[at.code]
	if ends == "" {
		ends = "Ltd|Co"
	}
	trade := choose(s, strings.Split("Logistics|Foods|Consulting|Textiles|Software|Energy|Print|Furniture|Travel|Media|Tools|Farms|Insurance|Dental|Motors|Design|"+
		"Security|Packaging|Optics|Plumbing|Events|Robotics|Paper|Glass|Analytics|Catering", "|"))
	founder := func() string { // in Latin letters, so that it can be written everywhere
		n := choose(s, at.last)
		if n.own[0] < utf8.RuneSelf {
			return n.own
		}
		return strings.ToUpper(n.folded[:1]) + n.folded[1:]
	}
	name := choose(s, []string{founder() + " " + trade, founder() + " " + trade, founder(), founder() + " & " + founder(), choose(s, nouns()) + " " + trade})
	return name + " " + choose(s, strings.Split(ends, "|"))
}

// userAgent is that of a browser of the last years.
func userAgent(s *stream) string {
	major := strconv.FormatInt(118+min(s.n(22), s.n(22)), 10)
	return strings.ReplaceAll(choose(s, []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36",
		"curl/8.5.0",
	}), "{v}", major)
}
