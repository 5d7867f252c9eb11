package fakedata

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// A schemaDrift is the defect of a table that comes in several files: the last
// rows are in a file of their own, whose columns are not quite the others'.
type schemaDrift struct {
	from, n int64 // rows [from, from+n) of the table are in that file
	column  *column
	name    string // that the column has there
	added   string // a column that only that file has, the last one; "": none
}

// schemaDriftKind is its kind.
const schemaDriftKind = "schema_drift"

// drifted decides on the drift of t's files; nil where there is none.
func (t *table) drifted() *schemaDrift {
	if t.mess == nil {
		return nil
	}
	rows := t.written()
	n := min(rows-1, int64(math.Round(t.mess.rate(schemaDriftKind)*float64(t.rows))))
	var cols []*column
	taken := map[string]bool{}
	for _, c := range t.cols {
		taken[c.Name] = true
		if !c.Generated && len(c.words) > 0 {
			cols = append(cols, c)
		}
	}
	if n < 1 || len(cols) == 0 {
		return nil
	}
	s := t.mess.key.sub(schemaDriftKind).at(0)
	d := &schemaDrift{from: rows - n, n: n}
	d.column = choose(&s, cols)
	names := otherNames(d.column)
	first := s.n(int64(len(names)))
	for k := range names {
		if name := names[(first+int64(k))%int64(len(names))]; !taken[name] {
			d.name = name
			break
		}
	}
	if d.name == "" {
		return nil
	}
	if extra := choose(&s, []string{"batch", "source_file", "exported_by"}); s.chance(50) && !taken[extra] {
		d.added = extra
	}
	return d
}

// otherNames are names that another release of the same system may give to c.
func otherNames(c *column) []string {
	camel := ""
	for i, w := range c.words {
		if rs := []rune(w); i > 0 {
			rs[0] = unicode.ToUpper(rs[0])
			w = string(rs)
		}
		camel += w
	}
	return []string{camel, strings.ToUpper(strings.Join(c.words, "_")), strings.Join(c.words, ""), strings.Join(c.words, " "), c.Name + "_1", c.Name + "_value", c.Name + "_new"}
}

// answers is what the key says of it; file is the name of the file.
func (d *schemaDrift) answers(t *table, file string) []Answer {
	out := []Answer{{Table: t.Name, Key: []any{file}, Column: d.column.Name, Kind: schemaDriftKind, Clean: d.column.Name, Dirty: d.name}}
	if d.added != "" {
		out = append(out, Answer{Table: t.Name, Key: []any{file}, Column: d.added, Kind: schemaDriftKind, Dirty: d.added})
	}
	return out
}

// drift makes e write the second file of its table.
func (e *encoder) drift(d *schemaDrift) {
	k := slices.Index(e.cols, d.column)
	e.heads[k] = d.name
	lead := e.names[k][:1]
	e.names[k] = append(appendJSON(append([]byte(nil), lead...), d.name), ':')
	if d.added != "" {
		e.heads = append(e.heads, d.added)
		e.tail = []byte(",2")
		if e.format == FormatJSONL {
			e.tail = append(append(appendJSON([]byte(","), d.added), ':'), '2')
		}
	}
	e.from, e.n = d.from, d.n
}

// partName is the name of a table's second file.
func partName(name string) string { return fmt.Sprintf("%s.part2", name) }
