package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"glovebox/store/proof"
)

// A Session is one running session, open for appending. It is safe for
// concurrent use and needs no closing: it ends with SessionEnded.
type Session struct {
	store   *Store
	n       int64
	id      string
	started Event

	mu  sync.Mutex // one append at a time
	tip *tip       // as this Session left it; others may have gone on. Nil: to be read
}

// Begin starts a session that owner is responsible for (see Recover) and
// writes its first event.
func (s *Store) Begin(ctx context.Context, started SessionStarted, owner Owner) (*Session, error) {
	ses := &Session{store: s, id: newID()}
	var w *writer
	err := ctx.Err()
	if err == nil {
		ctx = context.WithoutCancel(ctx)
		err = s.write(ctx, func(tx *sql.Tx) (err error) {
			if err = s.ours(ctx, tx); err != nil {
				return err
			}
			ses.n, err = s.newRow(ctx, tx, ses.id, owner)
			if err == nil {
				err = s.enter(ctx, tx, entry{What: "started", Session: ses.id, At: now().UnixMicro(), Owner: &owner})
			}
			if err == nil {
				w, err = s.writer(ctx, tx, ses.n, nil)
			}
			if err == nil {
				ses.started, err = w.append(ctx, started)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("beginning a session: %w", err)
	}
	ses.tip = &w.tip
	return ses, nil
}

// secretSize is that of a session's secret, in bytes.
const secretSize = 32

// newRow makes the row of a session, empty but for its secret.
func (s *Store) newRow(ctx context.Context, tx *sql.Tx, id string, owner Owner) (n int64, err error) {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails
	err = tx.QueryRowContext(ctx, `INSERT INTO session (id, secret, owner_pid, owner_start, owner_boot) VALUES (?, ?, ?, ?, ?) RETURNING n`,
		id, secret, owner.PID, int64(owner.Start), owner.Boot).Scan(&n)
	return n, err
}

// ID is the session's name: 12 characters, lower case.
func (s *Session) ID() string { return s.id }

// Started is event 1.
func (s *Session) Started() Event { return s.started }

// Append writes one event. It is on disk when Append returns, and reads back
// as exactly the Event returned: text that is not UTF-8 has been replaced. A
// ctx that is already done stops it; once begun it is not interrupted, so that
// an error means the event is not in the log. After SessionEnded: ErrEnded.
func (s *Session) Append(ctx context.Context, body Body) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := ctx.Err()
	var e Event
	if err == nil {
		ctx = context.WithoutCancel(ctx)
		remembered := s.tip != nil
		e, err = s.append(ctx, body)
		if err != nil && remembered { // perhaps another process has appended: what is there decides
			e, err = s.append(ctx, body)
		}
	}
	if err != nil {
		return Event{}, fmt.Errorf("recording %s: %w", body.Kind(), err)
	}
	s.store.wrote.Store(true)
	return e, nil
}

// append is Append to the session's tip, which is forgotten unless it succeeds.
func (s *Session) append(ctx context.Context, body Body) (e Event, err error) {
	from := s.tip
	s.tip = nil
	var w *writer
	err = s.store.write(ctx, func(tx *sql.Tx) error {
		if w, err = s.store.writer(ctx, tx, s.n, from); err != nil {
			return err
		}
		e, err = w.append(ctx, body)
		return err
	})
	if err == nil {
		s.tip = &w.tip
		s.store.appended(s.n, e, w.root, w.bytes)
	}
	return e, err
}

// append writes the next event and what it changes in the session's row.
func (w *writer) append(ctx context.Context, body Body) (Event, error) {
	data, err := encode(body)
	if err != nil {
		return Event{}, err
	}
	if !faithful(body) {
		if body, err = decodeBody(body.Kind(), data); err != nil {
			return Event{}, err
		}
	}
	fields, err := proof.Split(data)
	if err != nil {
		return Event{}, err
	}
	e := Event{Session: w.sum.ID, Seq: w.tree.Size() + 1, At: now(), Body: body}
	note, remark := body.(Note)
	if remark {
		if err := note.valid(); err != nil {
			return Event{}, err
		}
	}
	ended := w.sum.Status != "running"
	if ended && (!remark || w.sum.Status == "removed") {
		return Event{}, problemf(ErrEnded, "session %s has ended (%s)", e.Session, w.sum.Status)
	}
	if _, first := body.(SessionStarted); first != (e.Seq == 1) {
		return Event{}, fmt.Errorf("event %d cannot be %s", e.Seq, body.Kind())
	}
	if err := w.add(ctx, e.At, body.Kind(), fields, body, nil); err != nil {
		return Event{}, err
	}
	if err := w.keep(ctx); err != nil {
		return Event{}, err
	}
	if _, end := body.(SessionEnded); end || ended {
		return e, w.enter(ctx, entry{What: "head", At: e.At.UnixMicro()})
	}
	return e, nil
}

// faithful says of the largest and most frequent events that they read back as
// they are, and need not be read to know; false: perhaps not.
func faithful(body Body) bool {
	b, ok := body.(ToolResult)
	return ok && utf8.ValidString(b.CallID) && utf8.ValidString(b.Tool) && utf8.ValidString(b.Signal) &&
		utf8.ValidString(b.Stdout) && utf8.ValidString(b.Stderr) && utf8.ValidString(b.Error)
}

// Apply is how a session's line in the list follows from its events, beginning
// with one that has only an ID and the status running.
func (s *Summary) Apply(e Event) {
	s.Events = e.Seq
	switch b := e.Body.(type) {
	case SessionStarted:
		s.StartedAt, s.Model = e.At, b.Model
		if b.Reruns != nil {
			s.Title, s.CostUSD = title("rerun of "+b.Reruns.Session), new(float64) // nobody is asked, so nobody is paid
		}
	case Prompt:
		if s.Title == "" {
			s.Title = title(b.Text)
		}
	case ModelResponse:
		s.Steps++
		if b.Usage != nil {
			s.Tokens += b.Usage.Input + b.Usage.Output
		}
		if c := b.Charge; c != nil && !c.Notional {
			cost := float64(c.PicoUSD) / 1e12
			if s.CostUSD != nil {
				cost += *s.CostUSD
			}
			s.CostUSD = &cost
		}
	case ToolResult:
		s.Steps++
	case SessionEnded:
		s.Status, s.EndedAt = b.Status, &e.At
	case Note:
		if b.Title != "" {
			s.Title = title(b.Title)
		}
		if b.Star != nil {
			s.Starred = *b.Star
		}
		s.Tags = slices.DeleteFunc(append(s.Tags, b.Tags...), func(tag string) bool { return slices.Contains(b.Untags, tag) })
		slices.Sort(s.Tags)
		s.Tags = slices.Compact(s.Tags)
	}
}

// title is the first line of text that says something, at most 80 characters.
func title(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if r := []rune(line); len(r) > 80 {
		line = string(r[:79]) + "…"
	}
	return line
}

// newID draws 60 random bits. The alphabet has no i, l, o and u, so that an ID
// can be read aloud, and that none begins with "last".
func newID() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	var b [12]byte
	rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b[:])
}
