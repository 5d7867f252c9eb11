package fakedata

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeText writes a dataset in one of the text formats. Where every row is a
// formula, several workers make them, each with a plan of its own; otherwise
// the rows come out of a SQLite file that is thrown away.
func writeText(ctx context.Context, s *Schema, r Recipe, to Target, key *answerFile, progress func(done, total int64)) (err error) {
	p, err := newPlan(s, r)
	if err != nil {
		return fmt.Errorf("generating schema %q: %w", s.Name, err)
	}
	if p.messy && (to.Format == FormatPostgres || to.Format == FormatMySQL) {
		return fmt.Errorf("a messy dataset does not fit the types and constraints of %s: write it as csv, jsonl or sqlite", to.Format)
	}
	dir := to.Path
	perTable := to.Format == FormatCSV || to.Format == FormatJSONL
	if perTable {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("creating the dataset: %w", err)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("generating schema %q: %w", s.Name, err), os.RemoveAll(to.Path))
		}
	}()
	w := &textWriter{p: p, s: s, crew: newCrew(s, r), to: to, progress: progress}
	for _, t := range p.tables {
		w.total += t.written()
	}
	rows := w.formulas
	if !p.pure() {
		db, closeDB, err := w.fromSQLite(ctx, r, key)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeDB()) }()
		rows = func(ctx context.Context, e *encoder, out io.Writer) error { return w.stored(ctx, db, e, out) }
	}
	if perTable {
		about := func(out io.Writer) error { _, err := io.WriteString(out, Describe(s, r)); return err }
		return errors.Join(w.files(ctx, rows, key), create(filepath.Join(dir, "DATA.md"), about))
	}
	return w.file(ctx, rows)
}

// textWriter writes a plan's rows as text.
type textWriter struct {
	p           *plan
	s           *Schema
	crew        *crew
	to          Target
	progress    func(done, total int64)
	done, total int64
}

type rowSource func(ctx context.Context, e *encoder, out io.Writer) error

// create opens a new file, calls write and closes it.
func create(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("creating the dataset: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := bufio.NewWriterSize(f, 1<<18)
	if err := write(buf); err != nil {
		return err
	}
	return buf.Flush()
}

// files writes one file for each table, or two where the second one drifts.
func (w *textWriter) files(ctx context.Context, rows rowSource, key *answerFile) error {
	taken := map[string]bool{}
	for _, t := range w.p.tables {
		name := fileName(t.Name)
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s-%d", fileName(t.Name), n)
		}
		taken[strings.ToLower(name)] = true
		first, drift := newEncoder(t, w.to.Format), t.drifted()
		if drift != nil {
			first.n = drift.from
		}
		if err := w.tableFile(ctx, name, first, rows); err != nil || drift == nil {
			if err != nil {
				return err
			}
			continue
		}
		second := newEncoder(t, w.to.Format)
		second.drift(drift)
		if name = partName(name); taken[strings.ToLower(name)] {
			return fmt.Errorf("table %q: the name of its second file is taken", t.Name)
		}
		taken[strings.ToLower(name)] = true
		if err := w.tableFile(ctx, name, second, rows); err != nil {
			return err
		}
		if err := key.add(drift.answers(t, name+"."+string(w.to.Format))...); err != nil {
			return err
		}
	}
	return nil
}

func (w *textWriter) tableFile(ctx context.Context, name string, e *encoder, rows rowSource) error {
	return create(filepath.Join(w.to.Path, name+"."+string(w.to.Format)), func(out io.Writer) error {
		if _, err := out.Write(e.header(nil)); err != nil {
			return err
		}
		return rows(ctx, e, out)
	})
}

// fileName keeps of a table's name what is harmless in a file's.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if name = strings.Trim(name, ". "); name == "" {
		return "_"
	}
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "")
	}
	return name
}

// file writes one script.
func (w *textWriter) file(ctx context.Context, rows rowSource) error {
	before, after := w.p.script(w.s, w.to.Format)
	statements := func(out io.Writer, list []string) error {
		for _, st := range list {
			end := ";\n"
			if strings.HasPrefix(st, "--") && !strings.Contains(st, "\n") || strings.HasPrefix(st, "DELIMITER ") {
				end = "\n"
			}
			if _, err := io.WriteString(out, st+end); err != nil {
				return err
			}
		}
		return nil
	}
	return create(w.to.Path, func(out io.Writer) error {
		if err := statements(out, before); err != nil {
			return err
		}
		for _, t := range w.p.tables {
			if err := rows(ctx, newEncoder(t, w.to.Format), out); err != nil {
				return err
			}
		}
		return statements(out, after)
	})
}

// pure reports whether every row of every table is a formula: no constraint
// needs SQLite's word for it.
func (p *plan) pure() bool {
	return !p.messy && !slices.ContainsFunc(p.tables, func(t *table) bool {
		return t.opaque || slices.ContainsFunc(t.Keys, func(k Key) bool { return !t.byFormula(k) })
	})
}

// byFormula reports whether k holds without a look at other rows.
func (t *table) byFormula(k Key) bool {
	if slices.ContainsFunc(k.Columns, func(c int) bool { return c < 0 || t.cols[c].Generated }) {
		return false
	}
	if len(k.Columns) == 1 {
		c := t.cols[k.Columns[0]]
		size, _ := typeSize(c.Type)
		roomy := c.class == classText && c.dom.patterns == nil && c.dom.enum == nil && c.dom.maxLen == 0 && (size == 0 || size >= 40) && c.kind != "time"
		return c.link != nil || c.unique && (c.class == classInt || roomy)
	}
	return t.owner != nil && within(t.owner.cols, k.Columns) &&
		slices.ContainsFunc(k.Columns, func(c int) bool {
			return t.cols[c].ordinal || t.cols[c].link != nil && t.cols[c].link.how == byDistinct
		})
}

// formulas makes all rows of a table and writes them in order.
func (w *textWriter) formulas(ctx context.Context, e *encoder, out io.Writer) error {
	if len(e.cols) == 0 {
		return nil
	}
	free := make(chan []byte, 2*len(w.crew.plans)+1) // used buffers, to be used again
	encode := func(t *table, from, to int64) []byte {
		var text []byte
		select {
		case text = <-free:
		default:
		}
		values := make([]any, 0, len(e.cols))
		for i := from; i < to; i++ {
			values = t.appendValues(values[:0], i)
			at := int((i - from) % rowsPerInsert)
			text = e.row(text, values, at, at == rowsPerInsert-1 || i == to-1)
		}
		return text
	}
	return work(ctx, w.crew, e.t.index, e.t.rows, encode, func(text []byte, rows int64) error {
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("writing table %q: %w", e.t.Name, err)
		}
		select {
		case free <- text[:0]:
		default:
		}
		w.report(rows)
		return nil
	})
}

func (w *textWriter) report(rows int64) {
	w.done += rows
	if w.progress != nil {
		w.progress(w.done, w.total)
	}
}

// fromSQLite makes the dataset in a SQLite file beside the target.
func (w *textWriter) fromSQLite(ctx context.Context, r Recipe, key *answerFile) (*memory, func() error, error) {
	dir, err := os.MkdirTemp(filepath.Dir(w.to.Path), ".fakedata-")
	if err != nil {
		return nil, nil, fmt.Errorf("creating the dataset: %w", err)
	}
	remove := func() error { return os.RemoveAll(dir) }
	path := filepath.Join(dir, "rows.db")
	if err := generateFile(ctx, w.s, r, Target{Path: path}, key, nil); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	db, err := openFile(ctx, path)
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return db, func() error { return errors.Join(db.Close(), remove()) }, nil
}

// stored copies a table out of SQLite.
func (w *textWriter) stored(ctx context.Context, db *memory, e *encoder, out io.Writer) error {
	var names []string
	for _, c := range e.cols {
		names = append(names, "+"+quote(c.Name)) // without its declared type, which the driver would act upon
	}
	if len(names) == 0 {
		return nil
	}
	order := " ORDER BY rowid"
	if len(e.t.Keys) > 0 && e.t.Keys[0].Primary && strings.Contains(strings.ToUpper(e.t.sql), "WITHOUT ROWID") {
		order = " ORDER BY " + e.t.namesFor(e.t.Keys[0].Columns, FormatSQLite)
	}
	rows, err := db.QueryContext(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+quote(e.t.Name)+order+" LIMIT ? OFFSET ?", e.n, e.from)
	if err != nil {
		return fmt.Errorf("reading table %q: %s", e.t.Name, sqliteMessage(err))
	}
	defer rows.Close()
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var text []byte
	left := e.n
	for n := 0; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("reading table %q: %w", e.t.Name, err)
		}
		left--
		at := n % rowsPerInsert
		text = e.row(text[:0], values, at, at == rowsPerInsert-1 || left == 0)
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("writing table %q: %w", e.t.Name, err)
		}
		if n%chunkRows == chunkRows-1 {
			w.report(chunkRows)
		}
	}
	w.report(e.n % chunkRows)
	return rows.Err()
}
