package fakedata

import "slices"

// An Object is one thing that a schema creates.
type Object struct {
	Kind, Name string // Kind is table, index, view or trigger
	SQL        string // its CREATE statement
}

// Objects lists what s creates, in the script's order.
func (s *Schema) Objects() []Object {
	out := make([]Object, len(s.objects))
	for i, o := range s.objects {
		out[i] = Object{o.kind, o.name, o.sql}
	}
	return out
}

// A Fact is what the names, types and constraints of a schema say of a column.
type Fact struct {
	Kind string // the generator that would fill it, as a plan has it; also "plain", "time", "choice"
	Enum []any  // the only values that a CHECK allows; nil: no such list

	Patterns []string // of which a CHECK asks for one: LIKE patterns, or GLOB if Glob is set
	Glob     bool
	Lo, Hi   *float64 // bounds that a CHECK sets; nil: none

	Refers bool // it is, or by its name seems to be, a reference to column To of table Parent
	Parent int  // index into Schema.Tables
	To     int  // index into that table's columns
}

// Facts says of each column of each table what its name, type and constraints
// tell, and of each table what a row is, in a word ("person"; "": not known).
func (s *Schema) Facts() (columns [][]Fact, themes []string) {
	p := &plan{}
	for i := range s.Tables {
		p.tables = append(p.tables, p.newTable(i, &s.Tables[i]))
	}
	for _, t := range p.tables {
		t.relate()
	}
	for _, t := range p.tables {
		facts := make([]Fact, len(t.cols))
		for i, c := range t.cols {
			facts[i] = Fact{Kind: c.kind, Enum: slices.Clone(c.dom.enum), Patterns: slices.Clone(c.dom.patterns), Glob: c.dom.glob, Lo: c.dom.lo, Hi: c.dom.hi}
			if l := c.link; l != nil {
				facts[i].Refers, facts[i].Parent, facts[i].To = true, l.parent.index, l.target(i)
			}
		}
		columns, themes = append(columns, facts), append(themes, t.theme)
	}
	return columns, themes
}

// Words splits a piece of SQL into the names and keywords in it; what stands in
// string literals and comments is not among them.
func Words(sql string) []string {
	var out []string
	for _, t := range tokenize(sql) {
		if t.kind == tokWord || t.kind == tokIdent {
			out = append(out, t.text)
		}
	}
	return out
}

// Literals lists the string literals in a piece of SQL.
func Literals(sql string) []string {
	var out []string
	for _, t := range tokenize(sql) {
		if t.kind == tokString {
			out = append(out, t.text)
		}
	}
	return out
}

// NameWords splits a name in snake, camel, Pascal or kebab case into lower-case
// words, common abbreviations spelt out. There is at least one.
func NameWords(name string) []string { return words(name) }

// KindOfName is what the name of a value says about it, as Fact.Kind does.
func KindOfName(name string) string {
	s := &Schema{Tables: []Table{{Name: "", Columns: []Column{{Name: name}}}}}
	facts, _ := s.Facts()
	return facts[0][0].Kind
}
