package fakedata

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Texts yields the texts in the text columns of the dataset of s at path, a
// SQLite file, which is only read: of each table at most about rows rows,
// evenly spread. yield may not keep the text.
func Texts(ctx context.Context, s *Schema, path string, rows int64, yield func(table, column string, text []byte)) error {
	db, err := openToRead(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	for i := range s.Tables {
		if err := s.Tables[i].texts(ctx, db.Conn, rows, yield); err != nil {
			return fmt.Errorf("reading table %q: %w", s.Tables[i].Name, err)
		}
	}
	return nil
}

func (t *Table) texts(ctx context.Context, conn *sql.Conn, most int64, yield func(table, column string, text []byte)) error {
	var columns, sources []string
	for _, c := range t.Columns {
		if classOf(c.Type) == classText {
			columns, sources = append(columns, c.Name), append(sources, quote(c.Name))
		}
	}
	if len(columns) == 0 {
		return nil
	}
	var n int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(t.Name)).Scan(&n); err != nil {
		return err
	}
	step := max((n+most-1)/most, 1)
	from := quote(t.Name)
	if step > 1 {
		from = fmt.Sprintf("(SELECT *, row_number() OVER () AS \"\x01n\" FROM %s) WHERE \"\x01n\" %% %d = 0", from, step)
	}
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s", strings.Join(sources, ", "), from))
	if err != nil {
		return err
	}
	defer rows.Close()
	cells := make([]sql.RawBytes, len(columns))
	to := make([]any, len(columns))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		for i, c := range cells {
			if len(c) > 0 {
				yield(t.Name, columns[i], c)
			}
		}
	}
	return rows.Err()
}
