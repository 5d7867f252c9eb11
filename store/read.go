package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"glovebox/store/proof"
)

// A Summary is one line in the list of sessions.
type Summary struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"` // first line of the first prompt, at most 80 characters, not sanitised
	Model     string     `json:"model"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"` // nil while it runs
	Status    string     `json:"status"`   // running, done, limited, denied, failed, interrupted
	Steps     int        `json:"steps"`    // model responses and tool results
	Tokens    int        `json:"tokens"`   // input and output, as far as the server reported them; see TokensKnown
	CostUSD   *float64   `json:"cost_usd"` // nil: not known
	Events    int64      `json:"events"`
	Tags      []string   `json:"tags,omitempty"`    // in order
	Starred   bool       `json:"starred,omitempty"` // marked to be found again
}

// HasModel says whether a model takes part: in commands in a box ("none"),
// verifications ("verify") and reruns ("rerun") there is none.
func (s Summary) HasModel() bool {
	return !slices.Contains([]string{"", "none", "verify", "rerun"}, s.Model)
}

// TokensKnown says whether Tokens is a count: where a model has answered and
// its server never said how many, 0 is not one.
func (s Summary) TokensKnown() bool { return s.Tokens > 0 || s.Steps == 0 || !s.HasModel() }

// Filter chooses sessions. The zero value chooses all.
type Filter struct {
	Text    string  // part of the ID, title, model, status or a tag, in any case
	Model   string  // part of its name
	Tag     string  // whole
	Status  string  // as in Summary; "limited" is a limit hit
	CostUSD float64 // known to have cost at least so much
	Starred bool
	Drift   bool // reruns in which something differed, or could not be told
	Limit   int  // at most so many; 0: no limit
}

// matches wants the drifters only where Drift is set.
func (f Filter) matches(s Summary, drifters map[string]bool) bool {
	if f.Drift && !drifters[s.ID] {
		return false
	}
	if !strings.Contains(strings.ToLower(s.Model), strings.ToLower(f.Model)) || f.Status != "" && f.Status != s.Status ||
		f.Starred && !s.Starred || f.Tag != "" && !slices.Contains(s.Tags, f.Tag) || f.CostUSD > 0 && (s.CostUSD == nil || *s.CostUSD < f.CostUSD) {
		return false
	}
	text := strings.ToLower(strings.Join([]string{s.ID, s.Title, s.Model, s.Status, strings.Join(s.Tags, "\n")}, "\n"))
	return strings.Contains(text, strings.ToLower(f.Text))
}

// lineColumns are a session's line as scan reads it and, all but the ID, values writes it.
const lineColumns = `id, title, model, started_at, ended_at, status, steps, tokens, cost_usd, tags, starred`

const selectSummary = `SELECT last_seq, ` + lineColumns + ` FROM session WHERE status <> 'removed' `

// scan reads the columns before, and then the line.
func (s *Summary) scan(row interface{ Scan(...any) error }, before ...any) error {
	var started int64
	var ended sql.NullInt64
	var tags string
	err := row.Scan(append(before, &s.ID, &s.Title, &s.Model, &started, &ended, &s.Status, &s.Steps, &s.Tokens, &s.CostUSD, &tags, &s.Starred)...)
	s.StartedAt = time.UnixMicro(started).UTC()
	if ended.Valid {
		at := time.UnixMicro(ended.Int64).UTC()
		s.EndedAt = &at
	}
	s.Tags = strings.Fields(tags)
	if len(s.Tags) == 0 {
		s.Tags = nil
	}
	return err
}

func (s *Summary) values() []any {
	var ended any
	if s.EndedAt != nil {
		ended = s.EndedAt.UnixMicro()
	}
	return []any{s.Title, s.Model, s.StartedAt.UnixMicro(), ended, s.Status, s.Steps, s.Tokens, s.CostUSD, strings.Join(s.Tags, " "), s.Starred}
}

// Sessions returns the sessions that f chooses, newest first.
func (s *Store) Sessions(ctx context.Context, f Filter) (found []Summary, err error) {
	if f.Drift { // which only the index knows
		if err := s.Index(ctx); err != nil {
			return nil, err
		}
	}
	drifters, err := s.drifters(ctx, f)
	if err != nil {
		return nil, err
	}
	err = s.summaries(ctx, func(sum Summary) bool {
		if f.matches(sum, drifters) {
			found = append(found, sum)
		}
		return f.Limit == 0 || len(found) < f.Limit
	}, selectSummary+`AND instr(lower(model), lower(?)) > 0 ORDER BY started_at DESC, n DESC`, f.Model)
	return found, err
}

// Session finds the one session that ref means: its ID, the beginning of its
// ID that no other has, or "last" for the newest. Otherwise ErrNotFound.
func (s *Store) Session(ctx context.Context, ref string) (Summary, error) {
	var found []Summary
	collect := func(sum Summary) bool {
		found = append(found, sum)
		return true
	}
	var err error
	prefix := strings.ToLower(strings.TrimSpace(ref))
	if prefix == "last" {
		err = s.summaries(ctx, collect, selectSummary+`ORDER BY started_at DESC, n DESC LIMIT 1`)
	} else if prefix != "" {
		err = s.summaries(ctx, collect, selectSummary+`AND substr(id, 1, ?) = ? ORDER BY id LIMIT 6`, len(prefix), prefix)
	}
	switch {
	case err != nil:
		return Summary{}, err
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0 && prefix == "last":
		return Summary{}, problemf(ErrNotFound, "there is no session yet")
	case len(found) == 0:
		var removed string
		err := s.r.QueryRowContext(ctx, `SELECT id FROM session WHERE status = 'removed' AND substr(id, 1, ?) = ? LIMIT 1`, len(prefix), prefix).Scan(&removed)
		if err == nil && prefix != "" {
			return Summary{}, problemf(ErrNotFound, "session %s was removed; nothing but its tombstone is left", removed)
		}
		return Summary{}, problemf(ErrNotFound, "there is no session %q", CleanLine(ref))
	}
	var ids []string
	for _, sum := range found {
		ids = append(ids, sum.ID)
	}
	if len(ids) > 5 {
		ids[5] = "…"
	}
	return Summary{}, problemf(ErrNotFound, "%q is the beginning of several sessions: %s", CleanLine(ref), strings.Join(ids, ", "))
}

// Reruns are the sessions, by ID, that run the tool calls of one again. They say
// where they differ from it, in its words: that is not removed with it.
func (s *Store) Reruns(ctx context.Context, id string) (all []string, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT session.id FROM session JOIN event ON event.id = n << 32 | 1
		WHERE status <> 'removed' AND kind = ? AND body ->> '$.reruns.session' = ? ORDER BY n`, SessionStarted{}.Kind(), id)
	if err != nil {
		return nil, fmt.Errorf("looking for reruns of session %s: %w", CleanLine(id), s.explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var rerun string
		if err := rows.Scan(&rerun); err != nil {
			return nil, err
		}
		all = append(all, rerun)
	}
	return all, s.explain(rows.Err())
}

func (s *Store) summaries(ctx context.Context, yield func(Summary) bool, query string, args ...any) error {
	rows, err := s.r.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading sessions: %w", s.explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var sum Summary
		if err := sum.scan(rows, &sum.Events); err != nil {
			return fmt.Errorf("reading sessions: %w", err)
		}
		if !yield(sum) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading sessions: %w", s.explain(err))
	}
	return nil
}

// Events returns the events of one session, by its whole ID, that come after
// sequence number after (0: all). It reads a piece at a time and holds nothing
// open in between, so a slow reader disturbs nobody; events appended meanwhile
// are seen. The first error ends the sequence.
func (s *Store) Events(ctx context.Context, id string, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var n int64
		err := s.r.QueryRowContext(ctx, `SELECT n FROM session WHERE id = ? AND status <> 'removed'`, id).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			err = problemf(ErrNotFound, "there is no session %q", CleanLine(id))
		}
		for err == nil {
			var piece []Event
			if piece, err = s.piece(ctx, n, after); err == nil && len(piece) == 0 {
				return
			}
			for _, e := range piece {
				e.Session, after = id, e.Seq
				if !yield(e, nil) {
					return
				}
			}
		}
		yield(Event{}, fmt.Errorf("reading session %s: %w", CleanLine(id), s.explain(err)))
	}
}

// maxSeq is the lower half of an event's number, its place in the session.
const maxSeq = 1<<32 - 1

// piece reads events up to about a megabyte, and at least one.
func (s *Store) piece(ctx context.Context, n, after int64) ([]Event, error) {
	return s.pieceOf(ctx, s.r, n, after, 1<<20)
}

func (s *Store) pieceOf(ctx context.Context, q querier, n, after int64, bytes int) ([]Event, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, at, kind, body, coalesce(blobs, '') FROM event WHERE id > ? AND id < ? ORDER BY id`,
		n<<32|after, (n+1)<<32)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var piece []Event
	for size := 0; size < bytes && rows.Next(); {
		var e Event
		var at int64
		var kind, blobs string
		var body []byte
		if err := rows.Scan(&e.Seq, &at, &kind, &body, &blobs); err != nil {
			return nil, err
		}
		e.Seq &= maxSeq
		e.At = time.UnixMicro(at).UTC()
		if blobs != "" {
			fields, err := s.fetchBlobs(ctx, q, body, blobs)
			if err != nil {
				return nil, fmt.Errorf("event %d: %w", e.Seq, err)
			}
			body = proof.Join(fields)
		}
		if e.Body, err = decodeBody(kind, body); err != nil {
			if len(piece) > 0 {
				return piece, nil // first what can be read, then the error
			}
			return nil, fmt.Errorf("event %d: %w", e.Seq, err)
		}
		piece = append(piece, e)
		size += len(body) + 200
	}
	return piece, rows.Err()
}
