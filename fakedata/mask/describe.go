package mask

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Describe says in Markdown what is in the masked SQLite file at path: tables,
// columns, references and how many rows there are; no value.
func Describe(ctx context.Context, path string) (text string, err error) {
	src, err := open(ctx, path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	if src.db == nil {
		return "", errors.New("it is a CSV file: mask the original again, with -o NAME.db")
	}
	var b strings.Builder
	b.WriteString("# Masked dataset\n\nMade of real records: every name, number, date and text in it is a pseudonym or moved. " +
		"The same value has the same pseudonym everywhere, so the tables join as they did; words mean nothing.\n")
	for i := range src.schema.Tables {
		t := &src.schema.Tables[i]
		var rows int64
		if err := src.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(t.Name)).Scan(&rows); err != nil {
			return "", said(err)
		}
		fmt.Fprintf(&b, "\n## %s (%d rows)\n\n", oneLine(t.Name), rows)
		for c, col := range t.Columns {
			fmt.Fprintf(&b, "- %s", strings.TrimSpace(oneLine(col.Name)+" "+oneLine(col.Type)))
			if f := src.facts[i][c]; f.Refers {
				p := &src.schema.Tables[f.Parent]
				fmt.Fprintf(&b, ", → %s.%s", oneLine(p.Name), oneLine(p.Columns[f.To].Name))
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}
