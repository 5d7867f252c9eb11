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

	"golang.org/x/mod/sumdb/note"

	"golang.org/x/mod/sumdb/tlog"
)

// A Finding is what Check found out about one session, computed anew from its
// rows.
type Finding struct {
	Session string     `json:"session"`
	Intact  bool       `json:"intact"`
	Event   int64      `json:"event,omitempty"` // first one that is not what was recorded
	Why     string     `json:"why,omitempty"`
	Events  int64      `json:"events"`
	Root    string     `json:"root,omitempty"`  // of its tree
	Since   *time.Time `json:"since,omitempty"` // hashed only then: recorded by a glovebox that knew no hashes
	From    string     `json:"from,omitempty"`  // imported: the log it comes from
	Status  string     `json:"status"`          // as in Summary, or removed
	Signed  bool       `json:"signed"`          // its end is under a signature
}

// An Audit is what Check found.
type Audit struct {
	Log      string    `json:"log"`     // its ID
	Entries  int64     `json:"entries"` // of the ledger
	Sessions []Finding `json:"sessions"`
	Why      string    `json:"why,omitempty"` // the ledger itself is not intact
}

// Intact says whether everything that was looked at is what was recorded.
func (a Audit) Intact() bool {
	return a.Why == "" && !slices.ContainsFunc(a.Sessions, func(f Finding) bool { return !f.Intact })
}

// Check computes every hash of the ledger, and of the session with that ID ("":
// of all), anew from rows and blobs. With a key (SignWith), the log's
// checkpoints must be signed by it. Notes are signed checkpoints that were kept
// elsewhere: the log must still hold all that they cover. An error means that
// it could not be found out.
func (s *Store) Check(ctx context.Context, id string, kept ...string) (Audit, error) {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one state of the log, whoever writes meanwhile
	if err != nil {
		return Audit{}, fmt.Errorf("checking: %w", s.explain(err))
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	c := checker{store: s, tx: tx, heads: map[string][]entry{}}
	audit, err := c.run(ctx, id, kept)
	if ctx.Err() == nil && err != nil && (!isSQLite(err) || isCorrupt(err)) {
		// What cannot be read is not what was recorded.
		audit.Why = fmt.Sprintf("the database is damaged: %v", err)
		err = nil
	}
	if err != nil {
		return audit, fmt.Errorf("checking: %w", s.explain(err))
	}
	return audit, nil
}

type checker struct {
	store  *Store
	tx     *sql.Tx
	order  []string           // sessions as the ledger has them
	heads  map[string][]entry // of each
	signed int64              // entries under the last checkpoint
	number map[string]int64   // of the entry that last named each session
}

func (c *checker) run(ctx context.Context, id string, kept []string) (Audit, error) {
	var a Audit
	broken, err := c.ledger(ctx, &a, kept)
	if err != nil {
		return a, err
	}
	a.Why = broken
	if broken == "" && id == "" {
		if a.Why, err = c.strays(ctx); err != nil {
			return a, err
		}
	}
	if id != "" {
		c.order = slices.DeleteFunc(c.order, func(s string) bool { return s != id })
		if len(c.order) == 0 {
			c.order = []string{id}
		}
	}
	for _, id := range c.order {
		f, err := c.session(ctx, id)
		if err != nil {
			return a, err
		}
		a.Sessions = append(a.Sessions, f)
	}
	return a, nil
}

// ledger computes the ledger's tree and holds the checkpoints against it. What
// it returns first is why it is not intact.
func (c *checker) ledger(ctx context.Context, a *Audit, kept []string) (string, error) {
	id, is, err := readLog(ctx, c.tx)
	if err != nil {
		return "", err
	}
	a.Log = id
	c.number = map[string]int64{}
	rows, err := c.tx.QueryContext(ctx, `SELECT n, entry, root FROM ledger ORDER BY n`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	tree := &proof.Tree{}
	var roots []proof.Hash
	var whats []string
	for rows.Next() {
		var n int64
		var data string
		var root []byte
		if err := rows.Scan(&n, &data, &root); err != nil {
			return "", err
		}
		tree.Append(tlog.RecordHash([]byte(data)))
		if want := tree.Root(); n != tree.Size() || !bytes.Equal(root, want[:]) {
			return fmt.Sprintf("the ledger is not what was recorded, from entry %d on", tree.Size()), nil
		}
		e, err := parseEntry(data)
		if err != nil {
			return fmt.Sprintf("entry %d of the ledger cannot be read: %v", n, err), nil
		}
		if _, seen := c.heads[e.Session]; !seen {
			c.order = append(c.order, e.Session)
		}
		c.heads[e.Session] = append(c.heads[e.Session], e)
		c.number[e.Session] = n
		roots, whats = append(roots, tree.Root()), append(whats, e.What)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	a.Entries = tree.Size()
	if is.Size() != tree.Size() || !bytes.Equal(is.Bytes(), tree.Bytes()) {
		return fmt.Sprintf("the ledger was cut or its edge changed: it has %d entries, and had %d", tree.Size(), is.Size()), nil
	}
	for _, text := range kept {
		if why := c.holds(id, roots, text, "the checkpoint that was kept"); why != "" {
			return why, nil
		}
	}
	return c.checkpoints(ctx, id, roots, whats)
}

// checkpoints verifies the log's own: all that needs a signature has one.
func (c *checker) checkpoints(ctx context.Context, id string, roots []proof.Hash, whats []string) (string, error) {
	rows, err := c.tx.QueryContext(ctx, `SELECT size, note FROM checkpoint ORDER BY size`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var signed string
		if err := rows.Scan(&c.signed, &signed); err != nil {
			return "", err
		}
		if c.store.key == nil {
			continue
		}
		if why := c.holds(id, roots, signed, fmt.Sprintf("the checkpoint of entry %d", c.signed)); why != "" {
			return why, nil
		}
		if _, size, _, _ := parseCheckpoint(noteText(signed)); size != c.signed {
			return fmt.Sprintf("the checkpoint of entry %d is that of another", c.signed), nil
		}
	}
	for i := int(c.signed); i < len(whats) && c.store.key != nil; i++ {
		if whats[i] != "started" && whats[i] != "migrated" {
			return fmt.Sprintf("entry %d of the ledger (%s) is under no signature", i+1, whats[i]), nil
		}
	}
	return "", rows.Err()
}

// noteText is the text of a note, whoever signed it.
func noteText(signed string) string {
	text, _, _ := bytes.Cut([]byte(signed), []byte("\n\n— "))
	return string(text) + "\n"
}

// holds says why a signed checkpoint is not one of this log, "" if it is.
func (c *checker) holds(id string, roots []proof.Hash, signed, what string) string {
	log, size, root, err := parseCheckpoint(noteText(signed))
	if err == nil && log != id { // whoever signed it
		return fmt.Sprintf("%s is of another log, %s; this is %s", what, CleanLine(log), id)
	}
	if c.store.key != nil {
		var foreign *note.UnverifiedNoteError
		var changed *note.InvalidSignatureError
		switch _, bad := OpenNote(signed, c.store.key); {
		case errors.As(bad, &foreign):
			return fmt.Sprintf("%s is signed by another key than this machine's, %s", what, c.store.key.Name())
		case errors.As(bad, &changed):
			return what + " was changed: its signature is that of another text"
		case bad != nil:
			return what + " is damaged: " + bad.Error()
		}
	}
	switch {
	case err != nil:
		return what + " cannot be read: " + err.Error()
	case size > int64(len(roots)):
		return fmt.Sprintf("%s covers %d entries of the ledger, and there are only %d: the end was cut off", what, size, len(roots))
	case roots[size-1] != root:
		return fmt.Sprintf("%s is of another history: the ledger was rewritten at or before entry %d", what, size)
	}
	return ""
}

// strays looks for what no session and no event accounts for.
func (c *checker) strays(ctx context.Context) (string, error) {
	rows, err := c.tx.QueryContext(ctx, `SELECT id FROM session`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return "", err
		}
		if _, ok := c.heads[id]; !ok {
			return fmt.Sprintf("session %s is not in the ledger", CleanLine(id)), nil
		}
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	var verdict string
	if err := c.tx.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
		return "the database is damaged: " + CleanLine(verdict), err
	}
	var events, blobs int64
	err = c.tx.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM event WHERE session NOT IN (SELECT n FROM session WHERE status <> 'removed')),
		(SELECT count(*) FROM blob WHERE n NOT IN (SELECT value FROM event, json_each(iif(json_valid(blobs), blobs, '{}')) WHERE blobs IS NOT NULL))`).Scan(&events, &blobs)
	if events > 0 {
		return fmt.Sprintf("there are %d events of no session", events), err
	}
	if blobs > 0 {
		return fmt.Sprintf("there are %d large fields of no event", blobs), err
	}
	return "", err
}

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
