package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"glovebox/store/proof"
)

// commitOld copies the sessions of a log without hashes and hashes their
// events. The ledger says that they were hashed only now: what happened to them
// before, nobody can tell.
func (s *Store) commitOld(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO log (one, id) VALUES (1, ?)`, newID()); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT n, id, owner_pid, owner_start, owner_boot FROM old_session ORDER BY n`)
	if err != nil {
		return err
	}
	defer rows.Close()
	type old struct {
		n     int64
		id    string
		owner Owner
	}
	var sessions []old
	for rows.Next() {
		var o old
		var start int64
		if err := rows.Scan(&o.n, &o.id, &o.owner.PID, &start, &o.owner.Boot); err != nil {
			return err
		}
		o.owner.Start = uint64(start)
		sessions = append(sessions, o)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, o := range sessions {
		if err := s.commitSession(ctx, tx, o.n, o.id, o.owner); err != nil {
			return fmt.Errorf("session %s: %w", o.id, err)
		}
	}
	_, err = tx.ExecContext(ctx, `DROP TABLE old_event; DROP TABLE old_session`)
	return err
}

func (s *Store) commitSession(ctx context.Context, tx *sql.Tx, old int64, id string, owner Owner) error {
	n, err := s.newRow(ctx, tx, id, owner)
	if err != nil {
		return err
	}
	w, err := s.writer(ctx, tx, n, nil)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT at, kind, body FROM old_event WHERE session = ? ORDER BY seq`, old)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var kind string
		var body []byte
		if err := rows.Scan(&at, &kind, &body); err != nil {
			return err
		}
		known, err := decodeBody(kind, body)
		if errors.Is(err, ErrNewer) {
			err = nil // its bytes are committed to all the same
		}
		var fields []proof.Field
		if err == nil {
			fields, err = proof.Split(body)
		}
		if err == nil {
			err = w.add(ctx, time.UnixMicro(at).UTC(), kind, fields, known, nil)
		}
		if err != nil {
			return fmt.Errorf("event %d: %w", w.tree.Size()+1, err)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := w.keep(ctx); err != nil {
		return err
	}
	at := now().UnixMicro()
	if err := s.enter(ctx, tx, entry{What: "started", Session: id, At: at, Owner: &owner}); err != nil {
		return err
	}
	return s.enter(ctx, tx, entry{What: "migrated", Session: id, At: at, Size: w.tree.Size(), Root: w.tree.Root()})
}
