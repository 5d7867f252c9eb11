package fakedata

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maker returns the formula of a column's cells. From the outside in: NULL
// where it may be, a value that fits the column's length, made by its kind.
func (t *table) maker(c *column) func(i int64) any {
	switch {
	case c.Generated:
		return func(int64) any { return nil }
	case c.link != nil:
		return c.link.cellOf(c)
	case t.copied(c) != nil:
		return t.copied(c)
	case c.ordinal:
		return func(i int64) any { return t.counted(c, t.place(i)) }
	case c.unique && (c.kind == "time" || c.kind == "birth") && c.dom.enum == nil:
		return t.calendar(c)
	case c.unique && (c.countable() || c.class == classReal):
		return func(i int64) any { return t.counted(c, i) }
	}
	made := t.made(c)
	if t.inComposite(c) && !c.pinned {
		made = t.insisted(c, made)
	}
	if t.opaque && c.unclear && !c.pinned {
		made = t.ventured(c, made)
	}
	if share := t.nullShare(c); share > 0 {
		k := c.key.sub("null")
		return func(i int64) any {
			if s := k.at(i); s.n(10_000) < share {
				return nil
			}
			return made(i)
		}
	}
	return made
}

// inComposite reports whether c is part of a key of several columns.
func (t *table) inComposite(c *column) bool {
	return slices.ContainsFunc(t.Keys, func(k Key) bool { return len(k.Columns) > 1 && slices.Contains(k.Columns, c.index) })
}

// insisted makes a value of its own for a row that was refused often, because
// its key was there already.
func (t *table) insisted(c *column, made func(i int64) any) func(i int64) any {
	return func(i int64) any {
		n := t.try(i)
		if n < 20 || c.dom.enum != nil || c.dom.patterns != nil {
			return made(i)
		}
		switch v := made(i).(type) {
		case string:
			if c.kind == "time" {
				return timeFormat(c)(t.p.now - (i+n)*7919%window)
			}
			return c.withNumber(v, "-", i)
		case int64:
			lo, hi := c.bounds(0, MaxRows, 0)
			return lo + (i+n*7919)%max(1, hi-lo+1)
		default:
			return v
		}
	}
}

// ventured makes other sorts of values than the column's own where those were
// refused several times by a CHECK that only SQLite understands.
func (t *table) ventured(c *column, made func(i int64) any) func(i int64) any {
	return func(i int64) any {
		n := t.try(i)
		if n < 12 {
			return made(i)
		}
		s := t.draw(c, i)
		if !c.mustHave() && s.chance(10) {
			return nil
		}
		switch {
		case c.class == classInt || c.class == classBool:
			return s.between(-1<<min(n/8, 40), 1<<min(n/8, 40))
		case c.class == classReal:
			return float64(s.between(-1<<min(n/8, 40), 1<<min(n/8, 40))) / 100
		case c.class != classText:
			return made(i)
		}
		word := choose(s, nouns())
		return c.fit(choose(s, []string{
			word, strings.ToLower(word), strings.ToUpper(word), strings.ToUpper(word[:1]), strconv.FormatInt(s.n(100_000), 10), "{}", "[]",
			strings.ToLower(word) + "_" + strconv.FormatInt(s.n(100), 10), "https://www.example.com/" + word, "info@example.com",
			time.Unix(t.p.now-s.n(window), 0).UTC().Format(time.DateOnly), "#" + strings.ToUpper(hexText(s, 6)), show(made(i)),
		}))
	}
}

// cellOf copies the parent's key.
func (l *link) cellOf(c *column) func(i int64) any {
	from := l.parent.cols[l.target(c.index)]
	return func(i int64) any {
		row, ok := l.pick(i)
		if !ok {
			return nil
		}
		return from.cell(row)
	}
}

// copied is the formula of a column that repeats its twin in the table that
// t extends row by row, as film_text does film; nil where there is none.
func (t *table) copied(c *column) func(i int64) any {
	for _, l := range t.links {
		if l.declared || !l.single || c.unique || c.pinned || c.kind == "time" {
			continue
		}
		if twin := l.parent.column(c.Name); twin >= 0 && l.parent.cols[twin].class == c.class {
			from := l.parent.cols[twin]
			return func(i int64) any {
				if row, ok := l.pick(i); ok {
					return from.cell(row)
				}
				return nil
			}
		}
	}
	return nil
}

// calendar fills a unique column with successive days or minutes that end at
// the recipe's clock.
func (t *table) calendar(c *column) func(i int64) any {
	format := timeFormat(c)
	step := int64(60)
	if s, ok := format(0).(string); ok && len(s) == len(time.DateOnly) {
		step = day
	}
	return func(i int64) any { return format(t.p.now - (t.rows-1-i)*step) }
}

// counted is the n-th value of a column that numbers rows.
func (t *table) counted(c *column, n int64) any {
	switch {
	case c.dom.enum != nil:
		return c.dom.enum[n%int64(len(c.dom.enum))]
	case c.class == classBool || c.kind == "bool":
		return n % 2
	case c.kind == "year":
		return int64(t.p.recipe.Clock.UTC().Year()) - n
	}
	lo, hi := c.bounds(1, MaxRows, 0)
	return lo + n%max(1, hi-lo+1)
}

// mustHave reports whether c may not be NULL.
func (c *column) mustHave() bool { return c.NotNull || c.dom.notNull || c.unique || c.pinned }

// nullShare is how many of 10,000 cells are NULL in a column that may hold them.
func (t *table) nullShare(c *column) int64 {
	switch {
	case c.mustHave():
		return 0
	case c.link != nil:
		return c.link.nullShare()
	case c.file.Nulls != nil:
		return int64(math.Round(*c.file.Nulls * 1e4))
	case c.number != nil && c.hasWord("total"):
		return 0
	}
	return 100 * t.usualNulls(c)
}

// usualNulls is the percentage of NULLs that such columns have.
func (t *table) usualNulls(c *column) int64 {
	switch c.kind {
	case "time", "status", "title", "person", "first", "last", "city", "region", "state", "country", "countrycode",
		"postcode", "street", "bool", "language", "currency", "stars", "money", "quantity":
		return 0
	case "street2":
		return 80
	case "company":
		if t.theme == "person" {
			return 60
		}
		return 0
	case "image":
		return 70
	case "features":
		return 10
	}
	if c.hasWord("fax") {
		return 70
	}
	return 4
}

// made is a value of c's kind, brought into the column's form.
func (t *table) made(c *column) func(i int64) any {
	if c.kind == "time" && c.dom.enum == nil && c.dom.patterns == nil {
		return t.timeMaker(c)
	}
	if l := t.ledger; l != nil && c == l.kind {
		return func(i int64) any { return l.entry(i).kind }
	}
	if list := c.choices(t); list != nil && !c.zeroOrOne() {
		return t.choiceMaker(c, list)
	}
	if c.dom.patterns != nil {
		return t.patternMaker(c)
	}
	switch {
	case c.kind == "bool" && c.class != classText && t.talks() && c.hasWord("agent", "staff", "support", "employee", "reply", "answer"):
		return func(i int64) any { return int64(boolInt(t.fromStaff(i))) }
	case c.kind == "bool" && c.class == classText && !c.zeroOrOne():
		return yesNo(t, c)
	case c.kind == "bool":
		share := int64(30)
		if c.hasWord("active", "enabled", "verified", "visible", "published", "confirmed", "available", "approved", "allow", "optin") {
			share = 88
		} else if c.hasWord("deleted", "archived", "blocked", "locked", "admin", "discontinued") {
			share = 5
		}
		return func(i int64) any { return int64(boolInt(t.draw(c, i).chance(share))) }
	case c.kind == "birth":
		return t.birthMaker(c)
	case c.class == classInt || c.class == classReal || numeric(c.kind):
		n := t.numberMaker(c)
		c.number = n
		return n.value
	case c.class == classBlob && c.kind != "prose":
		return func(i int64) any { return c.sized(blob(t.draw(c, i), c.kind)) }
	}
	return t.textMaker(c)
}

// zeroOrOne reports whether c is a yes or no that a CHECK spells out.
func (c *column) zeroOrOne() bool {
	e := c.dom.enum
	return c.kind == "bool" && c.weights == nil && len(e) == 2 && (e[0] == any(int64(0)) && e[1] == any(int64(1)) || e[0] == any(int64(1)) && e[1] == any(int64(0)))
}

// choices is the list a column's values come from: what a CHECK allows, or
// what such columns usually hold.
func (c *column) choices(t *table) []any {
	if c.dom.enum != nil {
		return c.dom.enum
	}
	if c.class != classText || c.dom.patterns != nil || c.unique {
		return nil
	}
	list, ok := usual(t, c)
	if !ok {
		return nil
	}
	size, _ := typeSize(c.Type)
	var out []any
	for v := range strings.SplitSeq(list, "|") {
		if (size == 0 || utf8.RuneCountInString(v) <= size) && (c.dom.maxLen == 0 || utf8.RuneCountInString(v) <= c.dom.maxLen) &&
			utf8.RuneCountInString(v) >= c.dom.minLen {
			out = append(out, v)
		}
	}
	return out
}

func (t *table) choiceMaker(c *column, list []any) func(i int64) any {
	if c.weights != nil {
		return func(i int64) any { return c.weighted(t.draw(c, i)) }
	}
	if byLife := t.status(list); byLife != nil && c.hasWord("status", "state", "stage", "phase", "lifecycle") {
		return byLife
	}
	if c.kind == "gender" {
		if f := genderMaker(t, list); f != nil {
			return f
		}
	}
	if c.kind == "countrycode" || c.kind == "currency" || c.kind == "country" {
		home := t.textMaker(c)
		allowed := map[any]bool{}
		for _, v := range list {
			allowed[v] = true
		}
		return func(i int64) any {
			if v := home(i); allowed[v] {
				return v
			}
			return choose(t.draw(c, i), list)
		}
	}
	flat := c.class == classInt || c.kind == "stars"
	return func(i int64) any {
		s := t.draw(c, i)
		if flat {
			return choose(s, list)
		}
		n := int64(len(list))
		return list[min(s.n(n), s.n(n))] // what is named first is the common case
	}
}

// genderMaker agrees with the person's first name where the list says how.
func genderMaker(t *table, list []any) func(i int64) any {
	var women, men []any
	for _, v := range list {
		word, _ := v.(string)
		switch strings.ToLower(word) {
		case "f", "female", "woman", "w":
			women = append(women, v)
		case "m", "male", "man":
			men = append(men, v)
		}
	}
	if len(women) == 0 || len(men) == 0 {
		return nil
	}
	return func(i int64) any {
		if t.who(i).woman {
			return women[0]
		}
		return men[0]
	}
}

// yesNo fills a one-letter column in the letters of its default.
func yesNo(t *table, c *column) func(i int64) any {
	yes, no := "Y", "N"
	switch strings.Trim(c.Default, "'\"") {
	case "y", "n":
		yes, no = "y", "n"
	case "T", "F":
		yes, no = "T", "F"
	case "t", "f":
		yes, no = "t", "f"
	case "0", "1":
		yes, no = "1", "0"
	}
	return func(i int64) any {
		if t.draw(c, i).chance(88) {
			return yes
		}
		return no
	}
}

// fit brings text to the column's length: cut at a word where it is too long,
// filled up where it is too short. A unique text keeps its tail.
func (c *column) fit(text string) string {
	size := c.size
	if size == 0 && c.dom.minLen == 0 && c.dom.casing == "" {
		return text
	}
	for n := utf8.RuneCountInString(text); n < c.dom.minLen; n++ {
		text += "x"
	}
	switch c.dom.casing {
	case "LOWER":
		text = strings.ToLower(text)
	case "UPPER":
		text = strings.ToUpper(text)
	}
	if size == 0 || utf8.RuneCountInString(text) <= size {
		return text
	}
	cut := string([]rune(text)[:size])
	if k := strings.LastIndexByte(cut, ' '); k > size/2 && k >= c.dom.minLen {
		cut = cut[:k]
	}
	return strings.TrimRight(cut, " ,;-")
}

// withNumber makes text unique by the row's number, within the column's length.
func (c *column) withNumber(text, separator string, i int64) string {
	tail := separator + strconv.FormatInt(i+1, 10)
	size, _ := typeSize(c.Type)
	if c.dom.maxLen > 0 && (size == 0 || c.dom.maxLen < size) {
		size = c.dom.maxLen
	}
	if size > 0 {
		if len(tail) > size {
			tail = strings.ToUpper(strconv.FormatInt(i, 36))
			return fmt.Sprintf("%0*s", max(c.dom.minLen, min(size, len(tail))), tail)
		}
		if rs := []rune(text); len(rs) > size-len(tail) {
			text = strings.TrimRight(string(rs[:size-len(tail)]), " ")
		}
	}
	return c.fit(text + tail)
}
