package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// A Session is one running session, open for appending. It is safe for
// concurrent use and needs no closing: it ends with SessionEnded.
type Session struct {
	store   *Store
	n       int64
	id      string
	started Event
}

// Begin starts a session that owner is responsible for (see Recover) and
// writes its first event.
func (s *Store) Begin(ctx context.Context, started SessionStarted, owner Owner) (*Session, error) {
	ses := &Session{store: s, id: newID()}
	err := ctx.Err()
	if err == nil {
		ctx = context.WithoutCancel(ctx)
		err = s.write(ctx, func(tx *sql.Tx) (err error) {
			err = tx.QueryRowContext(ctx, `INSERT INTO session (id, model, started_at, owner_pid, owner_start, owner_boot)
				VALUES (?, ?, 0, ?, ?, ?) RETURNING n`, ses.id, started.Model, owner.PID, owner.Start, owner.Boot).Scan(&ses.n)
			if err == nil {
				ses.started, err = appendTo(ctx, tx, ses.n, started)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("beginning a session: %w", err)
	}
	return ses, nil
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
	err := ctx.Err()
	var e Event
	if err == nil {
		ctx = context.WithoutCancel(ctx)
		err = s.store.write(ctx, func(tx *sql.Tx) error {
			e, err = appendTo(ctx, tx, s.n, body)
			return err
		})
	}
	if err != nil {
		return Event{}, fmt.Errorf("recording %s: %w", body.Kind(), err)
	}
	return e, nil
}

// appendTo writes the next event of session n and what it changes in the
// session's row.
func appendTo(ctx context.Context, tx *sql.Tx, n int64, body Body) (Event, error) {
	data, err := encode(body)
	if err != nil {
		return Event{}, err
	}
	if body, err = decodeBody(body.Kind(), data); err != nil {
		return Event{}, err
	}
	e := Event{At: time.Now().UTC().Truncate(time.Microsecond), Body: body}
	var status string
	err = tx.QueryRowContext(ctx, `UPDATE session SET last_seq = last_seq + 1 WHERE n = ? RETURNING id, status, last_seq`,
		n).Scan(&e.Session, &status, &e.Seq)
	if err != nil {
		return Event{}, err
	}
	if status != "running" {
		return Event{}, problemf(ErrEnded, "session %s has ended (%s)", e.Session, status)
	}
	if _, first := body.(SessionStarted); first != (e.Seq == 1) {
		return Event{}, fmt.Errorf("event %d cannot be %s", e.Seq, body.Kind())
	}
	at := e.At.UnixMicro()
	_, err = tx.ExecContext(ctx, `INSERT INTO event (session, seq, at, kind, body) VALUES (?, ?, ?, ?, ?)`,
		n, e.Seq, at, body.Kind(), string(data))
	if err != nil {
		return Event{}, err
	}
	return e, project(ctx, tx, n, at, body)
}

// project keeps the session's row in step with its events.
func project(ctx context.Context, tx *sql.Tx, n, at int64, body Body) error {
	set, args := "", []any(nil)
	switch b := body.(type) {
	case SessionStarted:
		set, args = `started_at = ?`, []any{at}
	case Prompt:
		set, args = `title = iif(title = '', ?, title)`, []any{title(b.Text)}
	case ModelResponse:
		tokens := 0
		if b.Usage != nil {
			tokens = b.Usage.Input + b.Usage.Output
		}
		set, args = `steps = steps + 1, tokens = tokens + ?`, []any{tokens}
		if c := b.Charge; c != nil && !c.Notional {
			set, args = set+`, cost_usd = coalesce(cost_usd, 0) + ?`, append(args, float64(c.PicoUSD)/1e12)
		}
	case ToolResult:
		set = `steps = steps + 1`
	case SessionEnded:
		set, args = `status = ?, ended_at = ?`, []any{b.Status, at}
	default:
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE session SET `+set+` WHERE n = ?`, append(args, n)...)
	return err
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
