package fakedata

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// structural generators follow from the schema; a plan shows them, but what
// they make is not a matter of choice.
func structural() []string {
	return []string{"reference", "counter", "copy", "computed", "choice", "pattern"}
}

// generators lists what a plan may name as a column's generator, sorted.
func generators() []string {
	out := []string{"bool", "time", "state", "plain"}
	for _, r := range kindRules() {
		out = append(out, r.kind)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// WritePlan is the plan of a dataset as TOML text: per table the rows, per
// column the generator and, as a comment, why it was chosen. schema is what
// names the schema to a later reader: a built-in name or a path.
func WritePlan(s *Schema, r Recipe, schema string) (string, error) {
	p, err := newPlan(s, r)
	if err != nil {
		return "", fmt.Errorf("planning schema %q: %w", s.Name, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# How the dataset is made. Change what you like, then: glovebox data generate --plan THIS-FILE\n"+
		"schema = %s\nseed = %d\nrows = %d # of the largest tables\nmess = %s # share of rows with a defect, for each kind of defect\n",
		TOMLString(schema), r.Seed, r.scaled(int64(r.Rows)), tomlFloat(r.Mess))
	b.WriteString("\n[locales] # how many people live where, as weights\n")
	for _, c := range p.world.countries {
		if c.weight > 0 {
			fmt.Fprintf(&b, "%s = %d # %s\n", c.code, c.weight, c.name)
		}
	}
	for _, t := range p.tables {
		fmt.Fprintf(&b, "\n[table.%s]\nrows = %d # %s\n", tomlKey(t.Name), t.rows, t.whyRows())
		if t.file.Mess != nil {
			fmt.Fprintf(&b, "mess = %s\n", tomlFloat(*t.file.Mess))
		}
		if len(t.cols) == 0 {
			continue
		}
		fmt.Fprintf(&b, "[table.%s.columns]\n", tomlKey(t.Name))
		for _, c := range t.cols {
			generator, why := t.choice(c)
			fields := []string{"generator = " + TOMLString(generator)}
			fmt.Fprintf(&b, "%s = { %s } # %s\n", tomlKey(c.Name), strings.Join(append(fields, t.shown(c)...), ", "), oneLine(why))
		}
	}
	return b.String(), nil
}

// Plain lists the columns, as table.column, of whose name this package made
// nothing: they hold numbers or words that fit their type, no more.
func Plain(s *Schema, r Recipe) ([]string, error) {
	p, err := newPlan(s, r)
	if err != nil {
		return nil, fmt.Errorf("planning schema %q: %w", s.Name, err)
	}
	var out []string
	for _, t := range p.tables {
		for _, c := range t.cols {
			if g, _ := t.choice(c); g == "plain" && c.file.Generator == "" {
				out = append(out, t.Name+"."+c.Name)
			}
		}
	}
	return out, nil
}

// choice names what fills c, and why. It follows maker.
func (t *table) choice(c *column) (generator, why string) {
	switch {
	case c.Generated:
		return "computed", "the database computes it"
	case c.link != nil && c.link.declared:
		return "reference", "foreign key to " + c.link.parent.Name + "." + c.link.parent.Columns[c.link.target(c.index)].Name + c.link.manner()
	case c.link != nil:
		return "reference", "named like the key of " + c.link.parent.Name + c.link.manner()
	case t.copied(c) != nil:
		return "copy", "same name in the table that this one extends"
	case c.ordinal:
		return "counter", "numbers the rows of one " + t.owner.parent.Name
	case c.unique && (c.kind == "time" || c.kind == "birth") && c.dom.enum == nil:
		return c.kind, "unique: successive moments"
	case c.unique && (c.countable() || c.class == classReal):
		if len(t.Keys) > 0 && t.Keys[0].Primary && slices.Contains(t.Keys[0].Columns, c.index) {
			return "counter", "primary key"
		}
		return "counter", "unique"
	case c.file.Values != nil:
		return c.structuralKind("choice"), "the plan's values"
	case c.dom.enum != nil:
		return c.structuralKind("choice"), "CHECK"
	case c.dom.patterns != nil:
		return c.structuralKind("pattern"), "CHECK"
	case c.number != nil && c.number.why != "":
		return c.kind, c.number.why
	case c.kind == "time":
		return c.kind, "name or type: when it was " + stageFor(t, c).String()
	case c.kind == "plain":
		return c.kind, "only its type says something"
	case byType(c) == c.kind:
		return c.kind, "type"
	case c.file.Generator != "" && c.file.Generator != kindOf(t, c):
		return c.kind, "the plan"
	}
	return c.kind, "name"
}

// structuralKind keeps the kind where it shapes the choice, as a status does.
func (c *column) structuralKind(otherwise string) string {
	if c.kind == "plain" || c.kind == "choice" {
		return otherwise
	}
	return c.kind
}

func (l *link) manner() string {
	return map[linkHow]string{
		byOwner: ", in runs of rows", byRow: ", one for one", bySelf: ", a tree", byMirror: ", the same as its other parent's",
		byBack: ", one of those that refer back", byAnchor: ", among those that share a parent", byPlace: ", where the row is",
		byDistinct: ", long-tailed, no two alike", byPick: ", long-tailed",
	}[l.how]
}

// shown lists the settings of c that a plan can change, with their values.
func (t *table) shown(c *column) []string {
	var out []string
	switch {
	case c.Generated || c.unique || c.ordinal:
		return nil
	case t.listed(c) != nil:
		enum := t.listed(c)
		vs, ws := make([]string, len(enum)), []string(nil)
		for i, v := range enum {
			if vs[i] = show(v); !numericValue(v) {
				vs[i] = TOMLString(vs[i])
			}
		}
		out = append(out, "values = ["+strings.Join(vs, ", ")+"]")
		for _, w := range c.file.Weights {
			ws = append(ws, tomlFloat(w))
		}
		if ws != nil {
			out = append(out, "weights = ["+strings.Join(ws, ", ")+"]")
		}
	case c.link == nil && c.number != nil && c.number.why == "":
		n := c.number
		unit := math.Pow10(n.scale)
		out = append(out, "from = "+tomlFloat(float64(n.lo)/unit), "to = "+tomlFloat(float64(n.hi)/unit), "shape = "+TOMLString(n.spread.String()))
	}
	if share := t.nullShare(c); share > 0 {
		out = append(out, "nulls = "+tomlFloat(float64(share)/1e4))
	}
	return out
}

// listed is the list of values that a plan shows and may change.
func (t *table) listed(c *column) []any {
	inKey := slices.ContainsFunc(t.Keys, func(k Key) bool { return slices.Contains(k.Columns, c.index) })
	if c.dom.enum == nil && (inKey || c.link != nil || t.copied(c) != nil || c.kind == "time") {
		return nil
	}
	return c.choices(t)
}

func numericValue(v any) bool {
	_, ok := toFloat(v)
	return ok
}

func (t *table) whyRows() string {
	switch {
	case t.p.recipe.Tables[t.Name] != 0:
		return "as asked for"
	case t.file.Rows != nil:
		return "the plan"
	case finite(t.theme):
		return "few such things exist"
	case t.possession() && t.owner != nil:
		return "each of " + oneLine(t.owner.parent.Name) + " has a few"
	case t.owner != nil && !t.referenced():
		return "as many as the recipe says; those of one " + oneLine(t.owner.parent.Name) + " follow each other"
	case t.small():
		return "few run the business"
	case t.referenced():
		return "a share: other tables refer to it"
	}
	return "as many as the recipe says"
}

// TOMLString is s as a basic string of TOML, which serves as a key, too.
func TOMLString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || !unicode.IsPrint(r) && r != ' ':
			fmt.Fprintf(&b, "\\U%08X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// tomlKey is a bare key where TOML allows one.
func tomlKey(s string) string {
	bare := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) < 0
	if bare {
		return s
	}
	return TOMLString(s)
}

func tomlFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
