package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"glovebox/store/proof"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ledger computes the ledger's tree and holds the checkpoints against it. What
// it returns first is why it is not intact.
func (c *checker) ledger(ctx context.Context, a *Audit, kept []string) (string, error) {
	id, is, err := readLog(ctx, c.tx)
	if err != nil {
		return "", err
	}
	a.Log = id
	c.number, c.place = map[string]int64{}, map[string]int64{}
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
			c.place[e.Session] = int64(len(c.order))
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
		if c.signed > 0 {
			return "there are two checkpoints, and a log keeps the last one only", nil
		}
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
