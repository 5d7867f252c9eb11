package mask

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"glovebox/fakedata"

	"modernc.org/sqlite"
)

// maxValue bounds one value, in bytes: memory must not depend on the file.
const maxValue = 64 << 20

// source is a file with rows, open for reading only.
type source struct {
	path   string
	schema *fakedata.Schema
	facts  [][]fakedata.Fact
	themes []string
	notes  []string // what of the file is not taken over

	db    *sql.DB // nil: CSV
	conn  *sql.Conn
	comma rune
	crlf  bool

	size  int64
	mtime time.Time
}

// open opens a SQLite or CSV file. It is told by its first bytes. One with
// changes beside it, in a write-ahead log or a journal, is refused: to take
// them in, the file would have to be opened for writing.
func open(ctx context.Context, path string) (*source, error) {
	info, err := os.Stat(path) // before opening: a pipe would block
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	s := &source{path: path, size: info.Size(), mtime: info.ModTime()}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head)
	f.Close()
	switch {
	case string(head[:n]) == "SQLite format 3\x00":
		err = s.openSQLite(ctx)
	case isCSV(path):
		err = s.openCSV(ctx)
	default:
		err = errors.New("it is neither a SQLite file nor named .csv or .tsv")
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.facts, s.themes = s.schema.Facts()
	return s, nil
}

func (s *source) close() error {
	if s.conn == nil {
		return nil
	}
	return errors.Join(s.conn.Close(), s.db.Close())
}

// unchanged makes sure that all passes have read the same file.
func (s *source) unchanged() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if info.Size() != s.size || !info.ModTime().Equal(s.mtime) {
		return errors.New("the file was changed while it was read; mask a copy of it")
	}
	return nil
}

func (s *source) openSQLite(ctx context.Context) error {
	for _, beside := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(s.path + beside); err == nil && info.Size() > 0 {
			return fmt.Errorf("%s%s holds changes that are not in the file yet, and it is never opened for writing: "+
				"end the program that uses it, or mask a copy made with VACUUM INTO", filepath.Base(s.path), beside)
		}
	}
	abs, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=ro&immutable=1"}
	if s.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return errors.Join(said(err), s.db.Close())
	}
	if _, err := s.conn.ExecContext(ctx, "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA cache_size=-8192"); err != nil {
		return said(err)
	}
	for id, v := range map[int]int{0: maxValue, 3: 500, 7: 0} { // length, depth of expressions, attached files
		if _, err := sqlite.Limit(s.conn, id, v); err != nil {
			return err
		}
	}
	ddl, err := fakedata.Structure(ctx, s.conn)
	if err != nil {
		return err
	}
	base := filepath.Base(s.path)
	if s.schema, err = fakedata.Parse(ctx, strings.TrimSuffix(base, filepath.Ext(base)), ddl); err != nil {
		return err
	}
	return s.leftOut(ctx)
}

// leftOut names what the file has and the twin will not have.
func (s *source) leftOut(ctx context.Context) error {
	kept := map[string]bool{}
	for _, o := range s.schema.Objects() {
		kept[o.Name] = true
	}
	rows, err := s.conn.QueryContext(ctx, `SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`)
	if err != nil {
		return said(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name string
		if err := rows.Scan(&kind, &name); err != nil {
			return said(err)
		}
		if !kept[name] {
			s.notes = append(s.notes, fmt.Sprintf("left out: %s %s, which is or may touch a virtual table", oneLine(kind), oneLine(name)))
		}
	}
	return said(rows.Err())
}

func (s *source) openCSV(ctx context.Context) (err error) {
	if s.schema, err = fakedata.Load(ctx, s.path); err != nil {
		return err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	s.crlf = strings.HasSuffix(line, "\r\n")
	s.comma = ','
	for _, sep := range []rune{';', '\t', '|'} { // as the header was read
		if strings.Count(line, string(sep)) > strings.Count(line, ",") {
			s.comma = sep
		}
	}
	return nil
}

// each calls fn for every row of table i, in the order of the file, with the
// values of its columns and then what extra selects. Generated columns are nil.
// The slice is fn's only until it returns.
func (s *source) each(ctx context.Context, i int, extra, joins string, fn func(row []any) error) error {
	t := &s.schema.Tables[i]
	if s.db == nil {
		return s.eachLine(ctx, t, fn)
	}
	q := "SELECT "
	for c, col := range t.Columns {
		if c > 0 {
			q += ", "
		}
		if col.Generated {
			q += "NULL"
		} else {
			q += "+t0." + quote(col.Name) // without its declared type, which the driver would act upon
		}
	}
	q += extra + " FROM " + quote(t.Name) + " AS t0" + joins + s.order(t)
	rows, err := s.conn.QueryContext(ctx, q)
	if err != nil {
		return fmt.Errorf("reading table %q: %w", t.Name, said(err))
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return said(err)
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for k := range values {
		into[k] = &values[k]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("reading table %q: %w", t.Name, said(err))
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading table %q: %w", t.Name, said(err))
	}
	return nil
}

// order is what makes two readings alike.
func (s *source) order(t *fakedata.Table) string {
	for _, o := range s.schema.Objects() {
		if o.Kind != "table" || o.Name != t.Name || !withoutRowid(o.SQL) || len(t.Keys) == 0 {
			continue
		}
		by := ""
		for k, c := range t.Keys[0].Columns {
			if k > 0 {
				by += ", "
			}
			by += "t0." + quote(t.Columns[c].Name)
		}
		return " ORDER BY " + by
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} { // a column may have taken the name
		if !hasColumn(t, name) {
			return " ORDER BY t0." + name
		}
	}
	return ""
}

func withoutRowid(create string) bool {
	words := fakedata.Words(create[strings.LastIndexByte(create, ')')+1:])
	for i := range len(words) - 1 {
		if strings.EqualFold(words[i], "WITHOUT") && strings.EqualFold(words[i+1], "ROWID") {
			return true
		}
	}
	return false
}

func hasColumn(t *fakedata.Table, name string) bool {
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			return true
		}
	}
	return false
}

func (s *source) eachLine(ctx context.Context, t *fakedata.Table, fn func(row []any) error) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := bufio.NewReaderSize(f, 1<<16)
	if bom, _ := buf.Peek(3); string(bom) == "\ufeff" {
		buf.Discard(3) //nolint:errcheck // it was just seen
	}
	bounded := &longLine{r: buf}
	r := csv.NewReader(bounded)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord = s.comma, true, len(t.Columns)
	row := make([]any, len(t.Columns))
	for first := true; ; first = false {
		cells, err := r.Read()
		bounded.record = 0
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				err = fmt.Errorf("line %d: %w", bad.Line, bad.Err)
			}
			return fmt.Errorf("reading the CSV file: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case first:
			continue
		}
		for i, c := range cells {
			row[i] = c
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// longLine bounds what one record of a CSV file can hold.
type longLine struct {
	r      io.Reader
	record int // bytes since the last record ended
}

func (l *longLine) Read(b []byte) (int, error) {
	if l.record > maxValue {
		return 0, fmt.Errorf("a record is longer than %d bytes", maxValue)
	}
	n, err := l.r.Read(b)
	l.record += n
	return n, err
}

// said is what SQLite says, as one harmless line that holds no value.
func said(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New(oneLine(err.Error()))
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if utf8.RuneCountInString(s) > 200 {
		s = string([]rune(s)[:200]) + "…"
	}
	return s
}
