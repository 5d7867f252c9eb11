package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"glovebox/store/proof"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An entry of the ledger says what became of a whole session. The ledger is a
// tree of its own: a session that vanishes, or is written anew, is missed there.
type entry struct {
	What    string     `json:"what"` // started, head, migrated, imported, removed
	Session string     `json:"session"`
	At      int64      `json:"at"`               // microseconds since 1970
	Owner   *Owner     `json:"owner,omitempty"`  // started
	Size    int64      `json:"size,omitempty"`   // events, all but started
	Root    proof.Hash `json:"root"`             // of the session's tree; zero: started
	Note    string     `json:"note,omitempty"`   // imported: SHA-256 of what proves its origin
	From    string     `json:"from,omitempty"`   // imported: the log it is from; "": this was not yet written down
	Key     string     `json:"key,omitempty"`    // imported: that log's key
	Proofs  string     `json:"proofs,omitempty"` // imported: SHA-256 of what proves its events; "": this was not yet written down
	Reason  string     `json:"reason,omitempty"` // removed
	Bytes   int64      `json:"bytes,omitempty"`  // removed: of its events
	Steps   int        `json:"steps,omitempty"`
	Tokens  int        `json:"tokens,omitempty"`
	Started int64      `json:"started,omitempty"` // removed: microseconds since 1970
}

// enter appends to the ledger.
func (s *Store) enter(ctx context.Context, tx *sql.Tx, e entry) error {
	data, err := encode(e)
	if err != nil {
		return err
	}
	_, tree, err := readLog(ctx, tx)
	if err != nil {
		return err
	}
	tree.Append(tlog.RecordHash(data))
	root := tree.Root()
	if _, err := tx.ExecContext(ctx, `INSERT INTO ledger (n, entry, root) VALUES (?, ?, ?)`, tree.Size(), string(data), root[:]); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE log SET size = ?, edge = ?`, tree.Size(), tree.Bytes())
	return err
}

// readLog returns the log's ID and the ledger's tree.
func readLog(ctx context.Context, q querier) (id string, tree *proof.Tree, err error) {
	var size int64
	var edge []byte
	if err := q.QueryRowContext(ctx, `SELECT id, size, edge FROM log`).Scan(&id, &size, &edge); err != nil {
		return "", nil, fmt.Errorf("reading the ledger: %w", err)
	}
	tree, err = proof.ParseTree(size, edge)
	return id, tree, err
}

// sign covers the ledger as it is by a signed checkpoint, the only one that is
// kept: with an older one somebody could cut off what came after it. Without a
// key it does nothing. What already was under no signature when it should have been stays
// so, for Check to find: signing would make it look right.
func (s *Store) sign(ctx context.Context, tx *sql.Tx, pending int) error {
	if s.key == nil {
		return nil
	}
	id, tree, err := readLog(ctx, tx)
	if err != nil {
		return err
	}
	if ok, err := s.mayContinue(ctx, tx, id, tree.Size()-int64(pending)); err != nil || !ok {
		return err
	}
	signed, err := s.key.SignText(checkpointText(id, tree.Size(), tree.Root()))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM checkpoint; INSERT INTO checkpoint (size, note) VALUES (?, ?)`, tree.Size(), signed)
	return err
}

// ours refuses a log whose last checkpoint another key than ours has signed.
// What is entered under two keys by turns neither can vouch for: the log would
// never again be found intact. The error wraps ErrOtherKey.
func (s *Store) ours(ctx context.Context, q querier) error {
	if s.key == nil {
		return nil
	}
	var signed string
	err := q.QueryRowContext(ctx, `SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1`).Scan(&signed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	var other *note.UnverifiedNoteError // signed, but by none that is known; a broken signature is for Check to find
	if _, err := note.Open([]byte(signed), note.VerifierList(s.key.Verifier)); errors.As(err, &other) && len(other.Note.UnverifiedSigs) > 0 {
		return problemf(ErrOtherKey, "log %s is signed by the key %s, and the key here is %s: what is written under two keys can never be checked",
			s.path, CleanLine(other.Note.UnverifiedSigs[0].Name), s.key.Name())
	}
	return nil
}

// mayContinue says whether the last checkpoint is ours and still true, and
// whether all after it, up to the entry numbered until, are entries that need no signature.
func (s *Store) mayContinue(ctx context.Context, tx *sql.Tx, id string, until int64) (bool, error) {
	var size int64
	var signed string
	var root []byte
	err := tx.QueryRowContext(ctx, `SELECT size, note, (SELECT root FROM ledger WHERE n = size) FROM checkpoint ORDER BY size DESC LIMIT 1`).Scan(&size, &signed, &root)
	if err == nil {
		text, err := OpenNote(signed, s.key.Verifier)
		if err != nil || len(root) != tlog.HashSize || text != checkpointText(id, size, proof.Hash(root)) {
			return false, nil
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	var unsigned int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM ledger WHERE n > ? AND n <= ? AND entry ->> 'what' NOT IN ('started', 'migrated')`, size, until).Scan(&unsigned)
	return unsigned == 0, err
}

func checkpointText(log string, size int64, root proof.Hash) string {
	return fmt.Sprintf("glovebox log %s\n%d\n%s\n", log, size, root)
}

// parseCheckpoint reads what checkpointText wrote.
func parseCheckpoint(text string) (log string, size int64, root proof.Hash, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) == 4 && strings.HasPrefix(lines[0], "glovebox log ") {
		log = strings.TrimPrefix(lines[0], "glovebox log ")
		size, _ = strconv.ParseInt(lines[1], 10, 64)
		root, _ = tlog.ParseHash(lines[2])
	}
	if log == "" || size < 1 || text != checkpointText(log, size, root) {
		return "", 0, root, problemf(ErrBroken, "this is not a checkpoint of a glovebox log")
	}
	return log, size, root, nil
}

// Head enters the heads of all running sessions into the ledger and returns a
// signed checkpoint of the whole log. Kept elsewhere, it shows later that
// nothing before it was rewritten: see CheckAgainst. It needs a key.
func (s *Store) Head(ctx context.Context) (signed string, err error) {
	if s.key == nil {
		return "", fmt.Errorf("a checkpoint needs a key")
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.ours(ctx, tx); err != nil {
			return err
		}
		heads, err := openHeads(ctx, tx)
		if err != nil {
			return err
		}
		for _, e := range heads {
			if err := s.enter(ctx, tx, e); err != nil {
				return err
			}
		}
		if err := s.sign(ctx, tx, len(heads)); err != nil {
			return err
		}
		id, tree, err := readLog(ctx, tx)
		if err != nil {
			return err
		}
		if tree.Size() == 0 {
			return problemf(ErrNotFound, "there is no session yet")
		}
		var root []byte
		err = tx.QueryRowContext(ctx, `SELECT note, root FROM checkpoint JOIN ledger ON n = size WHERE size = ?`, tree.Size()).Scan(&signed, &root)
		if err != nil {
			return problemf(ErrBroken, "the log %s does not follow from its last signed checkpoint, so it is not signed again; run glovebox check", id)
		}
		return nil
	})
	return signed, err
}

// openHeads are the heads of running sessions that the ledger does not have yet.
func openHeads(ctx context.Context, tx *sql.Tx) ([]entry, error) {
	rows, err := tx.QueryContext(ctx, `SELECT session.id, last_seq, root FROM session JOIN event ON event.id = n << 32 | last_seq
		WHERE status = 'running' AND NOT EXISTS (SELECT 1 FROM ledger WHERE entry ->> 'session' = session.id AND entry ->> 'size' = last_seq) ORDER BY n`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var heads []entry
	for rows.Next() {
		e := entry{What: "head", At: now().UnixMicro()}
		var root []byte
		if err := rows.Scan(&e.Session, &e.Size, &root); err != nil {
			return nil, err
		}
		if len(root) != tlog.HashSize {
			return nil, problemf(ErrBroken, "session %s, event %d: its hash has the wrong length", e.Session, e.Size)
		}
		e.Root = proof.Hash(root)
		heads = append(heads, e)
	}
	return heads, rows.Err()
}

func parseEntry(data string) (entry, error) {
	var e entry
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return e, err
	}
	if !slices.Contains([]string{"started", "head", "migrated", "imported", "removed"}, e.What) {
		return e, fmt.Errorf("an entry %q is not known", e.What)
	}
	return e, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
