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

// oneLine makes a name from a schema harmless in Markdown and on a screen.
func oneLine(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, name))
}
