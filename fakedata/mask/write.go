package mask

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// sink takes rows in.
type sink interface {
	row(table int, values []any) error
	finish(ctx context.Context) error
	close() error
}

// write makes the output: every row of the source, masked.
func write(ctx context.Context, src *source, to string, m *masker, progress func(string, int64, int64)) (err error) {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("making the output: %w", err)
	}
	var out sink
	switch {
	case isCSV(to) && src.db != nil:
		return errors.Join(errors.New("a database does not fit one CSV file: give the output a name in .db"), f.Close())
	case isCSV(to):
		out = newCSVSink(f, src)
	default:
		if err := f.Close(); err != nil {
			return err
		}
		if out, err = newSQLiteSink(ctx, to, src, m.plan); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, out.close()) }()
	for i, t := range m.plan.tables {
		if err := m.table(ctx, src, t, out, progress); err != nil {
			return fmt.Errorf("table %q: %w", src.schema.Tables[i].Name, err)
		}
	}
	return out.finish(ctx)
}

// table masks the rows of one table.
func (m *masker) table(ctx context.Context, src *source, t *table, out sink, progress func(string, int64, int64)) error {
	extra, joins := t.ancestry(m.plan)
	masked := make([]any, len(t.cols))
	n := int64(0)
	return src.each(ctx, t.index, extra, joins, func(row []any) error {
		if n++; n%4096 == 0 {
			progress("masking "+t.Name, n, 0)
		}
		owner := t.owner(m.plan, row, n)
		for i, c := range t.cols {
			var err error
			if masked[i], err = m.value(c, row[i], owner); err != nil {
				return fmt.Errorf("column %q: %w", c.Name, err)
			}
		}
		if len(t.quasi) > 0 {
			parts := []string{"alike"}
			for _, q := range t.quasi {
				parts = append(parts, fmt.Sprintf("%T %v", masked[q], masked[q]))
			}
			if err := m.ledger.count(t.index, m.key.hash(parts...)); err != nil {
				return err
			}
		}
		return out.row(t.index, masked)
	})
}

// ancestry selects, of each step of a row's chain, the columns that refer to
// the next.
func (t *table) ancestry(p *plan) (extra, joins string) {
	for i, l := range t.chain {
		from := p.tables[t.index]
		if i > 0 {
			from = p.tables[t.chain[i-1].table]
			before := t.chain[i-1]
			joins += fmt.Sprintf(" LEFT JOIN %s AS t%d ON ", quote(from.Name), i)
			child := p.tables[t.index]
			if i > 1 {
				child = p.tables[t.chain[i-2].table]
			}
			for k := range before.cols {
				if k > 0 {
					joins += " AND "
				}
				joins += fmt.Sprintf("t%d.%s = t%d.%s", i, quote(from.cols[before.to[k]].Name), i-1, quote(child.cols[before.cols[k]].Name))
			}
		}
		for _, c := range l.cols {
			extra += fmt.Sprintf(", +t%d.%s", i, quote(from.cols[c].Name))
		}
	}
	return extra, joins
}

// owner names what a row belongs to: the last of its chain that there is, else
// the row itself.
func (t *table) owner(p *plan, row []any, number int64) string {
	name := func(of *table, key []any) string {
		var b strings.Builder
		b.WriteString(of.Name)
		for _, v := range key {
			if v == nil {
				return ""
			}
			fmt.Fprintf(&b, "\x00%v", v)
		}
		return b.String()
	}
	at := len(row)
	for i := len(t.chain) - 1; i >= 0 && len(row) > len(t.cols); i-- {
		at -= len(t.chain[i].cols)
		if id := name(p.tables[t.chain[i].table], row[at:at+len(t.chain[i].cols)]); id != "" {
			return id
		}
	}
	var key []any
	switch {
	case len(t.Keys) > 0:
		for _, c := range t.Keys[0].Columns {
			if c >= 0 {
				key = append(key, row[c])
			}
		}
	default: // a file without keys: what looks most like one
		for _, kind := range []string{"", "email", "username", "person"} {
			c := slices.IndexFunc(t.cols, func(c *column) bool {
				return c.kind == kind && kind != "" || kind == "" && c.method == methodKey
			})
			if c >= 0 && key == nil {
				key = []any{row[c]}
			}
		}
	}
	if id := name(t, key); id != "" && key != nil {
		return id
	}
	return t.Name + "\x00\x00" + strconv.FormatInt(number, 10)
}

type csvSink struct {
	f *os.File
	w *csv.Writer
	n []string
}

func newCSVSink(f *os.File, src *source) *csvSink {
	s := &csvSink{f: f, w: csv.NewWriter(f)}
	s.w.Comma, s.w.UseCRLF = src.comma, src.crlf
	for _, c := range src.schema.Tables[0].Columns {
		s.n = append(s.n, c.Name)
	}
	s.w.Write(s.n) //nolint:errcheck // Error says it in the end
	return s
}

func (s *csvSink) row(_ int, values []any) error {
	for i, v := range values {
		s.n[i], _ = v.(string)
	}
	return s.w.Write(s.n)
}

func (s *csvSink) finish(context.Context) error {
	s.w.Flush()
	return s.w.Error()
}

func (s *csvSink) close() error { return s.f.Close() }

type sqliteSink struct {
	db      *sql.DB
	conn    *sql.Conn
	src     *source
	plan    *plan
	inserts []*sql.Stmt
	args    []any
}

func newSQLiteSink(ctx context.Context, path string, src *source, p *plan) (_ *sqliteSink, err error) {
	s := &sqliteSink{src: src, plan: p}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making the output: %w", err), s.close())
		}
	}()
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=rw"}
	if s.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return nil, err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, said(err)
	}
	if _, err := s.conn.ExecContext(ctx, `PRAGMA page_size=4096; PRAGMA encoding='UTF-8'; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=OFF;
		PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA foreign_keys=OFF; PRAGMA cache_size=-16384; PRAGMA trusted_schema=OFF`); err != nil {
		return nil, said(err)
	}
	for id, v := range map[int]int{0: maxValue, 3: 500, 7: 1} { // VACUUM attaches a file
		if _, err := sqlite.Limit(s.conn, id, v); err != nil {
			return nil, err
		}
	}
	if err := s.copyNumbers(ctx); err != nil {
		return nil, err
	}
	if err := s.create(ctx, "table"); err != nil {
		return nil, err
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return nil, said(err)
	}
	for _, t := range p.tables {
		var names, marks []string
		for _, c := range t.cols {
			if !c.Generated {
				names, marks = append(names, quote(c.Name)), append(marks, "?")
			}
		}
		q := "INSERT INTO " + quote(t.Name) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
		if len(names) == 0 {
			q = "INSERT INTO " + quote(t.Name) + " DEFAULT VALUES"
		}
		stmt, err := s.conn.PrepareContext(ctx, q)
		if err != nil {
			return nil, said(err)
		}
		s.inserts = append(s.inserts, stmt)
	}
	return s, nil
}

// copyNumbers takes the numbers over by which a program knows its file.
func (s *sqliteSink) copyNumbers(ctx context.Context) error {
	if s.src.db == nil {
		return nil
	}
	for _, name := range []string{"user_version", "application_id"} {
		var n int64
		if err := s.src.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&n); err != nil {
			return said(err)
		}
		if _, err := s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA %s=%d", name, n)); err != nil {
			return said(err)
		}
	}
	return nil
}

// create makes what the schema has of some kinds, in its order.
func (s *sqliteSink) create(ctx context.Context, kinds ...string) error {
	for _, o := range s.src.schema.Objects() {
		if !slices.Contains(kinds, o.Kind) || slices.Contains(s.plan.drop, o.Name) {
			continue
		}
		if _, err := s.conn.ExecContext(ctx, o.SQL); err != nil {
			return fmt.Errorf("%s %q cannot be made again: %w", o.Kind, o.Name, said(err))
		}
	}
	return nil
}

func (s *sqliteSink) row(table int, values []any) error {
	s.args = s.args[:0]
	for i, c := range s.plan.tables[table].cols {
		if !c.Generated {
			s.args = append(s.args, values[i])
		}
	}
	if _, err := s.inserts[table].Exec(s.args...); err != nil { //nolint:noctx // the reader of the rows has it
		return fmt.Errorf("a masked row is refused: %w; choose another method for the column in the plan (--show-plan)", said(err))
	}
	return nil
}

// finish makes the rest of the schema, and sees that all is well. No trigger
// has run: there was none while rows were written.
func (s *sqliteSink) finish(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return said(err)
	}
	if err := s.create(ctx, "index", "view", "trigger"); err != nil {
		return err
	}
	// Rows come in the order of the source, their keys do not: pages were split,
	// and what moved away left its bytes behind.
	if _, err := s.conn.ExecContext(ctx, "VACUUM"); err != nil {
		return said(err)
	}
	var verdict string
	if err := s.conn.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return errors.Join(fmt.Errorf("the output is not intact: %s", oneLine(verdict)), said(err))
	}
	count := func(db *sql.Conn) (n int64, err error) {
		err = said(db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&n))
		return n, err
	}
	broken, err := count(s.conn)
	if err != nil || broken == 0 {
		return err
	}
	if before, err := count(s.src.conn); err != nil || before != broken {
		return errors.Join(fmt.Errorf("%d references lead nowhere in the output, %d in the source", broken, before), err)
	}
	return nil
}

func (s *sqliteSink) close() error {
	var err error
	for _, st := range s.inserts {
		err = errors.Join(err, st.Close())
	}
	if s.conn != nil {
		err = errors.Join(err, s.conn.Close())
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}
