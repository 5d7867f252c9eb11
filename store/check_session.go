package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"glovebox/store/proof"
)

// session computes one session anew.
func (c *checker) session(ctx context.Context, id string) (Finding, error) {
	f := Finding{Session: id, Intact: true}
	broken := func(event int64, format string, args ...any) (Finding, error) {
		f.Intact, f.Event, f.Why = false, event, fmt.Sprintf(format, args...)
		return f, nil
	}
	heads := c.heads[id]
	if len(heads) == 0 {
		return broken(0, "it is not in the ledger")
	}
	last := heads[len(heads)-1]
	var row Summary
	var n, size int64
	var secret, edge []byte
	var owner Owner
	var start int64
	err := row.scan(c.tx.QueryRowContext(ctx, `SELECT n, secret, edge, last_seq, owner_pid, owner_start, owner_boot, `+lineColumns+` FROM session WHERE id = ?`, id),
		&n, &secret, &edge, &size, &owner.PID, &start, &owner.Boot)
	if errors.Is(err, sql.ErrNoRows) {
		return broken(1, "the whole session is missing, and the ledger has no word of its removal")
	} else if err != nil {
		return f, err
	}
	owner.Start = uint64(start)
	f.Status = row.Status
	if (row.Status == "removed") != (last.What == "removed") {
		return broken(1, "its row and the ledger do not agree on whether it was removed")
	}
	if heads[0].Owner == nil || *heads[0].Owner != owner {
		return broken(1, "the owner in its row is not the one in the ledger")
	}
	var imported *entry
	for i, h := range heads {
		switch h.What {
		case "migrated":
			at := time.UnixMicro(h.At).UTC()
			f.Since = &at
		case "imported":
			imported = &heads[i]
		}
	}
	if row.Status == "removed" {
		f.Events, f.Root = last.Size, last.Root.String()
		if tree, err := proof.ParseTree(size, edge); err != nil || size != last.Size || tree.Root() != last.Root {
			return broken(1, "its tombstone is not what was recorded")
		}
		if blank := (Summary{ID: id, Status: "removed", StartedAt: time.UnixMicro(0).UTC()}); !reflect.DeepEqual(row, blank) || len(secret) > 0 {
			return broken(1, "its tombstone is not what was recorded")
		}
		f.Signed = c.number[id] <= c.signed
		return f, nil
	}
	w := walk{c: c, f: &f, n: n, salter: proof.NewSalter(secret), heads: heads, sum: Summary{ID: id, Status: "running"}}
	if event, why, err := w.events(ctx); err != nil || why != "" {
		if err != nil {
			return f, err
		}
		return broken(event, "%s", why)
	}
	f.Events, f.Root = w.tree.Size(), w.tree.Root().String()
	row.Events = size
	if size != w.tree.Size() {
		return broken(w.tree.Size()+1, "events are missing at the end: there are %d, and there were %d", w.tree.Size(), size)
	}
	if !bytes.Equal(edge, w.tree.Bytes()) {
		return broken(w.good+1, "the hash kept in its row is another")
	}
	if was := slices.MaxFunc(heads, func(a, b entry) int { return cmp.Compare(a.Size, b.Size) }).Size; was > size {
		return broken(size+1, "events are missing at the end: there are %d, and there were %d", size, was)
	}
	if row.Status != "running" && last.Size != size {
		return broken(last.Size+1, "the ledger knows of %d events, and there are %d", last.Size, size)
	}
	if len(w.sum.Tags) == 0 {
		w.sum.Tags = nil
	}
	if !reflect.DeepEqual(row, w.sum) {
		return broken(0, "its line in the list is not what its events say")
	}
	if event, why, err := c.origin(ctx, n, id, imported, &f); err != nil || why != "" {
		if err != nil {
			return f, err
		}
		return broken(event, "%s", why)
	}
	f.Signed = row.Status != "running" && c.number[id] <= c.signed
	return f, nil
}

// walk goes through the events of a session.
type walk struct {
	c      *checker
	f      *Finding
	n      int64
	salter proof.Salter
	heads  []entry
	tree   proof.Tree
	good   int64 // events under the last head of the ledger that holds
	sum    Summary
}

// events computes the tree. An event that is not what was recorded ends it.
func (w *walk) events(ctx context.Context) (event int64, why string, err error) {
	rows, err := w.c.tx.QueryContext(ctx, `SELECT id, at, kind, body, coalesce(blobs, ''), root FROM event WHERE id >= ? AND id < ? ORDER BY id`, w.n<<32, (w.n+1)<<32)
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at int64
		var kind, blobs string
		var body, root []byte
		if err := rows.Scan(&id, &at, &kind, &body, &blobs, &root); err != nil {
			return 0, "", err
		}
		seq := w.tree.Size() + 1
		if id&maxSeq != seq {
			return seq, "it is missing", nil
		}
		fields, err := w.c.store.fetchBlobs(ctx, w.c.tx, body, blobs)
		if err != nil {
			if errors.Is(err, ErrBroken) || !isSQLite(err) {
				return seq, err.Error(), nil
			}
			return 0, "", err
		}
		w.tree.Append(w.salter.LeafOf(proof.Header{Session: w.sum.ID, Seq: seq, At: at, Kind: kind}, fields))
		if want := w.tree.Root(); !bytes.Equal(root, want[:]) {
			return seq, "it is not what was recorded", nil
		}
		for _, h := range w.heads {
			if h.Size == seq {
				if h.Root != w.tree.Root() {
					return w.good + 1, fmt.Sprintf("the head in the ledger is another: events %d to %d were rewritten", w.good+1, seq), nil
				}
				w.good = seq
			}
		}
		if err := w.apply(seq, at, kind, fields); err != nil {
			return seq, err.Error(), nil
		}
	}
	return 0, "", rows.Err()
}

// apply follows the session's row through those events that change it.
func (w *walk) apply(seq, at int64, kind string, fields []proof.Field) error {
	w.sum.Events = seq
	var body Body
	switch kind {
	case ToolResult{}.Kind():
		body = ToolResult{}
	case SessionStarted{}.Kind(), Prompt{}.Kind(), ModelResponse{}.Kind(), SessionEnded{}.Kind(), Note{}.Kind():
		var err error
		if body, err = decodeBody(kind, proof.Join(fields)); err != nil {
			return err
		}
	default:
		return nil
	}
	w.sum.Apply(Event{Seq: seq, At: time.UnixMicro(at).UTC(), Body: body})
	return nil
}

// origin checks what proves an imported session where it comes from.
func (c *checker) origin(ctx context.Context, n int64, id string, imported *entry, f *Finding) (event int64, why string, err error) {
	var origin string
	err = c.tx.QueryRowContext(ctx, `SELECT origin FROM foreign_session WHERE session = ?`, n).Scan(&origin)
	if errors.Is(err, sql.ErrNoRows) {
		origin, err = "", nil
	}
	switch {
	case err != nil:
		return 0, "", err
	case imported == nil && origin != "":
		return 1, "it is said to come from elsewhere, and the ledger has no word of it", nil
	case imported == nil:
		return 0, "", nil
	case sum256([]byte(origin)) != imported.Note:
		return 1, "what proves where it comes from was changed", nil
	}
	var e Evidence
	if err := json.Unmarshal([]byte(origin), &e); err != nil {
		return 1, "what proves where it comes from cannot be read", nil
	}
	var tree proof.Tree
	err = c.store.discloseIn(ctx, c.tx, id, func(d Disclosure) bool {
		tree.Append(d.Leaf(id))
		event = d.Seq
		return true
	})
	if err != nil {
		if isSQLite(err) {
			return 0, "", err
		}
		return event + 1, err.Error(), nil
	}
	if tree.Size() != imported.Size {
		return tree.Size() + 1, "what proves where it comes from is incomplete", nil
	}
	if err := e.Verify(id, tree.Size(), tree.Root()); err != nil {
		return 1, "it does not follow from where it comes from: " + err.Error(), nil
	}
	f.From = e.Log
	return 0, "", nil
}
