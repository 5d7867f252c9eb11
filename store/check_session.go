package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"glovebox/store/proof"
)

// session computes one session anew.
func (c *checker) session(ctx context.Context, id string) (Finding, error) {
	f := Finding{Session: id, Intact: true}
	event, why, err := c.compute(ctx, &f)
	if why != "" {
		f.Intact, f.Event, f.Why = false, event, why
	}
	return f, err
}

// compute fills in f. What it returns first is which event is not what was
// recorded, and why.
func (c *checker) compute(ctx context.Context, f *Finding) (event int64, why string, err error) {
	heads := c.heads[f.Session]
	if len(heads) == 0 {
		return 0, "it is not in the ledger", nil
	}
	last := heads[len(heads)-1]
	r, err := c.row(ctx, f.Session)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, "the whole session is missing, and the ledger has no word of its removal", nil
	} else if err != nil {
		return 0, "", err
	}
	f.Status = r.Status
	if (r.Status == "removed") != (last.What == "removed") {
		return 1, "its row and the ledger do not agree on whether it was removed", nil
	}
	if r.n != c.place[f.Session] {
		return 1, "its row stands in another's place", nil
	}
	if heads[0].Owner == nil || *heads[0].Owner != r.owner {
		return 1, "the owner in its row is not the one in the ledger", nil
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
	signed := c.number[f.Session] <= c.signed
	if r.Status == "removed" {
		f.Events, f.Root = last.Size, last.Root.String()
		if !r.isTombstone(last) {
			return 1, "its tombstone is not what was recorded", nil
		}
		f.Signed = signed
		return 0, "", nil
	}
	if len(r.secret) != secretSize {
		return 1, "its secret has the wrong length", nil
	}
	w := walk{c: c, n: r.n, salter: proof.NewSalter(r.secret), heads: heads, sum: Summary{ID: f.Session, Status: "running"}}
	if imported != nil {
		w.foreign = imported.Size
	}
	if event, why, err := w.events(ctx); err != nil || why != "" {
		return event, why, err
	}
	f.Events, f.Root = w.tree.Size(), w.tree.Root().String()
	if event, why := w.agrees(r); why != "" {
		return event, why, nil
	}
	if event, why, err := c.origin(ctx, r.n, imported, f); err != nil || why != "" {
		return event, why, err
	}
	f.Signed = r.Status != "running" && signed
	return 0, "", nil
}

// A row is what a session's row says of it, and what must follow from its events.
type row struct {
	Summary
	n, size      int64
	secret, edge []byte
	owner        Owner
	tags         string // as they stand in it
}

func (c *checker) row(ctx context.Context, id string) (r row, err error) {
	var start int64
	err = r.scan(c.tx.QueryRowContext(ctx, `SELECT n, secret, edge, last_seq, owner_pid, owner_start, owner_boot, tags, `+lineColumns+` FROM session WHERE id = ?`, id),
		&r.n, &r.secret, &r.edge, &r.size, &r.owner.PID, &start, &r.owner.Boot, &r.tags)
	r.owner.Start = uint64(start)
	return r, err
}

// isTombstone says whether nothing is left in the row but the tree as it was
// when the session was removed.
func (r row) isTombstone(removed entry) bool {
	tree, err := proof.ParseTree(r.size, r.edge)
	blank := Summary{ID: r.ID, Status: "removed", StartedAt: time.UnixMicro(0).UTC()}
	return err == nil && r.size == removed.Size && tree.Root() == removed.Root && reflect.DeepEqual(r.Summary, blank) && len(r.secret) == 0 && r.tags == ""
}

// walk goes through the events of a session.
type walk struct {
	c       *checker
	n       int64
	salter  proof.Salter
	heads   []entry
	tree    proof.Tree
	foreign int64 // events that were imported
	good    int64 // events under the last head of the ledger that holds
	sum     Summary
}

// events computes the tree. An event that is not what was recorded ends it.
func (w *walk) events(ctx context.Context) (event int64, why string, err error) {
	rows, err := w.c.tx.QueryContext(ctx, `SELECT id, at, kind, body, coalesce(blobs, ''), root, proof IS NOT NULL, blobs IN ('', '{}') FROM event WHERE id >= ? AND id < ? ORDER BY id`, w.n<<32, (w.n+1)<<32)
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at int64
		var kind, blobs string
		var body, root []byte
		var proven bool
		var none sql.NullBool // NULL where there is no list at all
		if err := rows.Scan(&id, &at, &kind, &body, &blobs, &root, &proven, &none); err != nil {
			return 0, "", err
		}
		seq := w.tree.Size() + 1
		if id&maxSeq != seq {
			return seq, "it is missing", nil
		}
		if proven && seq > w.foreign {
			return seq, "it has the proof of one from elsewhere", nil
		}
		if none.Bool {
			return seq, "the list of its large fields is damaged", nil
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

// agrees holds a session's row, and the heads in the ledger, against its events.
func (w *walk) agrees(r row) (event int64, why string) {
	if r.size != w.tree.Size() {
		return w.tree.Size() + 1, fmt.Sprintf("events are missing at the end: there are %d, and there were %d", w.tree.Size(), r.size)
	}
	if !bytes.Equal(r.edge, w.tree.Bytes()) {
		return w.good + 1, "the hash kept in its row is another"
	}
	if was := slices.MaxFunc(w.heads, func(a, b entry) int { return cmp.Compare(a.Size, b.Size) }).Size; was > r.size {
		return r.size + 1, fmt.Sprintf("events are missing at the end: there are %d, and there were %d", r.size, was)
	}
	if last := w.heads[len(w.heads)-1]; r.Status != "running" && last.Size != r.size {
		return last.Size + 1, fmt.Sprintf("the ledger knows of %d events, and there are %d", last.Size, r.size)
	}
	r.Events = r.size
	says, err1 := encode(r.Summary) // of 0 and -0, too
	are, err2 := encode(w.sum)
	if errors.Join(err1, err2) != nil || !bytes.Equal(says, are) || r.tags != strings.Join(w.sum.Tags, " ") {
		return 0, "its line in the list is not what its events say"
	}
	return 0, ""
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
func (c *checker) origin(ctx context.Context, n int64, imported *entry, f *Finding) (event int64, why string, err error) {
	var origin string
	err = c.tx.QueryRowContext(ctx, `SELECT origin FROM foreign_session WHERE session = ?`, n).Scan(&origin)
	gone := errors.Is(err, sql.ErrNoRows)
	switch {
	case err != nil && !gone:
		return 0, "", err
	case imported == nil && !gone:
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
	proofs := sha256.New()
	err = c.store.discloseIn(ctx, c.tx, f.Session, func(d Disclosure) bool {
		tree.Append(d.Leaf(f.Session))
		proofs.Write(packProofs(d.Proofs))
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
	if imported.Proofs != "" && hex.EncodeToString(proofs.Sum(nil)) != imported.Proofs {
		return 1, "what proves its events was changed", nil
	}
	if err := e.Verify(f.Session, tree.Size(), tree.Root()); err != nil {
		return 1, "it does not follow from where it comes from: " + err.Error(), nil
	}
	f.From, f.FromRoot = e.Log, tree.Root().String()
	return 0, "", nil
}
