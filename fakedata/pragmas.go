package fakedata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// read fills s from what SQLite made of its DDL.
func (s *Schema) read(ctx context.Context, db *sql.Conn) error {
	rows, err := query(ctx, db, `SELECT type, name, coalesce(sql,''), '' FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`)
	if err != nil {
		return err
	}
	columns := 0
	for _, r := range rows {
		if r[2] != "" {
			s.objects = append(s.objects, object{r[0], r[1], r[2]})
		}
		if r[0] != "table" {
			continue
		}
		t := Table{Name: r[1], Checks: findChecks(r[2]), sql: r[2]}
		if t.Columns, err = readColumns(ctx, db, t.Name); err != nil {
			return err
		}
		if t.Keys, err = readKeys(ctx, db, &t); err != nil {
			return err
		}
		strict, err := query(ctx, db, `SELECT strict, '', '', '' FROM pragma_table_list(?)`, t.Name)
		if err != nil {
			return err
		}
		t.Strict = len(strict) > 0 && strict[0][0] == "1"
		s.Tables = append(s.Tables, t)
		columns += len(t.Columns)
	}
	switch {
	case len(s.Tables) == 0:
		return errors.New("it creates no table: give at least one CREATE TABLE statement")
	case len(s.Tables) > maxTables:
		return fmt.Errorf("it has %d tables: at most %d are accepted", len(s.Tables), maxTables)
	case columns > maxColumns:
		return fmt.Errorf("it has %d columns: at most %d are accepted", columns, maxColumns)
	}
	keys := 0
	for i := range s.Tables {
		if err := s.readForeignKeys(ctx, db, &s.Tables[i]); err != nil {
			return err
		}
		if keys += len(s.Tables[i].ForeignKeys) + len(s.Tables[i].Keys); keys > maxKeys {
			return fmt.Errorf("it has more than %d foreign keys and unique constraints", maxKeys)
		}
	}
	s.sort()
	return nil
}

// query returns all rows of a query of four columns as text, NULL as "".
func query(ctx context.Context, db *sql.Conn, q string, args ...any) ([][4]string, error) {
	rows, err := db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the structure: %s", sqliteMessage(err))
	}
	defer rows.Close()
	var out [][4]string
	for rows.Next() {
		var f [4]sql.NullString
		if err := rows.Scan(&f[0], &f[1], &f[2], &f[3]); err != nil {
			return nil, fmt.Errorf("reading the structure: %w", err)
		}
		out = append(out, [4]string{f[0].String, f[1].String, f[2].String, f[3].String})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the structure: %s", sqliteMessage(err))
	}
	return out, nil
}

func readColumns(ctx context.Context, db *sql.Conn, table string) ([]Column, error) {
	rows, err := query(ctx, db, `SELECT name, type, dflt_value, ("notnull" OR pk > 0) || '/' || hidden FROM pragma_table_xinfo(?) ORDER BY cid`, table)
	var cols []Column
	for _, r := range rows {
		notNull, hidden, _ := strings.Cut(r[3], "/")
		cols = append(cols, Column{Name: r[0], Type: r[1], Default: r[2], NotNull: notNull == "1", Generated: hidden != "0"})
	}
	return cols, err
}

// readKeys returns the primary key and every unique index. An index on
// expressions counts as one on the columns they name.
func readKeys(ctx context.Context, db *sql.Conn, t *Table) ([]Key, error) {
	var keys []Key
	add := func(primary bool, cols []int) {
		same := func(k Key) bool { return slices.Equal(k.Columns, cols) }
		if len(cols) > 0 && !slices.ContainsFunc(keys, same) {
			keys = append(keys, Key{Columns: cols, Primary: primary})
		}
	}
	pk, err := query(ctx, db, `SELECT name, '', '', '' FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk`, t.Name)
	if err != nil {
		return nil, err
	}
	var cols []int
	for _, r := range pk {
		cols = append(cols, t.column(r[0]))
	}
	add(true, cols)
	indexes, err := query(ctx, db, `SELECT l.name, coalesce(s.sql,''), '', '' FROM pragma_index_list(?) l
		LEFT JOIN sqlite_schema s ON s.type='index' AND s.name=l.name WHERE l."unique" AND l.origin <> 'pk' ORDER BY l.seq DESC`, t.Name)
	if err != nil {
		return nil, err
	}
	for _, ix := range indexes {
		parts, err := query(ctx, db, `SELECT cid, name, '', '' FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno`, ix[0])
		if err != nil {
			return nil, err
		}
		var cols []int
		for _, p := range parts {
			if p[0] == "-2" { // an expression: take every column that the index mentions
				cols = t.mentioned(ix[1])
				break
			}
			cols = append(cols, t.column(p[1]))
		}
		add(false, cols)
	}
	return keys, nil
}

// column returns the index of the column of that name, or -1.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}

// mentioned returns the columns that occur in an SQL text, from its first
// parenthesis on, in the table's order.
func (t *Table) mentioned(sqlText string) []int {
	var out []int
	tokens := tokenize(sqlText)
	from := slices.IndexFunc(tokens, func(tk token) bool { return tk.sym("(") })
	for _, tk := range tokens[max(from, 0):] {
		if tk.kind != tokWord && tk.kind != tokIdent {
			continue
		}
		if c := t.column(tk.text); c >= 0 && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

func (s *Schema) table(name string) int {
	return slices.IndexFunc(s.Tables, func(t Table) bool { return strings.EqualFold(t.Name, name) })
}

func (s *Schema) readForeignKeys(ctx context.Context, db *sql.Conn, t *Table) error {
	rows, err := query(ctx, db, `SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq`, t.Name)
	if err != nil {
		return err
	}
	for i := 0; i < len(rows); {
		parent := s.table(rows[i][1])
		if parent < 0 {
			return fmt.Errorf("table %q refers to table %q, which does not exist", t.Name, rows[i][1])
		}
		p := &s.Tables[parent]
		fk := ForeignKey{Table: parent}
		id := rows[i][0]
		for ; i < len(rows) && rows[i][0] == id; i++ {
			fk.Columns = append(fk.Columns, t.column(rows[i][2]))
			if rows[i][3] != "" {
				fk.To = append(fk.To, p.column(rows[i][3]))
			}
		}
		if len(fk.To) == 0 && len(p.Keys) > 0 && p.Keys[0].Primary {
			fk.To = p.Keys[0].Columns
		}
		if len(fk.To) != len(fk.Columns) || slices.Contains(fk.To, -1) || !p.unique(fk.To) {
			return fmt.Errorf("table %q refers to columns of table %q that are no key of it: "+
				"a foreign key needs a PRIMARY KEY or UNIQUE constraint on the other side", t.Name, p.Name)
		}
		t.ForeignKeys = append(t.ForeignKeys, fk)
	}
	return nil
}

// unique reports whether exactly these columns, in any order, form a key.
func (t *Table) unique(cols []int) bool {
	want := slices.Sorted(slices.Values(cols))
	return slices.ContainsFunc(t.Keys, func(k Key) bool {
		return slices.Equal(slices.Sorted(slices.Values(k.Columns)), want)
	})
}

// sort puts parents before their children. Of the tables in a cycle, the one
// that the script creates first comes first.
func (s *Schema) sort() {
	order := make([]int, 0, len(s.Tables)) // old indexes in their new order
	state := make([]byte, len(s.Tables))   // 1: being visited, 2: placed
	var visit func(int)
	visit = func(i int) {
		if state[i] != 0 {
			return
		}
		state[i] = 1
		for _, fk := range s.Tables[i].ForeignKeys {
			visit(fk.Table)
		}
		state[i] = 2
		order = append(order, i)
	}
	for i := range s.Tables {
		visit(i)
	}
	where := make([]int, len(order))
	tables := make([]Table, len(order))
	for to, from := range order {
		where[from] = to
		tables[to] = s.Tables[from]
	}
	for i := range tables {
		for j := range tables[i].ForeignKeys {
			tables[i].ForeignKeys[j].Table = where[tables[i].ForeignKeys[j].Table]
		}
	}
	s.Tables = tables
}
