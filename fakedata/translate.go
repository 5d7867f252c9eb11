package fakedata

import (
	"fmt"
	"slices"
	"strings"
)

// translated says a schema in the words of another database: tables, keys and
// foreign keys, and the CHECKs that every database reads alike. What is left
// out stands there as a comment.
func (s *Schema) translated(f Format) (before, after []string) {
	for i := range s.Tables {
		t := &s.Tables[i]
		doms, _, _, _ := t.domains()
		var parts, comments []string
		for c := range t.Columns {
			parts = append(parts, "  "+t.columnFor(c, f))
		}
		for _, k := range t.Keys {
			if slices.ContainsFunc(k.Columns, func(c int) bool { return c < 0 || t.Columns[c].Generated }) {
				continue
			}
			word := "UNIQUE"
			if k.Primary {
				word = "PRIMARY KEY"
			}
			parts = append(parts, "  "+word+" ("+t.keyFor(k.Columns, f)+")")
		}
		for _, c := range t.Checks {
			comments = append(comments, "-- left out: CHECK ("+oneLine(c.Expr)+")")
		}
		for c, d := range doms {
			if check := t.checkFor(c, d, f); check != "" {
				parts = append(parts, "  CHECK ("+check+")")
			}
		}
		tail := ""
		if f == FormatMySQL {
			tail = " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
		}
		if len(comments) > 0 {
			comments = append(comments, "")
		}
		before = append(before, fmt.Sprintf("%sCREATE TABLE %s (\n%s\n)%s", strings.Join(comments, "\n"), f.quote(t.Name), strings.Join(parts, ",\n"), tail))
		for _, fk := range t.ForeignKeys {
			after = append(after, fmt.Sprintf("ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %s (%s)",
				f.quote(t.Name), t.namesFor(fk.Columns, f), f.quote(s.Tables[fk.Table].Name), s.Tables[fk.Table].namesFor(fk.To, f)))
		}
	}
	for _, o := range s.objects {
		switch {
		case o.kind == "view" || o.kind == "trigger":
			after = append(after, "-- left out: "+o.kind+" "+oneLine(o.name))
		case o.kind == "index" && !o.uniqueIndex():
			if sql := s.indexFor(o, f); sql != "" {
				after = append(after, sql)
			}
		}
	}
	return before, after
}

// indexFor says a plain index of columns; "" where it is more than that.
func (s *Schema) indexFor(o object, f Format) string {
	tokens := tokenize(o.sql)
	on := slices.IndexFunc(tokens, func(t token) bool { return t.is("ON") })
	if on < 0 || on+2 >= len(tokens) {
		return ""
	}
	i := s.table(tokens[on+1].text)
	if i < 0 || !tokens[on+2].sym("(") || closing(tokens, on+2) != len(tokens)-1 {
		return ""
	}
	var cols []int
	for _, tk := range tokens[on+3 : len(tokens)-1] {
		c := s.Tables[i].column(tk.text)
		switch {
		case tk.sym(","):
			continue
		case c < 0:
			return ""
		}
		cols = append(cols, c)
	}
	return "CREATE INDEX " + f.quote(o.name) + " ON " + f.quote(s.Tables[i].Name) + " (" + s.Tables[i].keyFor(cols, f) + ")"
}

func (t *Table) namesFor(cols []int, f Format) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = f.quote(t.Columns[c].Name)
	}
	return strings.Join(out, ", ")
}

// keyFor names columns of a key; MySQL wants a length where text has none.
func (t *Table) keyFor(cols []int, f Format) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = f.quote(t.Columns[c].Name)
		if kind := t.typeFor(c, f); f == FormatMySQL && (kind == "LONGTEXT" || kind == "LONGBLOB") {
			out[i] += "(191)"
		}
	}
	return strings.Join(out, ", ")
}

func (t *Table) columnFor(c int, f Format) string {
	out := f.quote(t.Columns[c].Name) + " " + t.typeFor(c, f)
	if t.Columns[c].NotNull {
		out += " NOT NULL"
	}
	return out
}

// keyed reports whether an index or a foreign key holds the column.
func (t *Table) keyed(c int) bool {
	return slices.ContainsFunc(t.Keys, func(k Key) bool { return slices.Contains(k.Columns, c) }) ||
		slices.ContainsFunc(t.ForeignKeys, func(k ForeignKey) bool { return slices.Contains(k.Columns, c) })
}

// typeFor is the nearest type that holds all that SQLite's column does.
func (t *Table) typeFor(c int, f Format) string {
	my := f == FormatMySQL
	pick := func(mysql, postgres string) string {
		if my {
			return mysql
		}
		return postgres
	}
	size, scale := typeSize(t.Columns[c].Type)
	switch classOf(t.Columns[c].Type) {
	case classInt:
		return "BIGINT"
	case classReal:
		if size > 0 && strings.ContainsAny(strings.ToUpper(t.Columns[c].Type), "CM") {
			return fmt.Sprintf("DECIMAL(%d,%d)", size, scale)
		}
		return pick("DOUBLE", "DOUBLE PRECISION")
	case classBlob:
		if t.keyed(c) {
			return pick("VARBINARY(255)", "BYTEA")
		}
		return pick("LONGBLOB", "BYTEA")
	case classBool:
		return "BOOLEAN"
	case classDate:
		return "DATE"
	case classTime:
		return pick("DATETIME", "TIMESTAMP")
	}
	switch {
	case size > 0 && size < 16_000:
		return fmt.Sprintf("VARCHAR(%d)", size)
	case t.keyed(c):
		return pick("VARCHAR(255)", "TEXT")
	}
	return pick("LONGTEXT", "TEXT")
}

// checkFor says what is known of a column's values.
func (t *Table) checkFor(c int, d domain, f Format) string {
	name, class := f.quote(t.Columns[c].Name), classOf(t.Columns[c].Type)
	var out []string
	if d.enum != nil && class != classBool {
		var vs []string
		for _, v := range d.enum {
			if text, ok := v.(string); ok {
				if f == FormatMySQL {
					text = strings.ReplaceAll(text, `\`, `\\`)
				}
				vs = append(vs, sqlText(text))
			} else {
				vs = append(vs, show(v))
			}
		}
		out = append(out, name+" IN ("+strings.Join(vs, ", ")+")")
	}
	if class == classInt || class == classReal {
		for _, b := range []struct {
			at   *float64
			open bool
			op   string
		}{{d.lo, d.loOpen, ">"}, {d.hi, d.hiOpen, "<"}} {
			if b.at == nil {
				continue
			}
			op := b.op
			if !b.open {
				op += "="
			}
			out = append(out, name+" "+op+" "+show(*b.at))
		}
	}
	return strings.Join(out, " AND ")
}
