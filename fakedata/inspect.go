package fakedata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A TableProfile says what is in one table of a dataset.
type TableProfile struct {
	Table     string          `json:"table"`
	Rows      int64           `json:"rows"`
	Columns   []ColumnProfile `json:"columns"`
	Relations []string        `json:"relations,omitempty"` // "customer_id → customers.id: 300 of 400 have 1 to 12"
}

// A ColumnProfile says what is in one column.
type ColumnProfile struct {
	Column    string   `json:"column"`
	Type      string   `json:"type"`
	Nulls     int64    `json:"nulls"`
	Distinct  int64    `json:"distinct"`
	Least     string   `json:"least"` // in SQLite's order
	Most      string   `json:"most"`
	Histogram []int64  `json:"histogram,omitempty"` // of numbers and moments: rows in equal steps from Least to Most
	Values    []string `json:"values,omitempty"`    // the most frequent ones, where there are few
	Counts    []int64  `json:"counts,omitempty"`    // of Values
}

// buckets is the length of a histogram; fewValues is up to how many different
// values are listed one by one.
const (
	buckets   = 16
	fewValues = 12
)

// openToRead opens a SQLite file that nothing will be written to.
func openToRead(ctx context.Context, path string) (*memory, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=ro"}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %s", path, sqliteMessage(err)), pool.Close())
	}
	return &memory{conn, pool}, nil
}

// Inspect profiles the SQLite dataset at path. The file is only read.
func Inspect(ctx context.Context, path string) ([]TableProfile, error) {
	db, err := openToRead(ctx, path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var s Schema
	if err := s.read(ctx, db.Conn); err != nil {
		return nil, fmt.Errorf("inspecting %s: %w", path, err)
	}
	var out []TableProfile
	for i := range s.Tables {
		p, err := s.profile(ctx, db.Conn, &s.Tables[i])
		if err != nil {
			return nil, fmt.Errorf("inspecting table %q: %w", s.Tables[i].Name, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (s *Schema) profile(ctx context.Context, db *sql.Conn, t *Table) (TableProfile, error) {
	p := TableProfile{Table: t.Name}
	if err := scan(ctx, db, "SELECT count(*) FROM "+quote(t.Name), &p.Rows); err != nil {
		return p, err
	}
	for _, c := range t.Columns {
		cp, err := profileColumn(ctx, db, t, c)
		if err != nil {
			return p, err
		}
		p.Columns = append(p.Columns, cp)
	}
	for _, fk := range t.ForeignKeys {
		if len(fk.Columns) != 1 {
			continue
		}
		parent, col := &s.Tables[fk.Table], quote(t.Columns[fk.Columns[0]].Name)
		var all, with, least, most int64
		if err := scan(ctx, db, "SELECT count(*) FROM "+quote(parent.Name), &all); err != nil {
			return p, err
		}
		q := fmt.Sprintf("SELECT count(*), coalesce(min(n), 0), coalesce(max(n), 0) FROM (SELECT count(*) n FROM %s WHERE %s IN (SELECT %s FROM %s) GROUP BY %s)",
			quote(t.Name), col, quote(parent.Columns[fk.To[0]].Name), quote(parent.Name), col)
		if err := scan(ctx, db, q, &with, &least, &most); err != nil {
			return p, err
		}
		var orphans int64
		astray := ""
		q = fmt.Sprintf("SELECT count(*) FROM %s WHERE %s NOT IN (SELECT %s FROM %s WHERE %[3]s IS NOT NULL)", quote(t.Name), col, quote(parent.Columns[fk.To[0]].Name), quote(parent.Name))
		if err := scan(ctx, db, q, &orphans); err != nil {
			return p, err
		}
		if orphans > 0 {
			astray = fmt.Sprintf(", %d rows point to none", orphans)
		}
		p.Relations = append(p.Relations, fmt.Sprintf("%s → %s.%s: %d of %d have %d to %d",
			t.Columns[fk.Columns[0]].Name, parent.Name, parent.Columns[fk.To[0]].Name, with, all, least, most)+astray)
	}
	return p, nil
}

func profileColumn(ctx context.Context, db *sql.Conn, t *Table, c Column) (ColumnProfile, error) {
	p := ColumnProfile{Column: c.Name, Type: c.Type}
	col, from := quote(c.Name), " FROM "+quote(t.Name)
	var least, most sql.NullString
	var numbers, moments, filled int64
	err := scan(ctx, db, fmt.Sprintf(`SELECT count(*) - count(%[1]s), count(DISTINCT %[1]s), CAST(min(%[1]s) AS TEXT), CAST(max(%[1]s) AS TEXT),
		coalesce(sum(typeof(%[1]s) IN ('integer', 'real')), 0), coalesce(sum(typeof(%[1]s) = 'text' AND %[1]s GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'), 0), count(%[1]s)`, col)+from,
		&p.Nulls, &p.Distinct, &least, &most, &numbers, &moments, &filled)
	if err != nil {
		return p, err
	}
	p.Least, p.Most = short(least.String), short(most.String)
	value := col
	switch {
	case p.Distinct <= fewValues:
		return p, p.list(ctx, db, col, from)
	case moments == filled:
		value = "julianday(" + col + ")"
	case numbers != filled:
		return p, nil
	}
	q := fmt.Sprintf(`WITH v(x) AS (SELECT %s%s), r(lo, hi) AS (SELECT min(x), max(x) FROM v)
		SELECT min(%d, CAST((x - lo) * %d / (hi - lo) AS INT)), count(*), '', '' FROM v, r WHERE x IS NOT NULL AND hi > lo GROUP BY 1`, value, from, buckets-1, buckets)
	rows, err := query(ctx, db, q)
	if err != nil {
		return p, err
	}
	p.Histogram = make([]int64, buckets)
	for _, r := range rows {
		var b int
		var n int64
		if _, err := fmt.Sscan(r[0], &b); err != nil || b < 0 || b >= buckets {
			return p, errors.New("a value is not as its column says")
		}
		if _, err := fmt.Sscan(r[1], &n); err != nil {
			return p, err
		}
		p.Histogram[b] = n
	}
	return p, nil
}

// list names the few values that there are, the most frequent first.
func (p *ColumnProfile) list(ctx context.Context, db *sql.Conn, col, from string) error {
	rows, err := query(ctx, db, fmt.Sprintf("SELECT CAST(%[1]s AS TEXT), count(*), '', ''%[2]s WHERE %[1]s IS NOT NULL GROUP BY %[1]s ORDER BY 2 DESC, 1", col, from))
	if err != nil {
		return err
	}
	for _, r := range rows {
		var n int64
		if _, err := fmt.Sscan(r[1], &n); err != nil {
			return err
		}
		p.Values, p.Counts = append(p.Values, short(r[0])), append(p.Counts, n)
	}
	return nil
}

func short(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if rs := []rune(s); len(rs) > 40 {
		return string(rs[:39]) + "…"
	}
	return s
}

func scan(ctx context.Context, db *sql.Conn, q string, into ...any) error {
	if err := db.QueryRowContext(ctx, q).Scan(into...); err != nil {
		return errors.New(sqliteMessage(err))
	}
	return nil
}

// Bars draws a histogram in one line of block characters.
func Bars(counts []int64) string {
	if len(counts) == 0 {
		return ""
	}
	most := max(1, slices.Max(counts))
	var b strings.Builder
	for _, n := range counts {
		level := (n*8 + most - 1) / most // what is there at all shows
		b.WriteRune([]rune(" ▁▂▃▄▅▆▇█")[level])
	}
	return b.String()
}
