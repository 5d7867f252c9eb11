package fakedata

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A TablePreview is the beginning of one table of a dataset.
type TablePreview struct {
	Table   string
	Columns []string
	Rows    [][]string // as SQLite would show them; NULL is "NULL", a blob is x'…'
	Total   int64      // rows that the whole table has
}

// Preview returns the first n rows of each table, exactly the rows that
// Generate would write, without making the dataset. Generated columns are left
// out.
func Preview(ctx context.Context, s *Schema, r Recipe, n int) (out []TablePreview, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("previewing schema %q: %w", s.Name, err)
		}
	}()
	p, err := newPlan(s, r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	db, err := openMemory(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := p.openJudge(ctx, s); err != nil {
		return nil, err
	}
	if err := createTables(ctx, db.Conn, s); err != nil {
		return nil, err
	}
	w := writer{p: p, db: db}
	if err := w.relax(ctx); err != nil {
		return nil, err
	}
	for _, t := range p.tables {
		tp := TablePreview{Table: t.Name, Total: t.written()}
		for _, c := range t.cols {
			if !c.Generated {
				tp.Columns = append(tp.Columns, c.Name)
			}
		}
		err := w.fill(ctx, t, min(t.rows, int64(max(n, 0))), func(row []any) {
			var line []string
			for _, v := range row {
				line = append(line, show(v))
			}
			tp.Rows = append(tp.Rows, line)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, tp)
	}
	return out, nil
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	}
	return fmt.Sprint(v)
}

// Describe is the DATA.md that a model gets along with the dataset: tables,
// columns, keys and row counts. It says nothing that the dataset itself does
// not show. A recipe that Generate would refuse gives the reason instead.
func Describe(s *Schema, r Recipe) string {
	p, err := newPlan(s, r)
	if err != nil {
		return "No dataset: " + err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Dataset %s\n\nAll of it is synthetic: no person, address or number in it is real.\n"+
		"Today, in this dataset, is %s (UTC).\n", oneLine(s.Name), r.Clock.UTC().Format("2006-01-02"))
	for _, t := range p.tables {
		fmt.Fprintf(&b, "\n## %s (%d rows)\n\n", oneLine(t.Name), t.written())
		for _, c := range t.cols {
			fmt.Fprintf(&b, "- %s\n", strings.Join(t.describe(c), ", "))
		}
		for _, k := range t.Keys {
			if len(k.Columns) > 1 {
				fmt.Fprintf(&b, "- %s: (%s)\n", map[bool]string{true: "primary key", false: "unique"}[k.Primary], t.names(k.Columns))
			}
		}
		for _, fk := range t.ForeignKeys {
			if len(fk.Columns) > 1 {
				parent := p.tables[fk.Table]
				fmt.Fprintf(&b, "- (%s) → %s (%s)\n", t.names(fk.Columns), oneLine(parent.Name), parent.names(fk.To))
			}
		}
	}
	first := true
	for _, o := range s.objects {
		if o.kind == "view" {
			if first {
				b.WriteString("\n## Views\n\n")
				first = false
			}
			fmt.Fprintf(&b, "- %s\n", oneLine(o.name))
		}
	}
	return b.String()
}

// describe lists what is worth knowing about a column.
func (t *table) describe(c *column) []string {
	out := []string{strings.TrimSpace(oneLine(c.Name) + " " + oneLine(c.Type))}
	for _, k := range t.Keys {
		if len(k.Columns) == 1 && k.Columns[0] == c.index {
			out = append(out, map[bool]string{true: "primary key", false: "unique"}[k.Primary])
		}
	}
	if !c.NotNull {
		out = append(out, "may be NULL")
	}
	if c.Generated {
		out = append(out, "computed")
	}
	for _, fk := range t.ForeignKeys {
		if len(fk.Columns) == 1 && fk.Columns[0] == c.index {
			parent := t.p.tables[fk.Table]
			out = append(out, "→ "+oneLine(parent.Name)+"."+oneLine(parent.cols[fk.To[0]].Name))
		}
	}
	if c.dom.enum != nil && len(c.dom.enum) <= 12 {
		var vs []string
		for _, v := range c.dom.enum {
			vs = append(vs, oneLine(show(v)))
		}
		out = append(out, "one of "+strings.Join(vs, " | "))
	}
	return out
}

func (t *table) names(cols []int) string {
	var out []string
	for _, c := range cols {
		if c >= 0 {
			out = append(out, oneLine(t.Columns[c].Name))
		}
	}
	return strings.Join(out, ", ")
}

// oneLine makes a name from a schema harmless in Markdown and on a screen.
func oneLine(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, name))
}
