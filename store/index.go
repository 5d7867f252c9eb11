package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// indexPiece is how many bytes of text are indexed in one transaction: nobody
// who wants to append waits longer than for that, a quarter of a second.
const indexPiece = 4 << 20

// Index makes what was appended searchable. Search does it first; who calls it
// at a quiet moment spares the next search the wait. What comes next is read
// while the last piece is written.
func (s *Store) Index(ctx context.Context) error {
	next, err := s.unindexed(ctx, nil)
	for err == nil && len(next.parts) > 0 {
		piece, ahead := next, make(chan error, 1)
		var coming indexing
		go func() {
			var err error
			coming, err = s.unindexed(ctx, piece.parts)
			ahead <- err
		}()
		err = s.index(ctx, piece)
		if failed := <-ahead; !errors.Is(err, errStale) {
			next, err = coming, errors.Join(err, failed)
		} else {
			next, err = s.unindexed(ctx, nil)
		}
	}
	if err != nil {
		return fmt.Errorf("indexing: %w", explain(s.path, err))
	}
	return nil
}

// indexing is a piece of what is to be indexed.
type indexing struct {
	parts []part
	rows  []indexRow
}

type (
	part     struct{ session, from, to int64 } // its events after from, up to to
	indexRow struct {
		id          int64
		text, about string
	}
)

// unindexed reads the next piece after what is indexed, and after done, which
// is about to be.
func (s *Store) unindexed(ctx context.Context, done []part) (next indexing, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT n, coalesce(indexed.seq, 0), last_seq FROM session LEFT JOIN indexed ON session = n
		WHERE last_seq > coalesce(indexed.seq, 0) AND status <> 'removed' ORDER BY n LIMIT 1000`)
	if err != nil {
		return next, err
	}
	var todo []part
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.session, &p.from, &p.to); err != nil {
			return next, errors.Join(err, rows.Close())
		}
		for _, d := range done {
			if d.session == p.session {
				p.from = max(p.from, d.to)
			}
		}
		if p.from < p.to {
			todo = append(todo, p)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return next, err
	}
	size := 0
	for _, p := range todo {
		at := p.from
		for at < p.to && size < indexPiece {
			events, err := s.pieceOf(ctx, s.r, p.session, at, indexPiece-size)
			if ctx.Err() != nil || isSQLite(err) && !isCorrupt(err) {
				return next, errors.Join(ctx.Err(), err)
			}
			if err != nil || len(events) == 0 {
				at = p.to // what cannot be read cannot be searched: the check names it
				break
			}
			for _, e := range events {
				text, about := searchable(e.Body)
				if text != "" {
					next.rows = append(next.rows, indexRow{p.session<<32 | e.Seq, text, about})
				}
				size += len(text) + 100
				at = e.Seq
			}
		}
		next.parts = append(next.parts, part{p.session, p.from, at})
		if size >= indexPiece {
			break
		}
	}
	return next, nil
}

// errStale is a piece that another process was quicker to index, or of a
// session that has been removed.
var errStale = errors.New("stale")

// index writes a piece, all of it or nothing.
func (s *Store) index(ctx context.Context, piece indexing) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, p := range piece.parts {
			var is bool
			err := tx.QueryRowContext(ctx, `SELECT count(*) FROM session LEFT JOIN indexed ON session = n
				WHERE n = ? AND coalesce(indexed.seq, 0) = ? AND status <> 'removed'`, p.session, p.from).Scan(&is)
			if err == nil && !is {
				err = errStale
			}
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO indexed (session, seq) VALUES (?, ?)`, p.session, p.to); err != nil {
				return err
			}
		}
		insert, err := tx.PrepareContext(ctx, `INSERT INTO search (rowid, text, about) VALUES (?, ?, ?)`)
		if err != nil {
			return err
		}
		for _, row := range piece.rows {
			if _, err := insert.ExecContext(ctx, row.id, row.text, row.about); err != nil {
				return err
			}
		}
		return nil
	})
}

// searchable is the text of an event by which it can be found, and words for
// what it is.
func searchable(body Body) (text, about string) {
	if body == nil {
		return "", ""
	}
	kind, tool, exit := body.Kind(), "", ""
	var parts []string
	switch b := body.(type) {
	case Prompt:
		parts = []string{b.Text}
		for _, i := range b.Images {
			parts = append(parts, i.Name)
		}
	case ModelResponse:
		parts = []string{b.Text, b.Reasoning}
	case ToolCall:
		tool = b.Tool
		parts = append([]string{b.Tool}, leaves(b.Arguments)...)
	case ToolResult:
		tool = b.Tool
		if b.Exit != nil {
			exit = fmt.Sprint(*b.Exit)
		}
		parts = []string{b.Stdout, b.Stderr, b.Error}
	case Decision:
		tool = b.Tool
		parts = []string{b.Verdict, b.Rule, b.Reason}
	case FilePut:
		parts = []string{b.Path}
	case Egress:
		parts = []string{b.Host, b.Method, b.Reason}
	case Filtered:
		parts = []string{b.String()}
	case Tripwire:
		parts = []string{b.String()}
	case LimitReached:
		parts = []string{"limit", b.Limit}
	case Failure:
		parts = []string{b.Code, b.Message}
	case BoxDiff:
		for _, c := range b.Changes {
			parts = append(parts, c.Path, c.From)
		}
	case Drift:
		parts = []string{b.What, b.How, b.Detail}
	case Note:
		parts = append([]string{b.Title, b.Text}, b.Tags...)
	default:
		return "", ""
	}
	return strings.TrimSpace(strings.Join(parts, "\n")), word("kind", kind) + " " + word("tool", tool) + " " + word("exit", exit)
}

// leaves are the strings anywhere in JSON.
func leaves(raw json.RawMessage) []string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return []string{string(raw)}
	}
	var found []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			found = append(found, v)
		case []any:
			for _, each := range v {
				walk(each)
			}
		case map[string]any:
			for _, each := range v {
				walk(each)
			}
		}
	}
	walk(v)
	slices.Sort(found) // a map has no order
	return found
}

// word is one word of the index for a property; "" for none.
func word(name, value string) string {
	if value == "" {
		return ""
	}
	return "_" + name + "_" + strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '_'
	}, value)
}
