package fakedata

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brianvoe/gofakeit/v7"
)

// textMaker fills a column with text of its kind.
func (t *table) textMaker(c *column) func(i int64) any {
	make1 := t.textOf(c)
	if !c.unique {
		return func(i int64) any {
			text := make1(i)
			if text == "" && !c.mustHave() {
				return nil
			}
			return c.fit(text)
		}
	}
	return func(i int64) any {
		text := make1(i)
		switch c.kind {
		case "uuid", "hex":
			if fitted := c.fit(text); fitted == text && len(text) >= 16 {
				return text
			}
		case "email":
			if fitted := c.fit(text); fitted == text && t.theme == "person" && t.whoVia == nil {
				return text
			}
			at := strings.IndexByte(text, '@')
			return c.withNumber("", fmt.Sprintf("%.3s.", text[:at]), i) + text[at:]
		case "username":
			return c.withNumber(text, "", i)
		case "slug":
			if name := t.nameColumn(); name != nil && (name.unique || finite(t.theme) && i < int64(len(t.namesOf(t.theme)))) {
				return c.fit(text)
			}
			return c.withNumber(text, "-", i)
		case "code", "sku", "barcode", "iban":
			if fitted := c.fit(t.serial(c, i)); fitted == t.serial(c, i) {
				return fitted
			}
			return c.withNumber(text, "-", i)
		case "url", "filename", "path":
			return c.withNumber(text, "-", i)
		case "title", "country", "city", "language", "currency", "countrycode", "langcode", "department", "region":
			if list := t.namesOf(t.theme); int64(len(list)) > i && c.kind == "title" && finite(t.theme) {
				return c.fit(list[i])
			}
			if i < t.distinct(c) {
				return c.fit(text)
			}
		}
		return c.withNumber(text, " ", i)
	}
}

// nameColumn is the column that names t's rows, or nil.
func (t *table) nameColumn() *column {
	for _, c := range t.cols {
		if c.kind == "title" && c.link == nil && !c.Generated {
			return c
		}
	}
	for _, c := range t.cols {
		if c.kind == "company" && c.link == nil && !c.Generated && !c.unique {
			return c
		}
	}
	return nil
}

func slug(name string) string {
	var out []string
	for _, w := range strings.Fields(name) {
		if w = fold(w); w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, "-")
}

// serial is a code that no other row has.
func (t *table) serial(c *column, i int64) string {
	width, space := 5, int64(100_000)
	for ; space < t.rows; space *= 10 {
		width++
	}
	n := permute(c.key, i, space)
	switch c.kind {
	case "barcode":
		return fmt.Sprintf("2%012d", n)
	case "iban":
		return fmt.Sprintf("XX00TEST%012d", n)
	}
	if slices.Contains(transactions, t.last()) && t.flows { // numbered as they come
		return fmt.Sprintf("%.3s-%06d", strings.ToUpper(t.last()), i+1)
	}
	s := c.key.at(i)
	return fmt.Sprintf("%s-%0*d", fill(&s, "@@@"), width, n)
}

// distinct is how many rows of a table of places have names of their own.
func (t *table) distinct(c *column) int64 {
	switch {
	case t.theme == "country" && (c.kind == "country" || c.kind == "countrycode"):
		return int64(len(t.p.world.countries))
	case t.theme == "city" && c.kind == "city":
		return int64(len(t.p.world.cities))
	case t.theme == "language" && (c.kind == "language" || c.kind == "langcode"):
		return int64(len(nameList("language", nil, false)))
	case t.theme == "department" && c.kind == "department":
		return int64(len(nameList("department", nil, false)))
	case t.theme == "currency" && c.kind == "currency":
		return int64(len(nameList("currency", nil, false)))
	}
	return 0
}

// textOf is the bare text of a kind.
func (t *table) textOf(c *column) func(i int64) string {
	for _, of := range []func(*column) func(int64) string{t.personText, t.placeText, t.machineText, t.codeText} {
		if f := of(c); f != nil {
			return f
		}
	}
	switch c.kind {
	case "company":
		return func(i int64) string { return t.company(c, i) }
	case "job":
		list := strings.Split(jobs, "|")
		return t.drawn(c, func(s *stream, i int64) string { // the higher the rank, the further down the list
			k := t.rank(i)*int64(len(list))/100 + s.n(3) - 1
			return list[min(max(k, 0), int64(len(list)-1))]
		})
	case "packing":
		return t.drawn(c, func(s *stream, _ int64) string {
			return fmt.Sprintf("%d %s", choose(s, []int64{6, 10, 12, 20, 24, 48}), choose(s, []string{"boxes", "bottles", "bags", "pieces", "jars"}))
		})
	case "department":
		return func(i int64) string { return nameAt("department", i) }
	case "tags", "features":
		return t.drawn(c, func(s *stream, _ int64) string {
			f := gofakeit.NewFaker(s, false)
			return strings.ToLower(f.BuzzWord() + "," + f.BuzzWord())
		})
	case "prose":
		return t.proseOf(c)
	case "subject":
		return t.drawn(c, func(s *stream, i int64) string {
			if t.theme == "review" {
				what, _ := t.sold(i)
				return filled(s, choose(s, t.p.talk.lists["title "+goodBad(t.good(i))]), what.name)
			}
			if about, ok := t.topic(i); ok {
				return about.subject
			}
			return choose(s, adjectives()) + " " + strings.ToLower(choose(s, nouns()))
		})
	case "title":
		return func(i int64) string { return t.title(c, i) }
	case "type":
		return t.drawn(c, func(s *stream, _ int64) string { return choose(s, []string{"standard", "premium", "basic"}) })
	}
	return t.drawn(c, func(s *stream, _ int64) string {
		return strings.ToLower(choose(s, adjectives()) + " " + choose(s, nouns()))
	})
}

// drawn makes text of a stream of its own for each row.
func (t *table) drawn(c *column, f func(s *stream, i int64) string) func(int64) string {
	return func(i int64) string { return f(t.draw(c, i), i) }
}

func (t *table) personText(c *column) func(i int64) string {
	switch c.kind {
	case "first":
		return func(i int64) string { return t.who(i).first.own }
	case "last":
		return func(i int64) string { return t.who(i).last.own }
	case "initial":
		return func(i int64) string { return string([]rune(t.who(i).first.own)[:1]) }
	case "person":
		return func(i int64) string { return t.who(i).full() }
	case "email":
		return func(i int64) string { return t.who(i).email() }
	case "username":
		return func(i int64) string { return t.who(i).username() }
	case "phone":
		return func(i int64) string { return phoneNumber(t.personDraw(c, i), t.who(i).home) }
	case "honorific":
		return func(i int64) string {
			if t.who(i).woman {
				return "Ms"
			}
			return "Mr"
		}
	case "gender":
		return func(i int64) string {
			if t.who(i).woman {
				return "female"
			}
			return "male"
		}
	}
	return nil
}

func (t *table) placeText(c *column) func(i int64) string {
	at := func(f func(p *city) string) func(int64) string {
		return func(i int64) string { return f(t.home(i)) }
	}
	size, _ := typeSize(c.Type)
	switch c.kind {
	case "city":
		return at(func(p *city) string { return p.city })
	case "state":
		return at(func(p *city) string { return p.state })
	case "region":
		return at(func(p *city) string {
			if size > 0 && len([]rune(p.region)) > size {
				return p.state
			}
			return p.region
		})
	case "country":
		if size > 0 && size < 4 {
			return at(func(p *city) string { return p.code })
		}
		return at(func(p *city) string { return p.name })
	case "countrycode":
		return at(func(p *city) string { return p.code })
	case "postcode":
		return func(i int64) string {
			return fill(t.addressDraw(i, func(l *latents) key { return l.postcode }), t.home(i).postcode)
		}
	case "street":
		return func(i int64) string {
			return streetAddress(t.addressDraw(i, func(l *latents) key { return l.street }), t.home(i))
		}
	case "street2":
		return func(i int64) string {
			s := t.addressDraw(i, func(l *latents) key { return l.street2 })
			return choose(s, []string{"Apt ", "Floor ", "Suite ", "Unit "}) + strconv.FormatInt(1+s.n(40), 10)
		}
	case "timezone":
		return at(func(p *city) string { return p.zone })
	case "locale":
		return at(func(p *city) string { return langCode(p.language) + "_" + p.code })
	case "currency":
		if t.theme == "currency" {
			return func(i int64) string { return nameAt("currency", i) }
		}
		return at(func(p *city) string { return p.currency })
	case "language":
		if t.theme == "language" {
			return func(i int64) string { return nameAt("language", i) }
		}
		return at(func(p *city) string { return p.language })
	case "langcode":
		if t.theme == "language" {
			return func(i int64) string { return langCode(nameAt("language", i)) }
		}
		return at(func(p *city) string { return langCode(p.language) })
	}
	return nil
}

// addressDraw is the stream of an address's parts. Rows about the same person
// have the same address: an invoice is billed to where the customer lives.
func (t *table) addressDraw(i int64, part func(*latents) key) *stream {
	if l := t.homeVia; l != nil && t.theme != "address" && (l.parent.theme == "person" || l.parent.theme == "address") {
		if row, ok := l.pick(i); ok {
			return l.parent.addressDraw(row, part)
		}
	}
	return t.latent(part(&t.latents), i)
}

// birthMaker makes birth dates.
func (t *table) birthMaker(c *column) func(i int64) any {
	format := timeFormat(c)
	if c.class == classText {
		format = func(unix int64) any { return dateText(unix, false) }
	}
	return func(i int64) any { return format(t.birthday(i)) }
}

// sized brings bytes to the column's length.
func (c *column) sized(b []byte) []byte {
	for len(b) < c.dom.minLen {
		b = append(b, b[:min(len(b), c.dom.minLen-len(b))]...)
	}
	size, _ := typeSize(c.Type)
	if c.dom.maxLen > 0 && (size == 0 || c.dom.maxLen < size) {
		size = c.dom.maxLen
	}
	if size > 0 && len(b) > size {
		b = b[:size]
	}
	return b
}

// blob is a tiny PNG, or random bytes where the column is not a picture.
func blob(s *stream, kind string) []byte {
	if kind == "image" {
		return append([]byte("\x89PNG\r\n\x1a\n"), []byte(hexText(s, 16))...)
	}
	b := make([]byte, 0, 16)
	b = binary.BigEndian.AppendUint64(b, s.Uint64())
	return binary.BigEndian.AppendUint64(b, s.Uint64())
}
