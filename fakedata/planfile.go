package fakedata

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

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
		if !slices.Contains(generators(), g) {
			return fmt.Errorf("there is no generator %q%s", oneLine(g), didYouMean(g, generators()))
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
