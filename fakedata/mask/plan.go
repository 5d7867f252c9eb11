package mask

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"glovebox/fakedata"

	"github.com/BurntSushi/toml"
)

// maxPlan bounds the text of a plan, in bytes.
const maxPlan = 8 << 20

// Bounds of the shifts, where a plan says nothing.
const (
	usualDays    = 30
	usualPercent = 10
)

// planFile is a plan as a person writes it.
type planFile struct {
	Days    *int64               `toml:"days"`
	Percent *int64               `toml:"percent"`
	Public  []string             `toml:"public"`
	Drop    []string             `toml:"drop"`
	Tables  map[string]tableFile `toml:"table"`
}

type tableFile struct {
	Quasi   []string              `toml:"quasi"`
	Columns map[string]columnFile `toml:"columns"`
}

type columnFile struct {
	Method string `toml:"method"`
}

// plan is what becomes of every column.
type plan struct {
	days, percent int64    // bounds of the shifts
	public        []string // values that may survive
	drop          []string // views, triggers and indexes that are left out
	patterns      []pattern
	tables        []*table
}

type table struct {
	*fakedata.Table
	index int
	cols  []*column
	quasi []int   // columns by which a person could be found again
	chain []level // the way to what a row belongs to, nearest first

	clocks bool // moments move within the day, too
}

type column struct {
	*fakedata.Column
	table       *table
	index       int
	method      method
	why         string
	kind        string          // what fakedata makes of the name
	fixed       bool            // moments move alike in all rows: the column is in a key
	exact       bool            // in a key or a reference: no two values may become one
	shared      bool            // in a reference
	bounded     bool            // of the key method: nothing refers to it, it may keep to its least and most
	harmless    bool            // kept because its values are few and none rare, or listed in the schema
	least, most float64         // that were seen
	lo, hi      *float64        // that a CHECK allows; nil: any
	keys        map[string]bool // names in JSON objects that are kept
}

// level is one step of the way to what a row belongs to.
type level struct {
	table, child int   // index of the table referred to, and of the chain's table before it: 0 is the row itself
	cols, to     []int // columns of the referring table, and of the one referred to
}

func (c *column) name() string { return c.table.Name + "." + c.Name }

// newPlan chooses a method for each column; text, if there is any, has the
// last word, and a column that it leaves out is never kept.
func newPlan(src *source, sv *surveyed, text string) (*plan, error) {
	p := &plan{days: usualDays, percent: usualPercent}
	for i := range src.schema.Tables {
		t := &table{Table: &src.schema.Tables[i], index: i}
		for c := range t.Columns {
			cs := sv.tables[i].cols[c]
			col := &column{
				Column: &t.Columns[c], table: t, index: c, kind: src.facts[i][c].Kind, least: cs.least, most: cs.most,
				lo: src.facts[i][c].Lo, hi: src.facts[i][c].Hi, keys: map[string]bool{},
			}
			for k, n := range cs.keys {
				col.keys[k] = n >= rareRows
			}
			t.cols = append(t.cols, col)
			for _, text := range src.facts[i][c].Patterns {
				if pt, ok := readPattern(text, src.facts[i][c].Glob); ok {
					p.patterns = append(p.patterns, pt)
				}
			}
		}
		p.tables = append(p.tables, t)
	}
	for i, t := range p.tables {
		t.findChain(src)
		for c, col := range t.cols {
			col.infer(src.facts[i][c], sv.tables[i].cols[c], t)
		}
		t.quasi = t.findQuasi()
	}
	p.unify(src)
	p.namesakes()
	if text != "" {
		if err := p.apply(src, text); err != nil {
			return nil, err
		}
	}
	if err := p.agree(src); err != nil {
		return nil, err
	}
	for _, t := range p.tables { // dates in a key move alike in all rows; so do those beside them, that order may hold
		if slices.ContainsFunc(t.cols, func(c *column) bool { return c.fixed && c.method == methodDate }) {
			for _, c := range t.cols {
				c.fixed = true
			}
		}
	}
	p.findClocks(sv)
	return p, nil
}

// findClocks lets moments move within the day in tables whose rows belong to
// what no bare day belongs to: order would not hold between the two else.
func (p *plan) findClocks(sv *surveyed) {
	days := map[int]bool{}
	for i, t := range p.tables {
		for c, col := range t.cols {
			if col.method == methodDate && sv.tables[i].cols[c].days > 0 {
				days[t.root()] = true
			}
		}
	}
	for _, t := range p.tables {
		t.clocks = !days[t.root()]
	}
}

// root is the table of what t's rows belong to in the end.
func (t *table) root() int {
	if n := len(t.chain); n > 0 {
		return t.chain[n-1].table
	}
	return t.index
}

// apply takes over what a person wrote.
func (p *plan) apply(src *source, text string) error {
	if len(text) > maxPlan {
		return fmt.Errorf("the plan is larger than %d bytes", maxPlan)
	}
	var f planFile
	meta, err := toml.Decode(text, &f)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return fmt.Errorf("the plan does not parse: line %d: %s", at.Position.Line, oneLine(at.Message))
		}
		return fmt.Errorf("the plan does not parse: %s", oneLine(strings.TrimPrefix(err.Error(), "toml: ")))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("the plan has a key that means nothing: %s", oneLine(unknown[0].String()))
	}
	for _, bound := range []struct {
		name           string
		value          *int64
		set            *int64
		least, largest int64
	}{{"days", f.Days, &p.days, 1, 3650}, {"percent", f.Percent, &p.percent, 1, 90}} {
		if bound.value == nil {
			continue
		}
		if *bound.value < bound.least || *bound.value > bound.largest {
			return fmt.Errorf("plan: %s is %d: it must be from %d to %d", bound.name, *bound.value, bound.least, bound.largest)
		}
		*bound.set = *bound.value
	}
	p.public, p.drop = f.Public, f.Drop
	for _, name := range f.Drop {
		known := slices.ContainsFunc(src.schema.Objects(), func(o fakedata.Object) bool { return o.Name == name && o.Kind != "table" })
		if !known {
			return fmt.Errorf("plan: drop: there is no view, trigger or index %q", oneLine(name))
		}
	}
	for name := range f.Tables {
		if !slices.ContainsFunc(p.tables, func(t *table) bool { return t.Name == name }) {
			return fmt.Errorf("plan: there is no table %q", oneLine(name))
		}
	}
	for _, t := range p.tables {
		if err := t.apply(f.Tables[t.Name]); err != nil {
			return fmt.Errorf("plan: table %q: %w", oneLine(t.Name), err)
		}
	}
	return nil
}

func (t *table) apply(f tableFile) error {
	for name := range f.Columns {
		if !slices.ContainsFunc(t.cols, func(c *column) bool { return c.Name == name }) {
			return fmt.Errorf("there is no column %q", oneLine(name))
		}
	}
	if f.Quasi != nil {
		t.quasi = nil
	}
	for _, name := range f.Quasi {
		c := slices.IndexFunc(t.cols, func(c *column) bool { return c.Name == name })
		if c < 0 {
			return fmt.Errorf("quasi: there is no column %q", oneLine(name))
		}
		t.quasi = append(t.quasi, c)
	}
	for _, c := range t.cols {
		said, there := f.Columns[c.Name]
		switch {
		case c.Generated:
		case !there && c.method == methodKeep:
			c.method, c.why, c.harmless = methodCode, "not in the plan", false
		case !there:
		case !slices.Contains(methods(), method(said.Method)):
			return fmt.Errorf("column %q: there is no method %q; there are %v", oneLine(c.Name), oneLine(said.Method), methods())
		case method(said.Method) != c.method:
			c.method, c.why, c.harmless = method(said.Method), "the plan", false
			if c.NotNull && c.method == methodNull {
				return fmt.Errorf("column %q must not be NULL", oneLine(c.Name))
			}
		}
	}
	return nil
}

// agree makes sure that both ends of a reference change alike.
func (p *plan) agree(src *source) error {
	for i, t := range p.tables {
		for c, fact := range src.facts[i] {
			if !fact.Refers {
				continue
			}
			from, to := t.cols[c], p.tables[fact.Parent].cols[fact.To]
			if from.method != to.method && from.method != methodNull {
				return fmt.Errorf("plan: %s refers to %s: give both the same method, not %s and %s",
					oneLine(from.name()), oneLine(to.name()), from.method, to.method)
			}
		}
	}
	return nil
}

// text is the plan as TOML.
func (p *plan) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What becomes of each column. Change what you like, then: glovebox data mask FILE --key-file K --plan THIS-FILE\n"+
		"# Methods: %v\n# A column that is left out here is masked in any case.\n"+
		"days = %d # moments move by up to so many days, all of one person alike\npercent = %d # numbers by up to so many percent\n", methods(), p.days, p.percent)
	list := func(name string, values []string, about string) {
		fmt.Fprintf(&b, "%s = [", name)
		for i, v := range values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(fakedata.TOMLString(v))
		}
		fmt.Fprintf(&b, "] # %s\n", about)
	}
	list("public", p.public, "values that may survive")
	list("drop", p.drop, "views, triggers and indexes to leave out")
	for _, t := range p.tables {
		fmt.Fprintf(&b, "\n[table.%s]\n", fakedata.TOMLString(t.Name))
		var quasi []string
		for _, c := range t.quasi {
			quasi = append(quasi, t.cols[c].Name)
		}
		list("quasi", quasi, "columns by which, together, a person could be found again")
		fmt.Fprintf(&b, "[table.%s.columns]\n", fakedata.TOMLString(t.Name))
		for _, c := range t.cols {
			if !c.Generated {
				fmt.Fprintf(&b, "%s = { method = %q } # %s\n", fakedata.TOMLString(c.Name), c.method, oneLine(c.why))
			}
		}
	}
	return b.String()
}

func (p *plan) digest() string {
	sum := sha256.Sum256([]byte(p.text()))
	return hex.EncodeToString(sum[:])
}
