package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
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
		err := s.x.r.QueryRowContext(ctx, `SELECT term FROM search_words WHERE term >= ? AND term < ? LIMIT 1`, from, prefix+"\U0010ffff").Scan(&word)
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
func (s *Store) Search(ctx context.Context, q Query) (hits []Hit, err error) {
	if err := s.Index(ctx); err != nil {
		return nil, err
	}
	drifters, err := s.drifters(ctx, q.Filter)
	if err != nil {
		return nil, err
	}
	err = s.x.use(ctx, func() (err error) {
		hits, err = s.searchIndex(ctx, q, drifters)
		return s.x.explain(err)
	})
	if err != nil && !errors.Is(err, ErrInvalid) {
		err = fmt.Errorf("searching: %w", err)
	}
	return hits, err
}

func (s *Store) searchIndex(ctx context.Context, q Query, drifters map[string]bool) ([]Hit, error) {
	expression, marks, err := s.match(ctx, q)
	if err != nil {
		return nil, err
	}
	if expression == "" {
		return nil, problemf(ErrInvalid, "there is nothing to search for: give a word, a kind, a tool or an exit status")
	}
	chosen, err := s.chosen(ctx, q, drifters)
	if err != nil {
		return nil, s.explain(err)
	}
	var hits []Hit
	limit := cmp.Or(q.Limit, 50)
	for _, r := range chosen {
		ids, err := s.found(ctx, expression, r, limit-len(hits))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			hit, err := s.hit(ctx, id, marks)
			if errors.Is(err, sql.ErrNoRows) {
				continue // it has been removed this moment
			}
			if err != nil {
				return nil, s.explain(err)
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
func (s *Store) chosen(ctx context.Context, q Query, drifters map[string]bool) ([]stretch, error) {
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
		if !q.Filter.matches(sum, drifters) || sum.StartedAt.Before(q.Since) || !q.Until.IsZero() && !sum.StartedAt.Before(q.Until) {
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
	rows, err := s.x.r.QueryContext(ctx, `SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`,
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
	if err == nil && len(piece) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
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
