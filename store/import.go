package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"
)

// fits says why an event from elsewhere cannot be the next of a session.
func fits(body Body, seq int64, at time.Time, w *writer) error {
	note, remark := body.(Note)
	_, first := body.(SessionStarted)
	switch {
	case seq != w.tree.Size()+1:
		return problemf(ErrInvalid, "it has number %d", seq)
	case first != (seq == 1):
		return problemf(ErrInvalid, "it cannot be %s", body.Kind())
	case w.sum.Status != "running" && !remark:
		return problemf(ErrInvalid, "%s after the end", body.Kind())
	case at.After(now().Add(24 * time.Hour)):
		return problemf(ErrInvalid, "it is of %s, which is yet to come; one of the two clocks is wrong", at.Format(time.DateOnly)) // and would be "last" until then
	case remark:
		return note.valid()
	case gives(body):
		return problemf(ErrInvalid, "%s says that less than nothing was spent", body.Kind())
	}
	return nil
}

// gives says whether an event would give back to a budget: who resumes a session
// goes on with what it says was spent.
func gives(body Body) bool {
	switch b := body.(type) {
	case ModelRequest:
		return b.Reserved.negative()
	case ModelResponse:
		return b.Charge.negative() || b.Usage != nil && min(b.Usage.Input, b.Usage.Output, b.Usage.Cached, b.Usage.Reasoning) < 0
	case ToolResult:
		return min(b.StdoutCut, b.StderrCut) < 0
	}
	return false
}

func (c *Charge) negative() bool { return c != nil && min(c.Input, c.Output, c.PicoUSD) < 0 }

// LogID is the log's own name, drawn when it was made.
func (s *Store) LogID(ctx context.Context) (string, error) {
	id, _, err := readLog(ctx, s.r)
	return id, err
}

// KnownKey is the key by which a log's bundles were signed when the first of
// them was imported, this log's own included; "": not known.
func (s *Store) KnownKey(ctx context.Context, log string) (string, error) {
	own, err := s.LogID(ctx)
	if err != nil {
		return "", err
	}
	if log == own && s.key != nil {
		return s.key.Public(), nil
	}
	var key string
	err = s.r.QueryRowContext(ctx, `SELECT key FROM foreign_key WHERE log = ?`, log).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return key, err
}

// Origin says which log an imported session comes from, and by which key; "":
// it was recorded here.
func (s *Store) Origin(ctx context.Context, id string) (log, key string, err error) {
	var origin string
	err = s.r.QueryRowContext(ctx, `SELECT origin FROM foreign_session JOIN session ON session = n WHERE id = ?`, id).Scan(&origin)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	var e Evidence
	if err == nil {
		err = json.Unmarshal([]byte(origin), &e)
	}
	if err != nil {
		return "", "", fmt.Errorf("looking up where session %s is from: %w", CleanLine(id), s.explain(err))
	}
	return e.Log, e.Key, nil
}

// An Import is a session from elsewhere, verified by the caller.
type Import struct {
	Session  string
	Events   iter.Seq2[Disclosure, error]
	Evidence Evidence
}

// ErrExists is an import of what is here already.
var ErrExists = errors.New("session is here already")

// Import takes in a session in one transaction: the first error of its events
// leaves nothing of it. Its key becomes known for its log; another key for a
// log that is known: ErrBroken.
func (s *Store) Import(ctx context.Context, in Import) error {
	known, err := s.KnownKey(ctx, in.Evidence.Log)
	if err != nil {
		return err
	}
	if known != "" && known != in.Evidence.Key {
		return problemf(ErrBroken, "it is signed by another key than earlier sessions of log %s", CleanLine(in.Evidence.Log))
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.ours(ctx, tx); err != nil {
			return err
		}
		return s.importTo(ctx, tx, in)
	})
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	s.wrote.Store(true)
	return nil
}

func (s *Store) importTo(ctx context.Context, tx *sql.Tx, in Import) error {
	var status string
	err := tx.QueryRowContext(ctx, `SELECT status FROM session WHERE id = ?`, in.Session).Scan(&status)
	if err == nil {
		if status == "removed" {
			return problemf(ErrExists, "session %s was here and was removed; its tombstone stays, so it cannot come back", in.Session)
		}
		return problemf(ErrExists, "session %s is here already", in.Session)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	owner := Owner{} // nobody: it does not run here
	n, err := s.newRow(ctx, tx, in.Session, owner)
	if err != nil {
		return err
	}
	if err := s.enter(ctx, tx, entry{What: "started", Session: in.Session, At: now().UnixMicro(), Owner: &owner}); err != nil {
		return err
	}
	w, err := s.writer(ctx, tx, n, nil)
	if err != nil {
		return err
	}
	proofs := sha256.New()
	for d, err := range in.Events {
		if err != nil {
			return err
		}
		body, err := d.Body()
		if err == nil {
			err = fits(body, d.Seq, d.At, w)
		}
		if err != nil {
			return fmt.Errorf("event %d: %w", d.Seq, err)
		}
		packed := packProofs(d.Proofs)
		proofs.Write(packed)
		if err := w.add(ctx, d.At, d.Kind, d.Fields, body, packed); err != nil {
			return fmt.Errorf("event %d: %w", d.Seq, err)
		}
	}
	if w.sum.Status == "running" {
		return problemf(ErrInvalid, "session %s has no end", in.Session)
	}
	if err := w.keep(ctx); err != nil {
		return err
	}
	origin, err := encode(in.Evidence)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO foreign_session (session, origin) VALUES (?, ?)`, n, string(origin)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO foreign_key (log, key) VALUES (?, ?)`, in.Evidence.Log, in.Evidence.Key); err != nil {
		return err
	}
	return w.enter(ctx, entry{
		What: "imported", At: now().UnixMicro(), Note: sum256(origin), From: in.Evidence.Log, Key: in.Evidence.Key,
		Proofs: hex.EncodeToString(proofs.Sum(nil)),
	})
}

// sum256 is SHA-256, in hex.
func sum256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
