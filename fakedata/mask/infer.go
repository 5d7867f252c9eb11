package mask

import (
	"fmt"
	"slices"
	"strings"

	"glovebox/fakedata"
)

// method is how the values of a column change.
type method string

const (
	methodKeep   method = "keep"   // not at all
	methodKey    method = "key"    // whole numbers: another of as many digits, none twice
	methodNumber method = "number" // moved by some percent, within the column's bounds
	methodDate   method = "date"   // moved by some days
	methodName   method = "name"   // word by word, the same word always alike
	methodCode   method = "code"   // letter by letter; e-mail, card, IBAN, address and the like by their look
	methodPhone  method = "phone"  // to numbers that are nobody's
	methodText   method = "text"   // other words altogether
	methodJSON   method = "json"   // each value in it
	methodBytes  method = "bytes"  // random, as many
	methodNull   method = "null"   // nothing
)

func methods() []method {
	return []method{
		methodKeep, methodKey, methodNumber, methodDate, methodName, methodCode, methodPhone, methodText, methodJSON,
		methodBytes, methodNull,
	}
}

// Kinds of columns, in fakedata's words.
const (
	// Few words stand for many rows: kept where none is rare.
	groupKinds = " status priority method type gender currency country countrycode language langcode locale timezone mime state " +
		"department color size material weekday month honorific choice "
	wordKinds = " first last initial person company street street2 city region country state department job title honorific " +
		"username nationality category "
	proseKinds = " prose subject agent features tags "
	countKinds = " age percent milliseconds bytes duration weight dimension temperature stars quantity money year month weekday " +
		"day hour latitude longitude sequence "
	quasiKinds = " birth age gender postcode city region state country countrycode job department language honorific "
)

func isKind(kinds, kind string) bool { return kind != "" && strings.Contains(kinds, " "+kind+" ") }

const yesNo = "yes or no"

// infer chooses c's method by its name, its type, its constraints and, where
// it comes to keeping it, its values.
func (c *column) infer(f fakedata.Fact, cs *columnSurvey, t *table) {
	set := func(m method, why string) { c.method, c.why = m, why }
	numbers := cs.ints+cs.reals+cs.wholes+cs.decimals == cs.filled
	wholes := cs.ints+cs.wholes == cs.filled
	inKey := slices.ContainsFunc(t.Keys, func(k fakedata.Key) bool { return slices.Contains(k.Columns, c.index) })
	single := slices.ContainsFunc(t.Keys, func(k fakedata.Key) bool { return slices.Equal(k.Columns, []int{c.index}) })
	counts := inKey && !single && !f.Refers && wholes && cs.filled > 0 && isKind(countKinds, f.Kind) // a year, a line's number
	c.bounded, c.exact = counts, inKey || f.Refers
	switch {
	case c.Generated:
		set(methodKeep, "the database computes it")
	case f.Enum != nil && cs.within(f.Enum):
		set(methodKeep, "a CHECK lists its values")
		c.harmless = true
	case cs.spelt(f):
		set(methodKeep, "a CHECK has all words of its values")
		c.harmless = true
	case cs.yesOrNo(f.Kind == "bool") && !inKey && !f.Refers:
		set(methodKeep, yesNo)
		c.harmless = true
	case isKind(groupKinds, f.Kind) && cs.few() && !inKey && !f.Refers:
		set(methodKeep, fmt.Sprintf("name; %d values, each in at least %d rows", len(cs.counts), rareRows))
		c.harmless = true
	case counts && f.Kind == "sequence" && cs.least >= 0 && cs.most < 1000:
		set(methodKeep, "numbers the rows of one parent")
	case counts && cs.few():
		set(methodKeep, fmt.Sprintf("part of a key; %d values, each in at least %d rows", len(cs.counts), rareRows))
		c.harmless = true
	case cs.blobs > 0 && cs.blobs == cs.filled:
		set(methodBytes, "its values")
	case f.Kind == "time" || f.Kind == "birth" || cs.filled > 0 && cs.dates == cs.filled:
		set(methodDate, "name, type or values")
		c.fixed = inKey || f.Refers
	case (inKey || f.Refers || lastWord(c.Name) == "id") && wholes && cs.filled > 0:
		set(methodKey, "a key or a reference")
	case inKey || f.Refers:
		set(c.textMethod(f.Kind), "a key or a reference")
	case f.Kind == "json" || cs.objects > 0 && cs.objects == cs.filled:
		set(methodJSON, "name or values")
	case numbers && isKind(countKinds, f.Kind):
		set(methodNumber, "name")
	case numbers && cs.reals+cs.decimals > 0:
		set(methodNumber, "values")
	case f.Kind == "phone":
		set(methodPhone, "name")
	case wholes && cs.filled > 0 && (f.Kind == "plain" || f.Kind == "bool" || f.Kind == "choice"):
		set(methodKey, "whole numbers of no known meaning")
	case isKind(proseKinds, f.Kind) || cs.long*2 > cs.texts:
		set(methodText, "name or values")
	default:
		set(c.textMethod(f.Kind), map[bool]string{true: "nothing is known about it", false: "name"}[f.Kind == "plain"])
	}
}

func (c *column) textMethod(kind string) method {
	switch {
	case kind == "phone":
		return methodPhone
	case isKind(wordKinds, kind):
		return methodName
	}
	return methodCode
}

func lastWord(name string) string {
	words := fakedata.NameWords(name)
	return words[len(words)-1]
}

// within says that the values are all among a list.
func (c *columnSurvey) within(list []any) bool {
	if c.counts == nil {
		return false
	}
	for v := range c.counts {
		if !slices.ContainsFunc(list, func(e any) bool { return fmt.Sprint(e) == v }) {
			return false
		}
	}
	return true
}

// yesOrNo says that the values mean that; named says that the column's name does.
func (c *columnSurvey) yesOrNo(named bool) bool {
	if c.counts == nil || c.filled == 0 {
		return false
	}
	words := " true false yes no "
	if named {
		words += "0 1 t f y n on off "
	}
	for v := range c.counts {
		if !strings.Contains(words, " "+strings.ToLower(v)+" ") {
			return false
		}
	}
	return true
}

func (t *table) findQuasi() []int {
	var out []int
	for _, c := range t.cols {
		if isKind(quasiKinds, c.kind) && !slices.ContainsFunc(t.Keys, func(k fakedata.Key) bool { return slices.Equal(k.Columns, []int{c.index}) }) {
			out = append(out, c.index)
		}
	}
	return out
}

// unify gives columns that refer to each other one method, that of the column
// that all of them lead to.
func (p *plan) unify(src *source) {
	type cell struct{ t, c int }
	up := map[cell]cell{}
	root := func(x cell) cell {
		for seen := 0; seen < 1000; seen++ {
			next, ok := up[x]
			if !ok || next == x {
				break
			}
			x = next
		}
		return x
	}
	for i, facts := range src.facts {
		for c, f := range facts {
			if !f.Refers {
				continue
			}
			from, to := root(cell{i, c}), root(cell{f.Parent, f.To})
			if from != to {
				up[from] = to
			}
		}
	}
	shared := map[cell][]*column{}
	for i, t := range p.tables {
		for c, col := range t.cols {
			r := root(cell{i, c})
			shared[r] = append(shared[r], col)
		}
	}
	for r, cols := range shared {
		if len(cols) == 1 {
			continue
		}
		head := p.tables[r.t].cols[r.c]
		m := head.method
		if m == methodKeep && !head.Generated { // listed by a CHECK there, perhaps not here
			for _, c := range cols {
				if c.method != methodKeep {
					m = methodCode
				}
			}
		}
		for _, c := range cols {
			c.bounded, c.shared = false, true
			if c.Generated {
				continue
			}
			c.fixed = m == methodDate
			if c.method != m {
				c.method, c.harmless = m, false
				c.why = "as " + head.name() + ", to which it leads"
			}
		}
	}
}

// namesakes gives columns of the same name, between which there may be a
// reference that nobody declared, one method where their values alone have led
// to several.
func (p *plan) namesakes() {
	byName := map[string][]*column{}
	for _, t := range p.tables {
		for _, c := range t.cols {
			byValues := c.method == methodKeep && c.why == yesNo && c.kind != "bool"
			if byValues || slices.Contains([]method{methodKey, methodNumber, methodName, methodCode, methodPhone, methodText}, c.method) {
				name := strings.Join(fakedata.NameWords(c.Name), " ")
				byName[name] = append(byName[name], c)
			}
		}
	}
	for _, cols := range byName {
		wordy := slices.IndexFunc(cols, func(c *column) bool {
			return c.method != methodKey && c.method != methodNumber && c.method != methodKeep
		})
		for _, c := range cols {
			if wordy >= 0 && c.method != cols[wordy].method && !c.shared {
				c.method, c.bounded, c.harmless = cols[wordy].method, false, false
				c.why = "as " + cols[wordy].name() + ", of the same name"
			}
		}
	}
}

// findChain finds what a row belongs to: a person if any reference leads to
// one, else the first parent that is required.
func (t *table) findChain(src *source) {
	seen := map[int]bool{t.index: true}
	at := t.index
	for len(t.chain) < 6 && src.themes[at] != "person" {
		fk, ok := bestParent(src, at, seen)
		if !ok {
			return
		}
		t.chain = append(t.chain, level{table: fk.Table, child: len(t.chain), cols: fk.Columns, to: fk.To})
		seen[fk.Table] = true
		at = fk.Table
	}
}

func bestParent(src *source, at int, seen map[int]bool) (best fakedata.ForeignKey, found bool) {
	t := &src.schema.Tables[at]
	score := -1
	for _, fk := range t.ForeignKeys {
		p := &src.schema.Tables[fk.Table]
		if seen[fk.Table] || len(p.Keys) == 0 || !p.Keys[0].Primary || !slices.Equal(fk.To, p.Keys[0].Columns) {
			continue
		}
		n := 0
		if src.themes[fk.Table] == "person" {
			n += 4
		} else if slices.ContainsFunc(p.ForeignKeys, func(f fakedata.ForeignKey) bool { return src.themes[f.Table] == "person" }) {
			n += 2
		}
		if !slices.ContainsFunc(fk.Columns, func(c int) bool { return !t.Columns[c].NotNull }) {
			n++
		}
		if n > score {
			best, found, score = fk, true, n
		}
	}
	return best, found
}
