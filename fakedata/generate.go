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

// A Target says where a dataset goes.
type Target struct {
	Path    string // the file, or the directory of CSV and JSONL; it must not exist
	Format  Format // "" stands for FormatSQLite
	Most    int64  // bytes that a SQLite file may grow to (ErrTooLarge); 0: no bound
	Answers string // file for the answer key, one Answer per line; must not exist; "": no key is written
}

// Generate writes the dataset of r to new files of mode 0600. A SQLite file is
// in rollback-journal mode: one plain file. On failure no file is left. progress,
// if not nil, is called on the caller's goroutine with rows written and rows
// in all. The same schema and recipe give the same bytes. Safe for concurrent
// use with different targets.
func Generate(ctx context.Context, s *Schema, r Recipe, to Target, progress func(done, total int64)) (err error) {
	key, err := newAnswerFile(to.Answers)
	if err != nil {
		return err
	}
	switch {
	case to.Format == "" || to.Format == FormatSQLite:
		err = generateFile(ctx, s, r, to, key, progress)
	case !slices.Contains(Formats(), to.Format):
		err = fmt.Errorf("there is no format %q; there are %v", to.Format, Formats())
	default:
		err = writeText(ctx, s, r, to, key, progress)
	}
	return errors.Join(err, key.close(err == nil))
}

func generateFile(ctx context.Context, s *Schema, r Recipe, to Target, key *answerFile, progress func(done, total int64)) (err error) {
	p, err := newPlan(s, r)
	if err != nil {
		return fmt.Errorf("generating schema %q: %w", s.Name, err)
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if slices.ContainsFunc(s.Tables, func(t Table) bool { return len(t.Checks) > 0 }) {
		// What cannot be met mostly shows in the first rows: before anything is written.
		if _, err := Preview(ctx, s, r, 2); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("generating schema %q: %w", s.Name, err)
		}
	}()
	if err := p.openJudge(ctx, s); err != nil {
		return err
	}
	w := writer{p: p, key: key, progress: progress}
	if p.pure() {
		w.crew = newCrew(s, r)
	}
	if err = w.file(ctx, s, to); errors.Is(err, errRefused) { // not so pure: one row after the other
		w = writer{p: p, key: key, progress: progress}
		err = w.file(ctx, s, to)
	}
	return err
}

// errRefused says that SQLite did not take a row that should have been right.
var errRefused = errors.New("a row was refused")

// file makes the SQLite file; on failure none is left.
func (w *writer) file(ctx context.Context, s *Schema, to Target) (err error) {
	path := to.Path
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("creating the dataset: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	if w.db, err = openFile(ctx, path); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.db.Close()) }()
	if to.Most > 0 { // indexes count, too, and what a generated column makes of a short row
		if _, err := w.db.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count=%d", max(to.Most/pageSize, 1))); err != nil {
			return err
		}
	}
	err = w.write(ctx, s)
	if err != nil && to.Most > 0 && strings.Contains(err.Error(), "database or disk is full") && w.db.full(ctx) {
		err = ErrTooLarge
	}
	return err
}

// ErrTooLarge is of a dataset that Target.Most has no room for.
var ErrTooLarge = errors.New("the dataset is too large")

const pageSize = 4096

// full says whether one more row may not fit: otherwise it is the disk that is full.
func (m *memory) full(ctx context.Context) bool {
	var pages, most int64
	err := m.QueryRowContext(context.WithoutCancel(ctx), "SELECT page_count, max_page_count FROM pragma_page_count, pragma_max_page_count").Scan(&pages, &most)
	return err == nil && pages+4*maxDDL/pageSize >= most
}

// openFile opens an empty file for fast, unjournalled writing: if it fails
// half-way the file is thrown away.
func openFile(ctx context.Context, path string) (*memory, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=rw"}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, `PRAGMA page_size=4096; PRAGMA encoding='UTF-8'; PRAGMA auto_vacuum=NONE;
			PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA foreign_keys=OFF;
			PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF`)
	}
	if err == nil {
		err = limitValues(conn)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the dataset: %w", err), pool.Close())
	}
	return &memory{conn, pool}, nil
}

// writer puts a plan's rows into a database.
type writer struct {
	p           *plan
	db          *memory
	crew        *crew       // makes the rows; nil: one is made after the other
	key         *answerFile // nil: none is kept
	progress    func(done, total int64)
	done, total int64
	orphans     int64 // references that lead nowhere on purpose
}

func (w *writer) write(ctx context.Context, s *Schema) error {
	for _, t := range w.p.tables {
		w.total += t.written()
	}
	if _, err := w.db.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := createTables(ctx, w.db.Conn, s); err != nil {
		return err
	}
	if err := w.relax(ctx); err != nil {
		return err
	}
	for _, t := range w.p.tables {
		fill := w.fill
		if w.crew != nil && t.rows > chunkRows {
			fill = w.fillByCrew
		}
		if err := fill(ctx, t, t.rows, nil); err != nil {
			return err
		}
		if err := w.fillTooMany(ctx, t); err != nil {
			return err
		}
	}
	// Indexes, triggers and views come after the rows: quicker, and no trigger runs.
	for _, o := range s.objects {
		if o.kind == "table" || o.uniqueIndex() {
			continue
		}
		if _, err := w.db.ExecContext(ctx, o.sql); err != nil {
			return fmt.Errorf("creating %s %q: %s", o.kind, o.name, sqliteMessage(err))
		}
	}
	if err := w.checkReferences(ctx); err != nil {
		return err
	}
	_, err := w.db.ExecContext(ctx, "COMMIT")
	return err
}

// fill inserts the first n rows of t. Each row, if wanted, is handed to seen.
func (w *writer) fill(ctx context.Context, t *table, n int64, seen func([]any)) error {
	stmt, err := w.db.PrepareContext(ctx, t.insertSQL())
	if err != nil {
		return fmt.Errorf("table %q: %s", t.Name, sqliteMessage(err))
	}
	defer stmt.Close()
	for i := range n {
		if i&0x3ff == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			w.report()
		}
		row, err := w.insert(ctx, stmt, t, i)
		if err != nil {
			return err
		}
		t.resolved = i + 1
		if seen != nil {
			seen(row)
		}
		w.done++
	}
	w.report()
	if j := w.p.judge; j != nil {
		return j.err
	}
	return nil
}

// rowsPerStatement is how many rows one statement inserts where none is refused.
const rowsPerStatement = 16

// fillByCrew inserts all rows of t while the crew makes the next ones.
func (w *writer) fillByCrew(ctx context.Context, t *table, n int64, _ func([]any)) error {
	one, err := w.db.PrepareContext(ctx, t.insertSQL())
	if err != nil {
		return fmt.Errorf("table %q: %s", t.Name, sqliteMessage(err))
	}
	defer one.Close()
	written := 0
	for _, c := range t.cols {
		written += boolInt(!c.Generated)
	}
	step := 1
	many := one
	if _, values, ok := strings.Cut(t.insertSQL(), " VALUES "); ok && written > 0 && written < 500 {
		step = rowsPerStatement
		if many, err = w.db.PrepareContext(ctx, t.insertSQL()+strings.Repeat(", "+values, step-1)); err != nil {
			return fmt.Errorf("table %q: %s", t.Name, sqliteMessage(err))
		}
		defer many.Close()
	}
	make1 := func(t *table, from, to int64) []any {
		out := make([]any, 0, int(to-from)*written)
		for i := from; i < to; i++ {
			out = t.appendValues(out, i)
		}
		return out
	}
	return work(ctx, w.crew, t.index, n, make1, func(values []any, rows int64) error {
		for rows > 0 {
			stmt, k := many, int64(step)
			if rows < k {
				stmt, k = one, 1
			}
			part := values[:k*int64(written)]
			if _, err := stmt.ExecContext(ctx, part...); err != nil {
				if ctx.Err() == nil && retriable(err) {
					return errRefused
				}
				return fmt.Errorf("table %q: %s", t.Name, sqliteMessage(err))
			}
			values, rows, w.done = values[len(part):], rows-k, w.done+k
		}
		w.report()
		return nil
	})
}

func (w *writer) report() {
	if w.progress != nil {
		w.progress(w.done, w.total)
	}
}

// insert writes row i, drawing it again while SQLite refuses it. The numbering
// of the tries is that of table.try, which answers for rows not written yet.
func (w *writer) insert(ctx context.Context, stmt *sql.Stmt, t *table, i int64) ([]any, error) {
	again := true // judging the row would come to the same number
	for n := t.tries[i]; ; n++ {
		t.tries[i] = n
		row := t.values(i)
		if w.p.messy && t.judged && n < maxTries && !w.p.judge.accepts(t, i) {
			continue // the CHECKs of the file are off
		}
		var answers []Answer
		if t.mess != nil {
			answers = t.mess.row(i, row)
		}
		_, err := stmt.ExecContext(ctx, row...)
		if err == nil {
			if err := w.key.add(answers...); err != nil {
				return nil, err
			}
			w.orphans += orphans(answers)
			if n == 0 || again && len(t.tries) > maxKept {
				delete(t.tries, i)
				t.spilled = t.spilled || n > 0
			}
			return row, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !retriable(err) || n >= maxTries {
			return nil, t.refused(err, i, n)
		}
		again = again && t.judged && !strings.Contains(err.Error(), "UNIQUE")
	}
}

// relax lets defects break the CHECKs.
func (w *writer) relax(ctx context.Context) error {
	if !w.p.messy {
		return nil
	}
	_, err := w.db.ExecContext(ctx, "PRAGMA ignore_check_constraints=ON")
	return err
}

// fillTooMany writes the rows that repeat others.
func (w *writer) fillTooMany(ctx context.Context, t *table) error {
	if t.mess == nil {
		return nil
	}
	stmt, err := w.db.PrepareContext(ctx, t.insertSQL())
	if err != nil {
		return fmt.Errorf("table %q: %s", t.Name, sqliteMessage(err))
	}
	defer stmt.Close()
	return t.mess.rowsTooMany(func(i int64, values []any, a Answer) error {
		if _, err := stmt.ExecContext(ctx, values...); err != nil {
			return t.refused(err, i, 0)
		}
		w.done++
		return w.key.add(a)
	})
}

// refused says which constraint could not be met.
func (t *table) refused(err error, i, tries int64) error {
	msg := sqliteMessage(err)
	if !retriable(err) {
		return fmt.Errorf("table %q, row %d: %s", t.Name, i+1, msg)
	}
	return fmt.Errorf("table %q, row %d: %s: no values were found that meet this constraint (%d tries); "+
		"check that it can be met together with the others", t.Name, i+1, msg, tries)
}

// checkReferences proves that every foreign key leads somewhere, but for those
// that are in the answer key.
func (w *writer) checkReferences(ctx context.Context) error {
	rows, err := w.db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return fmt.Errorf("checking foreign keys: %s", sqliteMessage(err))
	}
	defer rows.Close()
	for found := int64(0); rows.Next(); found++ {
		if found < w.orphans {
			continue
		}
		var table, parent string
		var rowid, id sql.NullInt64
		if err := rows.Scan(&table, &rowid, &parent, &id); err != nil {
			return fmt.Errorf("checking foreign keys: %w", err)
		}
		return fmt.Errorf("table %q: its reference to table %q cannot be met together with its other references", table, parent)
	}
	return rows.Err()
}
