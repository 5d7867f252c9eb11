package store

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"time"

	"glovebox/store/proof"
)

const (
	currentQuery = `SELECT secret, edge, last_seq, ` + lineColumns + ` FROM session WHERE n = ?`
	eventQuery   = `INSERT INTO event (id, at, kind, body, blobs, root, proof) VALUES (?, ?, ?, ?, nullif(?, ''), ?, ?)`
	countQuery   = `UPDATE session SET edge = ?, last_seq = ?, steps = ?, tokens = ?, cost_usd = ? WHERE n = ? AND last_seq = ?`
	rowQuery     = `UPDATE session SET edge = ?, last_seq = ?, title = ?, model = ?, started_at = ?, ended_at = ?,
		status = ?, steps = ?, tokens = ?, cost_usd = ?, tags = ?, starred = ? WHERE n = ? AND last_seq = ?`
)

// statements are those of every append, prepared once. Nil while the log is
// brought up to date.
type statements struct{ current, event, count, row *sql.Stmt }

func (s *Store) prepare(ctx context.Context) (err error) {
	for into, query := range map[**sql.Stmt]string{
		&s.stmts.current: currentQuery, &s.stmts.event: eventQuery, &s.stmts.count: countQuery, &s.stmts.row: rowQuery,
	} {
		if *into, err = s.w.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// in is a prepared statement in a transaction.
func in(ctx context.Context, tx *sql.Tx, prepared *sql.Stmt, query string) (*sql.Stmt, error) {
	if prepared == nil {
		return tx.PrepareContext(ctx, query)
	}
	return tx.StmtContext(ctx, prepared), nil
}

// A tip is what the next event of a session is appended to.
type tip struct {
	sum    Summary
	salter proof.Salter
	tree   *proof.Tree
}

// A writer appends to one session within one transaction. What add writes is
// part of the session once keep has been called.
type writer struct {
	store *Store
	tx    *sql.Tx
	event *sql.Stmt
	n     int64
	was   Summary // in the session's row
	bytes int     // of what was added
	root  proof.Hash
	tip
}

// writer goes on with session n from where it was left, which is read if that
// is nil.
func (s *Store) writer(ctx context.Context, tx *sql.Tx, n int64, from *tip) (w *writer, err error) {
	if from == nil {
		if from, err = s.tip(ctx, tx, n); err != nil {
			return nil, err
		}
	}
	w = &writer{store: s, tx: tx, n: n, was: from.sum, tip: *from}
	w.event, err = in(ctx, tx, s.stmts.event, eventQuery)
	return w, err
}

// writerOf goes on with a session by its ID, in a log that may be written.
func (s *Store) writerOf(ctx context.Context, tx *sql.Tx, id string) (*writer, error) {
	if err := s.ours(ctx, tx); err != nil {
		return nil, err
	}
	var n int64
	err := tx.QueryRowContext(ctx, `SELECT n FROM session WHERE id = ? AND status <> 'removed'`, id).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problemf(ErrNotFound, "there is no session %q", CleanLine(id))
	} else if err != nil {
		return nil, err
	}
	return s.writer(ctx, tx, n, nil)
}

// tip reads where session n is.
func (s *Store) tip(ctx context.Context, tx *sql.Tx, n int64) (*tip, error) {
	current, err := in(ctx, tx, s.stmts.current, currentQuery)
	if err != nil {
		return nil, err
	}
	var t tip
	var secret, edge []byte
	var size int64
	if err := t.sum.scan(current.QueryRowContext(ctx, n), &secret, &edge, &size); err != nil {
		return nil, err
	}
	t.sum.Events = size
	t.salter = proof.NewSalter(secret)
	if t.tree, err = proof.ParseTree(size, edge); err != nil {
		return nil, problemf(ErrBroken, "session %s is damaged: %v; see glovebox check %s", t.sum.ID, err, t.sum.ID)
	}
	return &t, nil
}

// add writes the next event. Body is what fields say, nil where this program
// does not know the kind; foreign what proves an imported event, nil otherwise.
func (w *writer) add(ctx context.Context, at time.Time, kind string, fields []proof.Field, body Body, foreign []byte) error {
	h := proof.Header{Session: w.sum.ID, Seq: w.tree.Size() + 1, At: at.UnixMicro(), Kind: kind}
	w.tree.Append(w.salter.LeafOf(h, fields))
	w.root = w.tree.Root()
	kept, blobs, err := w.store.moveBlobs(ctx, w.tx, fields)
	if err != nil {
		return err
	}
	if _, err := w.event.ExecContext(ctx, w.n<<32|h.Seq, h.At, kind, kept, blobs, w.root[:], foreign); err != nil {
		return err
	}
	w.sum.Apply(Event{Session: w.sum.ID, Seq: h.Seq, At: at, Body: body})
	for _, f := range fields {
		w.bytes += len(f.Value)
	}
	return nil
}

// keep brings the session's row in step with its events. errStale: the row is
// not what the writer began with.
func (w *writer) keep(ctx context.Context) error {
	sum := w.sum
	sum.Events, sum.Steps, sum.Tokens, sum.CostUSD = w.was.Events, w.was.Steps, w.was.Tokens, w.was.CostUSD
	prepared, query := w.store.stmts.count, countQuery
	values := []any{w.sum.Steps, w.sum.Tokens, w.sum.CostUSD}
	if !reflect.DeepEqual(sum, w.was) { // most appends change no column that an index has
		prepared, query, values = w.store.stmts.row, rowQuery, w.sum.values()
	}
	update, err := in(ctx, w.tx, prepared, query)
	if err != nil {
		return err
	}
	values = append([]any{w.tree.Bytes(), w.tree.Size()}, append(values, w.n, w.was.Events)...)
	result, err := update.ExecContext(ctx, values...)
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows != 1 {
		return errors.Join(errStale, err)
	}
	w.was = w.sum
	return nil
}

// enter enters the session's tree as it is into the ledger, and signs that.
func (w *writer) enter(ctx context.Context, e entry) error {
	e.Session, e.Size, e.Root = w.sum.ID, w.tree.Size(), w.tree.Root()
	err := w.store.enter(ctx, w.tx, e)
	return errors.Join(err, w.store.sign(ctx, w.tx, 1))
}
