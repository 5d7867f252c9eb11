package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A Query asks for events by words. Text is words, all of which must occur, in
// any case; "several words" in quotes stand together; word* is a beginning.
type Query struct {
	Text   string
	Kind   string    // of the event
	Tool   string    // of a call or result
	Exit   *int      // of a result
	Filter Filter    // of sessions
	Since  time.Time // sessions started then or later
	Until  time.Time // or before
	Limit  int       // at most so many; 0: 50
}

// A Hit is one event in which the words occur, newest session first.
type Hit struct {
	Session string    `json:"session"`
	Seq     int64     `json:"seq"`
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	Title   string    `json:"title"` // of the session
	// Snippet is the text around the first word that was found, on one line;
	// every word found stands between HitStart and HitEnd.
	Snippet string `json:"snippet"`
}

// What encloses a word found in a snippet.
const (
	HitStart = "⟦"
	HitEnd   = "⟧"
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

var queryPart = regexp.MustCompile(`"[^"]*"?|[^\s"]+`)

// match is q in the language of the index, and the words to mark in snippets.
func (s *Store) match(ctx context.Context, q Query) (expression string, marks []string, err error) {
	var all []string
	for _, part := range queryPart.FindAllString(q.Text, 50) {
		bare, prefix := strings.CutSuffix(strings.Trim(part, `"`), "*")
		if strings.IndexFunc(bare, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }) < 0 {
			continue
		}
		marks = append(marks, bare)
		bare = strings.ReplaceAll(bare, `"`, ``)
		words := []string{bare}
		if prefix {
			if words, err = s.beginning(ctx, bare); err != nil {
				return "", nil, err
			}
		}
		if words == nil {
			all = append(all, `text : "`+bare+`"*`)
			continue
		}
		all = append(all, `text : ("`+strings.Join(words, `" OR "`)+`")`)
	}
	for _, w := range []string{word("kind", q.Kind), word("tool", q.Tool)} {
		if w != "" {
			all = append(all, `about : "`+w+`"`)
		}
	}
	if q.Exit != nil {
		all = append(all, `about : "`+word("exit", fmt.Sprint(*q.Exit))+`"`)
	}
	return strings.Join(all, " AND "), marks, nil
}

// beginning are the words of the index that begin like this. The index itself
// would put together the places of all of them first, newest last; of few words
// it is much quicker to ask for each. Nil: too many, or not plain ASCII.
func (s *Store) beginning(ctx context.Context, prefix string) ([]string, error) {
	const few = 1000
	prefix = strings.ToLower(prefix)
	for _, c := range []byte(prefix) {
		if c >= 0x80 || !alnum(c) {
			return nil, nil
		}
	}
	words := []string{prefix}
	for from := prefix; ; {
		var word string
		err := s.r.QueryRowContext(ctx, `SELECT term FROM search_words WHERE term >= ? AND term < ? LIMIT 1`, from, prefix+"\U0010ffff").Scan(&word)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return words, nil
		case err != nil:
			return nil, err
		case len(words) > few:
			return nil, nil
		}
		words = append(words, word)
		from = word + "\x01" // no word has a sign as low as that in it
	}
}

func alnum(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' }

// Search returns the events that q asks for, newest session first. Without any
// word, kind, tool or exit status in it: ErrInvalid.
func (s *Store) Search(ctx context.Context, q Query) ([]Hit, error) {
	if err := s.Index(ctx); err != nil {
		return nil, err
	}
	expression, marks, err := s.match(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("searching: %w", explain(s.path, err))
	}
	if expression == "" {
		return nil, problemf(ErrInvalid, "there is nothing to search for: give a word, a kind, a tool or an exit status")
	}
	chosen, err := s.chosen(ctx, q)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	limit := cmp.Or(q.Limit, 50)
	for _, r := range chosen {
		ids, err := s.found(ctx, expression, r, limit-len(hits))
		if err != nil {
			return nil, fmt.Errorf("searching: %w", explain(s.path, err))
		}
		for _, id := range ids {
			hit, err := s.hit(ctx, id, marks)
			if err != nil {
				return nil, fmt.Errorf("searching: %w", explain(s.path, err))
			}
			hits = append(hits, hit)
		}
		if len(hits) >= limit {
			break
		}
	}
	return hits, nil
}

// A stretch of row numbers, both included.
type stretch struct{ first, last int64 }

// chosen are the row numbers of the sessions that q's filters let through,
// newest first; those of neighbours as one.
func (s *Store) chosen(ctx context.Context, q Query) ([]stretch, error) {
	if q.Filter == (Filter{}) && q.Since.IsZero() && q.Until.IsZero() {
		return []stretch{{0, 1<<63 - 1}}, nil
	}
	rows, err := s.r.QueryContext(ctx, `SELECT n, last_seq, `+lineColumns+` FROM session WHERE status <> 'removed' ORDER BY n DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []stretch
	open := false // the last stretch may grow
	for rows.Next() {
		var n int64
		var sum Summary
		if err := sum.scan(rows, &n, &sum.Events); err != nil {
			return nil, err
		}
		if !q.Filter.matches(sum) || sum.StartedAt.Before(q.Since) || !q.Until.IsZero() && !sum.StartedAt.Before(q.Until) {
			open = false
			continue
		}
		if open {
			found[len(found)-1].first = n << 32
		} else {
			found = append(found, stretch{n << 32, n<<32 | maxSeq})
		}
		open = true
	}
	return found, rows.Err()
}

func (s *Store) found(ctx context.Context, expression string, r stretch, limit int) ([]int64, error) {
	rows, err := s.r.QueryContext(ctx, `SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`,
		expression, r.first, r.last, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (s *Store) hit(ctx context.Context, id int64, marks []string) (Hit, error) {
	h := Hit{Seq: id & maxSeq}
	if err := s.r.QueryRowContext(ctx, `SELECT id, title FROM session WHERE n = ?`, id>>32).Scan(&h.Session, &h.Title); err != nil {
		return h, err
	}
	piece, err := s.pieceOf(ctx, s.r, id>>32, h.Seq-1, 1)
	if err != nil || len(piece) == 0 {
		return h, err
	}
	text, _ := searchable(piece[0].Body)
	h.Kind, h.At, h.Snippet = piece[0].Body.Kind(), piece[0].At, snippet(text, marks)
	return h, nil
}

// snippet is some 120 characters of text around the first mark.
func snippet(text string, marks []string) string {
	const before, around = 40, 120
	quoted := make([]string, 0, len(marks))
	for _, m := range marks {
		quoted = append(quoted, regexp.QuoteMeta(m))
	}
	at := [][]int(nil)
	if len(marks) > 0 {
		if re, err := regexp.Compile(`(?i)(?:` + strings.Join(quoted, "|") + `)[\pL\pN_]*`); err == nil {
			at = re.FindAllStringIndex(text, 200)
		}
	}
	start := 0
	if len(at) > 0 {
		start = max(0, at[0][0]-before)
		for start > 0 && start < len(text) && text[start]&0xc0 == 0x80 {
			start--
		}
	}
	var b strings.Builder
	end := min(len(text), start+around)
	for end < len(text) && text[end]&0xc0 == 0x80 {
		end++
	}
	if start > 0 {
		b.WriteString("…")
	}
	from := start
	for _, m := range at {
		if m[0] < from || m[0] >= end {
			continue
		}
		stop := min(m[1], end)
		b.WriteString(text[from:m[0]] + HitStart + text[m[0]:stop] + HitEnd)
		from = stop
	}
	b.WriteString(text[from:end])
	if end < len(text) {
		b.WriteString("…")
	}
	return strings.Join(strings.Fields(CleanLine(b.String())), " ")
}
