package fakedata

import (
	"fmt"
	"slices"
	"time"
)

// A plan says how every cell of a dataset is made. It is built once from a
// schema and a recipe and holds no data; it is not safe for concurrent use.
type plan struct {
	recipe Recipe
	now    int64 // the recipe's clock, Unix seconds
	world  *world
	season *season
	talk   *talk
	tables []*table // as in Schema.Tables

	catalogue []shelf
	judge     *judge // tries rows against CHECKs; nil until one needs it
	messy     bool   // some table has defects
	file      *Plan  // what the recipe's plan says; empty without one
}

// table is a Table with all decisions made.
type table struct {
	*Table
	p      *plan
	index  int
	key    key
	words  []string // of the name, singular
	theme  string   // what a row is, see themeOf
	rows   int64
	depth  int64 // see chain
	cols   []*column
	links  []*link
	owner  *link   // the reference whose parent's children are consecutive rows, or nil
	orders []order // of columns, by CHECKs
	opaque bool    // has CHECKs that only SQLite can judge
	judged bool    // SQLite is asked about each row, even before it is written
	mess   *messer // nil: the table stays clean
	file   tablePlan

	homeVia  *link   // the reference that says where a row is, or nil
	whoVia   *link   // the reference to the person that a row is about, or nil
	shelfVia *link   // the reference to the category that a product is of, or nil
	ledger   *ledger // its rows are movements of accounts; nil: they are not
	early    bool    // others refer to its rows: they came to be early
	flows    bool    // its rows come in the order of time, see when
	root     bool    // it flows, and some of its rows were there before the window
	latents  latents // randomness of the rows themselves, whatever columns there are

	lastWho struct {
		known bool
		row   int64
		who   person
	}
	lastHome struct {
		row  int64
		home *city
	}
	lately struct { // the last answer of life: one row asks several times
		known    bool
		row, try int64
		life     life
	}
	tries    map[int64]int64 // how often a row was drawn again, where it was
	spilled  bool            // tries has lost some of its entries
	resolved int64           // rows below this one are settled in tries
	elders   []*link         // references that a row must be younger than
}

// column is a Column with its generator.
type column struct {
	*Column
	index     int
	key       key
	words     []string
	class     class
	kind      string // the generator's name
	dom       domain
	link      *link // the reference that fills it, or nil
	ordinal   bool  // counts a row among its owner's children
	unique    bool  // must not repeat
	pinned    bool  // part of a key: never drawn again
	cell      func(i int64) any
	size      int    // characters at most, by the type and the CHECKs; 0: any
	unclear   bool   // a CHECK that only SQLite can judge is about it
	canary    string // a part of one cell that is nowhere else; "": none
	canaryRow int64
	number    *number // how it makes numbers; nil where it makes something else
	file      columnPlan
	weights   []int64 // of the values in dom.enum, cumulated, in millionths; nil: the usual
}

// latents are keys of what is true of a row even where no column says it.
type latents struct {
	rank, birth, body, born, life, updated, due, status, home, person, street, street2, postcode, title key
}

// newPlan decides everything that does not need a row.
func newPlan(s *Schema, r Recipe) (*plan, error) {
	if err := r.check(s); err != nil {
		return nil, err
	}
	p := &plan{recipe: r, now: r.Clock.UTC().Truncate(time.Second).Unix(), world: newWorld(), talk: newTalk(), catalogue: newCatalogue(), file: &Plan{}}
	p.season = newSeason(r.Seed, p.now)
	for i := range s.Tables {
		p.tables = append(p.tables, p.newTable(i, &s.Tables[i]))
	}
	if err := p.take(r); err != nil {
		return nil, err
	}
	p.relate()
	if err := p.countRows(); err != nil {
		return nil, err
	}
	p.order()
	p.fill()
	return p, p.checkKeyCycles()
}

// take takes over what the recipe says of single tables.
func (p *plan) take(r Recipe) error {
	if r.Plan != "" {
		file, err := ParsePlan(r.Plan)
		if err != nil {
			return err
		}
		if err := p.applyPlan(file); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(r.Tables) {
		if !slices.ContainsFunc(p.tables, func(t *table) bool { return t.Name == name }) {
			return fmt.Errorf("there is no table %q in the schema%s", oneLine(name), didYouMean(name, p.tableNames()))
		}
		if n := r.Tables[name]; n < 1 || n > MaxRows {
			return fmt.Errorf("table %q: rows is %d: it must be from 1 to %d", name, n, MaxRows)
		}
	}
	return nil
}

// relate finds out how tables refer to each other. Each step needs the one
// before it of all tables, here and below.
func (p *plan) relate() {
	for _, t := range p.tables {
		t.relate()
	}
	for _, t := range p.tables {
		t.assignOwner()
	}
	for _, t := range p.tables {
		t.settleLinks()
		t.whoVia = t.personLink()
		t.samePlace()
		t.homeVia, t.shelfVia = t.homeLink(), t.shelfLink()
	}
	for _, t := range p.tables {
		t.planKeys()
	}
}

// order finds out how rows follow each other in time, now that they are counted.
func (p *plan) order() {
	for _, t := range p.tables {
		t.planFlow()
	}
	for _, t := range p.tables {
		t.early = t.referenced() && !slices.Contains(transactions, t.last()) && t.theme != "ticket"
		t.planTime()
		t.ledger = t.ledgerOf()
		for _, o := range t.orders {
			if !t.keeps(o) {
				t.opaque, t.cols[o.low].unclear, t.cols[o.high].unclear = true, true, true
			}
		}
	}
}

// fill says what makes each cell, and what makes a mess of it.
func (p *plan) fill() {
	for _, t := range p.tables {
		for _, c := range t.cols {
			c.cell = t.maker(c)
		}
	}
	for _, t := range p.tables {
		for _, c := range t.cols {
			t.plant(c)
		}
	}
	for _, t := range p.tables {
		t.mess = newMesser(t)
		p.messy = p.messy || t.mess != nil
	}
	for _, t := range p.tables { // CHECKs cannot be asked while defects are written
		t.judged = t.opaque || p.messy && len(t.Checks) > 0
	}
}

func (p *plan) tableNames() []string {
	out := make([]string, len(p.tables))
	for i, t := range p.tables {
		out[i] = t.Name
	}
	return out
}

func (p *plan) newTable(index int, st *Table) *table {
	t := &table{
		Table: st, p: p, index: index, key: newKey(p.recipe.Seed, st.Name),
		words: singular(words(st.Name)), tries: map[int64]int64{},
	}
	for name, k := range map[string]*key{
		"rank": &t.latents.rank, "birth": &t.latents.birth, "body": &t.latents.body, "born": &t.latents.born, "life": &t.latents.life, "updated": &t.latents.updated, "due": &t.latents.due,
		"status": &t.latents.status, "home": &t.latents.home, "person": &t.latents.person, "street": &t.latents.street,
		"street2": &t.latents.street2, "postcode": &t.latents.postcode, "title": &t.latents.title,
	} {
		*k = t.key.sub("\x00" + name)
	}
	var doms []domain
	var unclear []int
	doms, t.orders, unclear, t.opaque = st.domains()
	for i := range st.Columns {
		sc := &st.Columns[i]
		t.cols = append(t.cols, &column{
			Column: sc, index: i, key: t.key.sub(sc.Name), words: words(sc.Name), class: classOf(sc.Type), dom: doms[i],
			unclear: slices.Contains(unclear, i),
		})
		c := t.cols[i]
		if c.size, _ = typeSize(c.Type); c.dom.maxLen > 0 && (c.size == 0 || c.dom.maxLen < c.size) {
			c.size = c.dom.maxLen
		}
	}
	t.theme = themeOf(t)
	for _, c := range t.cols {
		c.kind = kindOf(t, c)
	}
	return t
}

// draw is the random stream of one cell. It changes when a row is drawn again.
func (t *table) draw(c *column, i int64) *stream {
	k := c.key
	if n := t.try(i); n > 0 && !c.pinned {
		k = key(mix(uint64(k) + uint64(n)))
	}
	s := k.at(i)
	return &s
}

// checkKeyCycles makes sure that no key is copied from itself.
func (p *plan) checkKeyCycles() error {
	state := map[*column]byte{}
	var visit func(t *table, c *column) error
	visit = func(t *table, c *column) error {
		switch {
		case state[c] == 2 || c.link == nil:
			return nil
		case state[c] == 1:
			return fmt.Errorf("table %q: column %q is a key copied from itself through foreign keys: "+
				"no first row can exist; leave one of these foreign keys out", t.Name, c.Name)
		}
		state[c] = 1
		parent := c.link.parent
		if err := visit(parent, parent.cols[c.link.target(c.index)]); err != nil {
			return err
		}
		state[c] = 2
		return nil
	}
	for _, t := range p.tables {
		for _, c := range t.cols {
			if err := visit(t, c); err != nil {
				return err
			}
		}
	}
	return nil
}
