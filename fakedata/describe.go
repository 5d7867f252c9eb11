package fakedata

import (
	"fmt"
	"slices"
	"strings"
)

// Describe is the DATA.md that a model gets along with the dataset: tables,
// columns and what they mean, keys, relations, row counts, and what is odd about
// such data anywhere. It says nothing of the defects. A recipe that Generate would refuse gives
// the reason instead.
func Describe(s *Schema, r Recipe) string {
	p, err := newPlan(s, r)
	if err != nil {
		return "No dataset: " + err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Dataset %s\n\nAll of it is synthetic: no person, address or number in it is real.\n"+
		"Today, in this dataset, is %s. Moments are YYYY-MM-DD HH:MM:SS in UTC where nothing else is said.\n", oneLine(s.Name), r.Clock.UTC().Format("2006-01-02"))
	for _, t := range p.tables {
		fmt.Fprintf(&b, "\n## %s (%d rows)\n\n", oneLine(t.Name), t.written())
		for _, c := range t.cols {
			fmt.Fprintf(&b, "- %s\n", strings.Join(t.describe(c), ", "))
		}
		for _, k := range t.Keys {
			if len(k.Columns) > 1 {
				fmt.Fprintf(&b, "- %s: (%s)\n", map[bool]string{true: "primary key", false: "unique"}[k.Primary], t.names(k.Columns))
			}
		}
		for _, fk := range t.ForeignKeys {
			if len(fk.Columns) > 1 {
				parent := p.tables[fk.Table]
				fmt.Fprintf(&b, "- (%s) → %s (%s)\n", t.names(fk.Columns), oneLine(parent.Name), parent.names(fk.To))
			}
		}
	}
	if views := p.views(s); views != nil {
		fmt.Fprintf(&b, "\n## Views\n\n- %s\n", strings.Join(views, "\n- "))
	}
	if odd := p.oddities(); odd != nil {
		fmt.Fprintf(&b, "\n## Good to know\n\n- %s\n", strings.Join(odd, "\n- "))
	}
	return b.String()
}

func (p *plan) views(s *Schema) []string {
	var out []string
	for _, o := range s.objects {
		if o.kind == "view" {
			out = append(out, oneLine(o.name))
		}
	}
	return out
}

// describe lists what is worth knowing about a column.
func (t *table) describe(c *column) []string {
	out := []string{strings.TrimSpace(oneLine(c.Name) + " " + oneLine(c.Type))}
	for _, k := range t.Keys {
		if len(k.Columns) == 1 && k.Columns[0] == c.index {
			out = append(out, map[bool]string{true: "primary key", false: "unique"}[k.Primary])
		}
	}
	if !c.NotNull {
		out = append(out, "may be NULL")
	}
	if c.Generated {
		out = append(out, "computed")
	}
	for _, fk := range t.ForeignKeys {
		if len(fk.Columns) == 1 && fk.Columns[0] == c.index {
			parent := t.p.tables[fk.Table]
			out = append(out, "→ "+oneLine(parent.Name)+"."+oneLine(parent.cols[fk.To[0]].Name))
		}
	}
	if m := t.meaning(c); m != "" {
		out = append(out, m)
	}
	if c.dom.enum != nil && len(c.dom.enum) <= 12 {
		var vs []string
		for _, v := range c.dom.enum {
			vs = append(vs, oneLine(show(v)))
		}
		out = append(out, "one of "+strings.Join(vs, " | "))
	}
	return out
}

// meaning says in words what c holds, where its name does not already; "" there.
func (t *table) meaning(c *column) string {
	switch {
	case c.link != nil && !c.link.declared:
		return "as in " + oneLine(c.link.parent.Name)
	case c.link != nil:
		return ""
	case c.ordinal:
		return "1, 2, 3 … within one row of " + oneLine(t.owner.parent.Name)
	case c.number != nil:
		return c.number.meaning(c)
	case c.kind == "time":
		return t.momentMeaning(c)
	}
	return map[string]string{
		"birth": "date of birth", "email": "e-mail address", "code": "code for people to read", "sku": "stock keeping unit", "iban": "account number",
		"card": "card number, a test one", "countrycode": "ISO 3166 code", "currency": "ISO 4217 code", "langcode": "ISO 639 code", "prose": "free text",
		"json": "JSON", "slug": "name in URLs", "locale": "language_COUNTRY", "hex": "hexadecimal", "ip": "of the documentation ranges",
	}[c.kind]
}

func (n *number) meaning(c *column) string {
	out := ""
	switch {
	case c.kind == "money" && c.hasWord("cents"):
		out = "hundredths of the currency"
	case c.kind == "money" && n.scale > 0:
		out = fmt.Sprintf("%d decimal places", n.scale)
	}
	for _, tells := range []string{"the sum of ", "that of ", "a movement of ", " × "} {
		if strings.Contains(n.why, tells) {
			return strings.TrimPrefix(out+", "+oneLine(n.why), ", ")
		}
	}
	return out
}

func (t *table) momentMeaning(c *column) string {
	form := ""
	switch v := timeFormat(c)(0).(type) {
	case int64:
		form = "Unix seconds"
		if timeFormat(c)(1) == any(int64(1000)) {
			form = "Unix milliseconds"
		}
	case string:
		switch len(v) {
		case len("2006-01-02"):
			form = "YYYY-MM-DD"
		case len("15:04:05"):
			form = "HH:MM:SS"
		default:
			form = "" // as said above
		}
	}
	if !c.mustHave() && stageFor(t, c) != created {
		form = strings.TrimPrefix(form+", NULL until then", ", ")
	}
	return form
}

// oddities are what surprises in such data anywhere, and is no defect.
func (p *plan) oddities() []string {
	var out []string
	say := func(yes bool, format string, args ...any) {
		if yes {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	people := func(t *table) bool { return t.theme == "person" }
	say(slices.ContainsFunc(p.tables, people), "People live in several countries; names, streets and cities are written as people there write them, family names first in Japan and China.")
	say(slices.ContainsFunc(p.tables, people), "Two people may have the same name. An e-mail address may carry a tag behind a +.")
	for _, t := range p.tables {
		name := oneLine(t.Name)
		for _, c := range t.cols {
			say(c.number != nil && strings.HasPrefix(c.number.why, "the sum of"), "%s.%s is %s.", name, oneLine(c.Name), oneLine(c.number.reason()))
		}
		for _, l := range t.links {
			say(l.how == bySelf && l.nullable, "%s is a tree: who is at the top has no %s.", name, t.names(l.cols))
		}
		say(slices.Contains(transactions, t.last()) && slices.ContainsFunc(t.cols, func(c *column) bool {
			return c.kind == "status" && (slices.Contains(c.dom.enum, any("cancelled")) || slices.Contains(c.dom.enum, any("canceled")))
		}), "%s that were cancelled stay, with their amounts: leave them out of sums.", name)
	}
	say(slices.ContainsFunc(p.tables, func(t *table) bool {
		return slices.ContainsFunc(t.cols, func(c *column) bool { return c.kind == "currency" && t.theme != "currency" })
	}), "Amounts are in the currency of their row; sums across currencies mean nothing.")
	say(slices.ContainsFunc(p.tables, func(t *table) bool { return t.flows && !t.root }), "Business grows over three years, is quiet at night and on weekends, and peaks before the end of the year.")
	return out
}

// reason is why, also of no number.
func (n *number) reason() string {
	if n == nil {
		return ""
	}
	return n.why
}

func (t *table) names(cols []int) string {
	var out []string
	for _, c := range cols {
		if c >= 0 {
			out = append(out, oneLine(t.Columns[c].Name))
		}
	}
	return strings.Join(out, ", ")
}
