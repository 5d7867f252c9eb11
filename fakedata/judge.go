package fakedata

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// maxTries is how often a row is drawn before its constraints count as
// impossible to meet.
const maxTries = 300

// maxKept is how many answers of the judge are kept for one table.
const maxKept = 100_000

// judge lets SQLite decide whether a row meets its table's CHECKs, in an
// in-memory copy of the schema. It is asked only about tables with CHECKs that
// this package does not understand, and remembers nothing but the answer.
type judge struct {
	ctx    context.Context
	db     *memory
	insert map[*table]*sql.Stmt
	err    error // the first failure; the dataset is void then
}

func (p *plan) openJudge(ctx context.Context, s *Schema) error {
	judged := false
	for _, t := range p.tables {
		judged = judged || t.judged
	}
	if !judged {
		return nil
	}
	db, err := openMemory(ctx)
	if err != nil {
		return err
	}
	p.judge = &judge{ctx: ctx, db: db, insert: map[*table]*sql.Stmt{}}
	if err := createTables(ctx, db.Conn, s); err != nil {
		return err
	}
	for _, t := range p.tables {
		if !t.judged {
			continue
		}
		if p.judge.insert[t], err = db.PrepareContext(ctx, t.insertSQL()); err != nil {
			return fmt.Errorf("table %q: %s", t.Name, sqliteMessage(err))
		}
	}
	return nil
}

func (p *plan) close() error {
	if p.judge == nil {
		return nil
	}
	return p.judge.db.Close()
}

// try is how often row i was drawn again before it met its constraints.
func (t *table) try(i int64) int64 {
	if !t.judged && len(t.tries) == 0 {
		return 0
	}
	if n, ok := t.tries[i]; ok || !t.judged || i < t.resolved && !t.spilled || t.p.judge == nil {
		return n
	}
	for n := int64(0); n < maxTries; n++ {
		t.tries[i] = n // what values() sees
		if t.p.judge.accepts(t, i) {
			break
		}
	}
	n := t.tries[i]
	if len(t.tries) > maxKept { // keep the memory small, ask again when needed
		delete(t.tries, i)
		t.spilled = true
	}
	return n
}

// accepts reports whether row i as drawn now meets its CHECKs.
func (j *judge) accepts(t *table, i int64) bool {
	_, err := j.insert[t].ExecContext(j.ctx, t.values(i)...)
	if _, e := j.db.ExecContext(j.ctx, "DELETE FROM "+quote(t.Name)); e != nil && j.err == nil {
		j.err = fmt.Errorf("table %q: %w", t.Name, e)
	}
	return err == nil || !retriable(err)
}

// retriable errors may go away when the row is drawn again.
func retriable(err error) bool {
	return strings.Contains(err.Error(), "CHECK constraint failed") || strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// insertSQL inserts one row of t.
func (t *table) insertSQL() string {
	var names, marks []string
	for _, c := range t.cols {
		if !c.Generated {
			names = append(names, quote(c.Name))
			marks = append(marks, "?")
		}
	}
	if len(names) == 0 {
		return "INSERT INTO " + quote(t.Name) + " DEFAULT VALUES"
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(t.Name), strings.Join(names, ", "), strings.Join(marks, ", "))
}

// values is row i in the order of insertSQL.
func (t *table) values(i int64) []any {
	return t.appendValues(make([]any, 0, len(t.cols)), i)
}

func (t *table) appendValues(out []any, i int64) []any {
	for _, c := range t.cols {
		if !c.Generated {
			out = append(out, c.cell(i))
		}
	}
	return out
}

// createTables creates what the rows need: tables, and the indexes that refuse
// a row.
func createTables(ctx context.Context, db *sql.Conn, s *Schema) error {
	for _, o := range s.objects {
		if o.kind != "table" && !o.uniqueIndex() {
			continue
		}
		if _, err := db.ExecContext(ctx, o.sql); err != nil {
			return fmt.Errorf("creating %s %q: %s", o.kind, o.name, sqliteMessage(err))
		}
	}
	return nil
}

func (o object) uniqueIndex() bool {
	tokens := tokenize(o.sql)
	return o.kind == "index" && len(tokens) > 1 && tokens[1].is("UNIQUE")
}
