package fakedata

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"
)

// maxPlan bounds a plan file, in bytes.
const maxPlan = 8 << 20

// A Plan is what a person may read and change of how a dataset is made. Its
// text is TOML; what it leaves out is decided as without a plan.
type Plan struct {
	Schema string   `toml:"schema"` // built-in name or path of the schema's file
	Seed   *int64   `toml:"seed"`
	Rows   int      `toml:"rows"`
	Mess   *float64 `toml:"mess"`

	// Locales weighs the countries, by ISO code; one that is missing here has
	// no people. nil: the usual mixture.
	Locales map[string]int64 `toml:"locales"`
	// Defects weighs the kinds of mess: 1 is the rate that Mess says, 0 none.
	Defects map[string]float64   `toml:"defects"`
	Tables  map[string]tablePlan `toml:"table"`
}

type tablePlan struct {
	Rows    *int64                `toml:"rows"`
	Mess    *float64              `toml:"mess"` // rate of this table
	Columns map[string]columnPlan `toml:"columns"`
}

type columnPlan struct {
	Generator string    `toml:"generator"`
	Nulls     *float64  `toml:"nulls"`  // share of NULLs
	Values    []any     `toml:"values"` // the only values
	Weights   []float64 `toml:"weights"`
	From      *float64  `toml:"from"` // bounds of a number
	To        *float64  `toml:"to"`
	Shape     string    `toml:"shape"` // of numbers
}

// ParsePlan reads the text of a plan. An unknown key is an error.
func ParsePlan(text string) (*Plan, error) {
	if len(text) > maxPlan {
		return nil, fmt.Errorf("the plan is larger than %d bytes", maxPlan)
	}
	p := &Plan{}
	meta, err := toml.Decode(text, p)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("the plan does not parse: line %d: %s", at.Position.Line, oneLine(at.Message))
		}
		return nil, fmt.Errorf("the plan does not parse: %s", oneLine(strings.TrimPrefix(err.Error(), "toml: ")))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("the plan has a key that means nothing: %s", oneLine(unknown[0].String()))
	}
	return p, nil
}

// applyPlan takes over what the recipe's plan says of tables and columns. What
// it names must exist.
func (p *plan) applyPlan(file *Plan) error {
	p.file = file
	for _, code := range sortedKeys(file.Locales) {
		if w := file.Locales[code]; w < 0 || w > 1_000_000 {
			return fmt.Errorf("plan: locales.%s is %d: a weight is from 0 to 1000000", oneLine(code), w)
		}
	}
	if err := p.world.weigh(file.Locales); err != nil {
		return err
	}
	for _, kind := range sortedKeys(file.Defects) {
		if !slices.Contains(Defects(), kind) {
			return fmt.Errorf("plan: there is no kind of defect %q%s", oneLine(kind), didYouMean(kind, Defects()))
		}
		if w := file.Defects[kind]; !(w >= 0 && w <= 1000) {
			return fmt.Errorf("plan: defects.%s is %g: a factor is from 0 to 1000", kind, w)
		}
	}
	for _, name := range sortedKeys(file.Tables) {
		i := slices.IndexFunc(p.tables, func(t *table) bool { return t.Name == name })
		if i < 0 {
			return fmt.Errorf("plan: there is no table %q in the schema%s", oneLine(name), didYouMean(name, p.tableNames()))
		}
		t, tp := p.tables[i], file.Tables[name]
		if tp.Rows != nil && (*tp.Rows < 1 || *tp.Rows > MaxRows) {
			return fmt.Errorf("plan: table %q: rows is %d: it must be from 1 to %d", oneLine(name), *tp.Rows, MaxRows)
		}
		if tp.Mess != nil && !(*tp.Mess >= 0 && *tp.Mess <= maxMess) {
			return fmt.Errorf("plan: table %q: mess is %g: it must be from 0 to %g", oneLine(name), *tp.Mess, maxMess)
		}
		t.file = tp
		for _, cname := range sortedKeys(tp.Columns) {
			k := slices.IndexFunc(t.cols, func(c *column) bool { return c.Name == cname })
			if k < 0 {
				return fmt.Errorf("plan: table %q has no column %q", oneLine(name), oneLine(cname))
			}
			if err := t.cols[k].apply(tp.Columns[cname]); err != nil {
				return fmt.Errorf("plan: %s.%s: %w", oneLine(name), oneLine(cname), err)
			}
		}
	}
	return nil
}

// apply takes over what a plan says of c.
func (c *column) apply(cp columnPlan) error {
	c.file = cp
	if g := cp.Generator; g != "" && !slices.Contains(structural(), g) {
		if !slices.Contains(Generators(), g) {
			return fmt.Errorf("there is no generator %q%s", oneLine(g), didYouMean(g, Generators()))
		}
		if !suits(g, c.class) && g != c.kind {
			return fmt.Errorf("generator %q does not fit a column of type %q", g, oneLine(c.Type))
		}
		c.kind = g
	}
	if n := cp.Nulls; n != nil {
		switch {
		case !(*n >= 0 && *n <= 1):
			return fmt.Errorf("nulls is %g: it must be from 0 to 1", *n)
		case *n > 0 && (c.NotNull || c.dom.notNull):
			return errors.New("nulls is not 0, but the column must not be NULL")
		}
	}
	switch spreads := []string{"", "even", "tailed", "priced", "bell", "high"}; {
	case !slices.Contains(spreads, cp.Shape):
		return fmt.Errorf("there is no shape %q; there are %s", oneLine(cp.Shape), strings.Join(spreads[1:], ", "))
	case cp.From != nil && cp.To != nil && *cp.From > *cp.To:
		return fmt.Errorf("from is %g and to is %g", *cp.From, *cp.To)
	case len(cp.Weights) > 0 && len(cp.Weights) != len(cp.Values):
		return fmt.Errorf("there are %d weights for %d values", len(cp.Weights), len(cp.Values))
	}
	if cp.Values != nil {
		return c.applyValues(cp)
	}
	return nil
}

// applyValues makes c one of the plan's values, as often as its weights say.
func (c *column) applyValues(cp columnPlan) error {
	var enum []any
	for _, v := range cp.Values {
		switch v := v.(type) {
		case string, int64, float64:
			enum = append(enum, v)
		case bool:
			enum = append(enum, int64(boolInt(v)))
		default:
			return fmt.Errorf("values holds %v: only text, numbers and true or false can be one", v)
		}
	}
	if len(enum) == 0 {
		return errors.New("values is empty")
	}
	if old := c.dom.enum; old != nil {
		for _, v := range enum {
			if !slices.Contains(old, v) {
				return fmt.Errorf("value %q is not one that the CHECK constraint allows", oneLine(show(v)))
			}
		}
	}
	c.dom.enum = enum
	if len(cp.Weights) == 0 {
		return nil
	}
	total := 0.0
	for _, w := range cp.Weights {
		if !(w >= 0 && w <= 1e9) {
			return fmt.Errorf("weight %g is not from 0 to 1e9", w)
		}
		total += w
	}
	if total == 0 {
		return errors.New("all weights are 0")
	}
	sum := 0.0
	for _, w := range cp.Weights { // cumulated, in millionths: whole numbers are compared alike everywhere
		sum += w
		c.weights = append(c.weights, int64(math.Round(sum/total*1e6)))
	}
	return nil
}

// weighted draws one of the column's values by the plan's weights.
func (c *column) weighted(s *stream) any {
	x := s.n(1e6)
	for i, w := range c.weights {
		if x < w {
			return c.dom.enum[i]
		}
	}
	return c.dom.enum[len(c.dom.enum)-1]
}

// structural generators follow from the schema; a plan shows them, but what
// they make is not a matter of choice.
func structural() []string {
	return []string{"reference", "counter", "copy", "computed", "choice", "pattern"}
}

// Generators lists what a plan may name as a column's generator, sorted.
func Generators() []string {
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
