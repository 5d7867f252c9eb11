package fakedata

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed catalogue.txt
var catalogueText string

// shelf is a category of things that are sold.
type shelf struct {
	name   string
	above  string // the category that it belongs to; "": none
	things []thing
}

// thing is what a product is, and between how many cents its price lies.
type thing struct {
	name   string
	lo, hi int64
}

// newCatalogue reads catalogue.txt.
func newCatalogue() []shelf {
	var out []shelf
	for line := range strings.Lines(catalogueText) {
		name, list, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		s := shelf{}
		s.name, s.above, _ = strings.Cut(name, " < ")
		for _, item := range strings.Split(list, ", ") {
			f := strings.Fields(item)
			t := thing{name: strings.Join(f[:len(f)-2], " ")}
			if _, err := fmt.Sscan(f[len(f)-2]+" "+f[len(f)-1], &t.lo, &t.hi); err != nil {
				panic("catalogue.txt: " + err.Error()) // a test reads the whole file
			}
			s.things = append(s.things, t)
		}
		out = append(out, s)
	}
	return out
}

// shelfNames are the categories of catalogue.txt, as a list for nameList.
func shelfNames(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			name, _, _ = strings.Cut(name, " < ")
			out = append(out, name)
		}
	}
	return strings.Join(out, "|")
}

// above is the row of the category that category i belongs to.
func (t *table) above(i int64) (row int64, known bool) {
	shelves := t.p.catalogue
	if t.theme != "category" || i >= int64(len(shelves)) || len(t.namesOf("category")) != len(shelves) {
		return 0, false
	}
	row = int64(slices.IndexFunc(shelves, func(s shelf) bool { return s.name == shelves[i].above }))
	return row, row < t.rows
}

// product is the thing that row i of a table of products is; it lies on the
// shelf of the row's category.
func (t *table) product(i int64) thing {
	shelves := t.p.catalogue
	s := t.latents.title.at(i)
	k := s.n(int64(len(shelves)))
	if t.shelfVia != nil {
		if row, ok := t.shelfVia.pick(i); ok {
			k = row % int64(len(shelves))
		}
	}
	return choose(&s, shelves[k].things)
}

// shelfLink is the reference to the category of t's rows, or nil.
func (t *table) shelfLink() *link {
	for _, l := range t.links {
		if l.parent.theme == "category" && l.parent.index < t.index && !l.nullable && len(l.parent.namesOf("category")) == len(t.p.catalogue) {
			return l
		}
	}
	return nil
}

// isProduct reports whether t's rows are products; an item that lies in runs
// under its order is not one.
func (t *table) isProduct() bool { return t.theme == "product" && t.owner == nil }

// productName makes the thing one among others.
func productName(s *stream, what thing) string {
	makers := []string{
		"Nordvik", "Alder & Co", "Brisa", "Kestrel", "Lumio", "Oakfield", "Tarvo", "Pinetree", "Hollin", "Arden", "Solano", "Quell", "Merrow", "Vasto", "Elmstone",
	}
	looks := []string{
		"Classic", "Compact", "Large", "Small", "Foldable", "Black", "White", "Grey", "Blue", "Green", "Oak", "Steel", "Bamboo", "Set of 2", "Pro", "Light", "Mini", "Original",
	}
	name := what.name
	if s.chance(70) {
		name = choose(s, makers) + " " + name
	}
	if s.chance(65) {
		name += ", " + choose(s, looks)
	}
	return name
}

func describeProduct(s *stream, what thing) string {
	return choose(s, []string{
		what.name + " for everyday use.", article(what.name) + " " + strings.ToLower(what.name) + " that lasts.", "Our most popular " + strings.ToLower(what.name) + ".",
		"New this season: " + strings.ToLower(what.name) + ".", what.name + ", made in small batches.", "The " + strings.ToLower(what.name) + " you keep for years.",
	}) + " " + sentences(s, features(), 1+s.n(3))
}

// sold is the product that row i is about, if its table says so.
func (t *table) sold(i int64) (thing, bool) {
	if t.isProduct() {
		return t.product(i), true
	}
	for _, l := range t.links {
		if l.parent.isProduct() && l.parent.index < t.index {
			if row, ok := l.pick(i); ok {
				return l.parent.product(row), true
			}
		}
	}
	return thing{}, false
}

// tagged is a price for what a row is: the same for the same name, or that of
// a plan, which rises from plan to plan. nil where the table says nothing.
func (t *table) tagged(c *column, scale int) *number {
	seats := c.kind == "quantity" && c.hasWord("seats", "users")
	if !seats && (c.kind != "money" || !c.hasWord("price", "cost", "msrp") || c.hasWord("total")) {
		return nil
	}
	cents := func(n int64) int64 { // in units of the column
		if c.class == classInt && !c.hasWord("cents") {
			return n / 100
		}
		for k := 2; k < scale; k++ {
			n *= 10
		}
		if scale == 1 {
			n /= 10
		}
		return n
	}
	if t.isProduct() && !seats {
		return t.within(c, &number{why: "what the product is", units: func(i int64) int64 {
			what := t.product(i)
			return cents(drawNumber(t.draw(c, i), what.lo, what.hi, priced))
		}}, scale)
	}
	for _, name := range t.cols {
		if name.dom.enum == nil || name.class != classText || name.link != nil || !slices.Contains([]string{"title", "prose", "type", "subject"}, name.kind) {
			continue
		}
		steps := []int64{0, 900, 2900, 7900, 19900, 49900}
		free, _ := name.dom.enum[0].(string)
		if name.unique && strings.EqualFold(free, "free") && len(name.dom.enum) <= len(steps) {
			step := func(i int64) int { return max(0, slices.Index(name.dom.enum, name.cell(i))) }
			if seats {
				return t.within(c, &number{why: "the plan", units: func(i int64) int64 { return []int64{1, 3, 10, 50, 250, 1000}[step(i)] }}, 0)
			}
			return t.within(c, &number{why: "the plan", units: func(i int64) int64 { return cents(steps[step(i)]) }}, scale)
		}
		if seats {
			continue
		}
		lo, hi := int64(1500), int64(30_000)
		return t.within(c, &number{why: "that of all of the same " + name.Name, units: func(i int64) int64 {
			s := c.key.at(int64(slices.Index(name.dom.enum, name.cell(i))))
			return cents(drawNumber(&s, lo, hi, priced))
		}}, scale)
	}
	return nil
}
