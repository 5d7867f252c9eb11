package fakedata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"glovebox/fakedata/dialect"

	"modernc.org/sqlite"
)

// Bounds of a schema script: far above what people write, low enough that a
// hostile one costs next to nothing.
const (
	maxDDL     = 1 << 20 // bytes
	maxTables  = 500
	maxColumns = 10_000 // of all tables together
	maxKeys    = 2_000  // foreign keys and unique constraints, together
	maxParse   = 10 * time.Second
)

// Parse reads a schema script. What is written in the SQL of PostgreSQL or
// MySQL is said in SQLite's words first, see package dialect. The rest is done
// by SQLite itself, in memory. Statements that
// carry data or settings (INSERT, PRAGMA, BEGIN, …) are left out; ATTACH,
// virtual and temporary tables are refused. The script may be hostile: its
// size, its tables and columns and the time it takes are bounded, and it can
// reach no file. Errors are one line and name what does not parse.
func Parse(ctx context.Context, name, ddl string) (*Schema, error) {
	ddl = strings.TrimPrefix(ddl, "\ufeff")
	switch {
	case len(ddl) > maxDDL:
		return nil, fmt.Errorf("schema %q is larger than %d bytes: keep only its CREATE statements", name, maxDDL)
	case !utf8.ValidString(ddl):
		return nil, fmt.Errorf("schema %q is not UTF-8 text", name)
	case strings.ContainsRune(ddl, 0):
		return nil, fmt.Errorf("schema %q contains a NUL byte: it is not an SQL script", name)
	}
	s := &Schema{Name: name, DDL: ddl, Dialect: dialect.Detect(ddl)}
	text := ddl
	if s.Dialect != dialect.SQLite {
		script, err := dialect.Translate(s.Dialect, ddl)
		if err != nil {
			return nil, fmt.Errorf("schema %q: %w", name, err)
		}
		s.script, text, s.Notes = script, script.DDL, script.Notes
	}
	// From here on it is timed: the other dialects' parsers take a second to get ready, once, and more on a busy machine.
	ctx, cancel := context.WithTimeout(ctx, maxParse)
	defer cancel()
	db, err := openMemory(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := db.guard(); err != nil {
		return nil, err
	}
	for _, st := range statements(text) {
		if err := db.define(ctx, st); err != nil {
			return nil, fmt.Errorf("schema %q does not parse: %w", name, err)
		}
	}
	if err := db.trust(); err != nil {
		return nil, err
	}
	if err := s.read(ctx, db.Conn); err != nil {
		return nil, fmt.Errorf("schema %q: %w", name, err)
	}
	return s, nil
}

// memory is one connection to a private in-memory database.
type memory struct {
	*sql.Conn
	pool *sql.DB
}

func openMemory(ctx context.Context) (*memory, error) {
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("opening SQLite in memory: %w", err)
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "PRAGMA max_page_count=8192; PRAGMA trusted_schema=OFF")
	}
	if err == nil {
		err = limitValues(conn)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening SQLite in memory: %w", err), pool.Close())
	}
	return &memory{conn, pool}, nil
}

// Close ends the connection and forgets the database.
func (m *memory) Close() error { return errors.Join(m.Conn.Close(), m.pool.Close()) }

// limitValues bounds what an expression of a schema, such as a generated column
// or a CHECK, can make: a row is no longer than that, either.
func limitValues(conn *sql.Conn) error {
	const limitLength = 0
	_, err := sqlite.Limit(conn, limitLength, 4*maxDDL)
	return err
}

// guard forbids what a schema script has no business doing.
func (m *memory) guard() error {
	const (
		limitExprDepth = 3
		limitAttached  = 7
	)
	for id, v := range map[int]int{limitExprDepth: 500, limitAttached: 0} {
		if _, err := sqlite.Limit(m.Conn, id, v); err != nil {
			return fmt.Errorf("limiting SQLite: %w", err)
		}
	}
	return m.authorize(func(action sqlite.AuthorizerActionCode, _, _, _, _ string) sqlite.AuthorizerReturnCode {
		switch action {
		case sqlite.AuthAttach, sqlite.AuthDetach, sqlite.AuthPragma, sqlite.AuthRecursive,
			sqlite.AuthCreateVTable, sqlite.AuthDropVTable, sqlite.AuthTransaction, sqlite.AuthSavepoint,
			sqlite.AuthCreateTempTable, sqlite.AuthCreateTempIndex, sqlite.AuthCreateTempTrigger, sqlite.AuthCreateTempView:
			return sqlite.AuthorizerDeny
		}
		return sqlite.AuthorizerOK
	})
}

// trust ends what guard began: from here on only this package's SQL runs.
func (m *memory) trust() error { return m.authorize(nil) }

func (m *memory) authorize(fn sqlite.AuthorizerFn) error {
	return m.Raw(func(c any) error {
		r, ok := c.(sqlite.AuthorizerRegisterer)
		if !ok {
			return errors.New("this SQLite driver has no authorizer")
		}
		return r.RegisterAuthorizer(fn)
	})
}

// define runs one statement of a script if it defines structure.
func (m *memory) define(ctx context.Context, st statement) error {
	switch first := strings.ToUpper(st.tokens[0].text); {
	case first == "ATTACH" || first == "DETACH":
		return fmt.Errorf("line %d: %s is refused: a schema may not reach other files", st.line, first)
	case first == "CREATE" && len(st.tokens) > 1 && st.tokens[1].is("VIRTUAL"):
		return fmt.Errorf("line %d: virtual tables are not supported: leave this statement out", st.line)
	case first == "CREATE" && len(st.tokens) > 1 && (st.tokens[1].is("TEMP") || st.tokens[1].is("TEMPORARY")):
		return fmt.Errorf("line %d: temporary objects are not part of a schema: leave this statement out", st.line)
	case slices.Contains([]string{
		"INSERT", "REPLACE", "UPDATE", "DELETE", "SELECT", "VALUES", "WITH", "PRAGMA", "BEGIN", "COMMIT",
		"END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ANALYZE", "VACUUM", "REINDEX", "EXPLAIN",
	}, first):
		return nil
	}
	_, err := m.ExecContext(ctx, st.text)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("line %d: took too long: %w", st.line, ctx.Err())
	}
	msg := sqliteMessage(err)
	return fmt.Errorf("line %d: %s", st.line+lineOf(st, msg), msg)
}

// lineOf returns how many lines into st the text lies that an SQLite message
// complains about, 0 where that is not certain.
func lineOf(st statement, msg string) int {
	rest, found := strings.CutPrefix(msg, `near "`)
	near, _, closed := strings.Cut(rest, `": `)
	if !found || !closed {
		return 0
	}
	at := -1
	for _, t := range st.tokens {
		if src := st.text[t.pos-st.tokens[0].pos : t.end-st.tokens[0].pos]; src == near {
			if at >= 0 {
				return 0
			}
			at = t.pos - st.tokens[0].pos
		}
	}
	return strings.Count(st.text[:max(at, 0)], "\n")
}

// sqliteMessage is what SQLite says, as one bounded, harmless line.
func sqliteMessage(err error) string {
	msg := err.Error()
	for _, noise := range []string{"SQL logic error: ", "constraint failed: "} {
		msg = strings.TrimPrefix(msg, noise)
	}
	if k := strings.LastIndex(msg, " ("); k > 0 && strings.HasSuffix(msg, ")") {
		msg = msg[:k]
	}
	msg = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, msg)
	if runes := []rune(msg); len(runes) > 200 {
		msg = string(runes[:200]) + "…"
	}
	return msg
}
