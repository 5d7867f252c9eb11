package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"glovebox/store/proof"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Disclosure is one event with what proves it to somebody who knows the root
// of its session.
type Disclosure struct {
	Seq    int64
	At     time.Time
	Kind   string
	Fields []proof.Field
	Proofs []Proven // one for each field

	body Body // once Body has read it
}

// verifier reads a public key.
func verifier(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, problemf(ErrBroken, "%q is not a public key", CleanLine(key))
	}
	return v, nil
}

// Proven proves a field: its salt where the value is there, the digest where it
// is not, or not as it was.
type Proven struct {
	Salt   []byte     // nil: withheld
	Digest proof.Hash // of what was withheld
}

// Leaf is the event's hash as it entered the tree.
func (d Disclosure) Leaf(session string) proof.Hash {
	names := make([]string, len(d.Fields))
	digests := make([]proof.Hash, len(d.Fields))
	for i, f := range d.Fields {
		names[i], digests[i] = f.Name, d.Proofs[i].Digest
		if salt := d.Proofs[i].Salt; salt != nil {
			digests[i] = proof.Digest(salt, f.Value)
		}
	}
	return proof.Leaf(proof.Header{Session: session, Seq: d.Seq, At: d.At.UnixMicro(), Kind: d.Kind}, names, digests)
}

// Body is what the event says; ErrNewer where its kind is not known. Fields are
// not to be changed afterwards.
func (d *Disclosure) Body() (Body, error) {
	if d.body != nil {
		return d.body, nil
	}
	body, err := decodeBody(d.Kind, proof.Join(d.Fields))
	d.body = body
	return body, err
}

// Evidence shows that a session's root was in a log when a checkpoint of that
// log was signed.
type Evidence struct {
	Log        string       `json:"log"`        // ID of the log
	Key        string       `json:"key"`        // that signed the checkpoint, public
	Checkpoint string       `json:"checkpoint"` // signed note
	Entry      string       `json:"entry"`      // of the ledger, as it is there
	N          int64        `json:"n"`          // of the entry: 1, 2, 3, …
	Proof      []proof.Hash `json:"proof"`      // that the entry is in the checkpoint's tree
}

// Verify checks the signature, the path from the entry to the checkpoint, and
// that the entry says what is claimed.
func (e Evidence) Verify(session string, events int64, root proof.Hash) error {
	v, err := verifier(e.Key)
	if err != nil {
		return err
	}
	text, err := OpenNote(e.Checkpoint, v)
	if err != nil {
		return fmt.Errorf("the log's checkpoint: %w", err)
	}
	log, size, tree, err := parseCheckpoint(text)
	if err != nil {
		return err
	}
	if log != e.Log {
		return problemf(ErrBroken, "the checkpoint is of another log")
	}
	if e.N < 1 || e.N > size || len(e.Proof) > 64 {
		return problemf(ErrBroken, "the entry is not under the checkpoint")
	}
	if err := tlog.CheckRecord(e.Proof, size, tree, e.N-1, tlog.RecordHash([]byte(e.Entry))); err != nil {
		return problemf(ErrBroken, "the entry is not under the checkpoint")
	}
	entry, err := parseEntry(e.Entry)
	if err != nil || entry.Session != session || entry.Size != events || entry.Root != root {
		return problemf(ErrBroken, "the log's checkpoint is about something else")
	}
	return nil
}

// Disclose returns the events of a session, by its whole ID, with what proves
// them: those of an imported session as they were proven where they come from.
func (s *Store) Disclose(ctx context.Context, id string) iter.Seq2[Disclosure, error] {
	return func(yield func(Disclosure, error) bool) {
		if err := s.disclose(ctx, id, func(d Disclosure) bool { return yield(d, nil) }); err != nil {
			yield(Disclosure{}, fmt.Errorf("reading session %s: %w", CleanLine(id), s.explain(err)))
		}
	}
}

func (s *Store) disclose(ctx context.Context, id string, yield func(Disclosure) bool) error {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return s.discloseIn(ctx, tx, id, yield)
}

func (s *Store) discloseIn(ctx context.Context, tx *sql.Tx, id string, yield func(Disclosure) bool) error {
	var n int64
	var secret []byte
	var imported bool
	err := tx.QueryRowContext(ctx, `SELECT n, secret, EXISTS (SELECT 1 FROM foreign_session WHERE session = n) FROM session
		WHERE id = ? AND status <> 'removed'`, id).Scan(&n, &secret, &imported)
	if errors.Is(err, sql.ErrNoRows) {
		return problemf(ErrNotFound, "there is no session %q", CleanLine(id))
	} else if err != nil {
		return err
	}
	salter := proof.NewSalter(secret)
	rows, err := tx.QueryContext(ctx, `SELECT id, at, kind, body, coalesce(blobs, ''), proof FROM event WHERE id >= ? AND id < ? ORDER BY id`, n<<32, (n+1)<<32)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var d Disclosure
		var at int64
		var body, foreign []byte
		var blobs string
		if err := rows.Scan(&d.Seq, &at, &d.Kind, &body, &blobs, &foreign); err != nil {
			return err
		}
		d.Seq &= maxSeq
		d.At = time.UnixMicro(at).UTC()
		if d.Fields, err = s.fetchBlobs(ctx, tx, body, blobs); err != nil {
			return fmt.Errorf("event %d: %w", d.Seq, err)
		}
		if imported && foreign == nil {
			return nil // noted here, after it came: no part of what is proven
		}
		if !imported {
			for _, f := range d.Fields {
				d.Proofs = append(d.Proofs, Proven{Salt: salter.Salt(d.Seq, f.Name)})
			}
		} else if d.Proofs, err = unpackProofs(foreign); err != nil || len(d.Proofs) != len(d.Fields) {
			return fmt.Errorf("event %d: %w", d.Seq, problemf(ErrBroken, "its proof is damaged"))
		}
		if !yield(d) {
			return nil
		}
	}
	return rows.Err()
}

// packProofs is how the log keeps proofs: for each its length, and then it.
func packProofs(proofs []Proven) []byte {
	b := make([]byte, 0, len(proofs)*(1+tlog.HashSize))
	for _, p := range proofs {
		raw := p.raw()
		b = append(append(b, byte(len(raw))), raw...)
	}
	return b
}

func unpackProofs(data []byte) (proofs []Proven, err error) {
	for len(data) > 0 {
		n := int(data[0])
		if len(data) < 1+n {
			return nil, errors.New("cut off")
		}
		p, err := parseProof(data[1 : 1+n])
		if err != nil {
			return nil, err
		}
		proofs, data = append(proofs, p), data[1+n:]
	}
	return proofs, nil
}

func (p *Proven) raw() []byte {
	if p.Salt != nil {
		return p.Salt
	}
	return p.Digest[:]
}

func parseProof(raw []byte) (p Proven, err error) {
	switch len(raw) {
	case proof.SaltSize:
		p.Salt = raw
	case tlog.HashSize:
		p.Digest = proof.Hash(raw)
	default:
		err = errors.New("neither a salt nor a digest")
	}
	return p, err
}

// AppendProofs writes proofs as a JSON array: a salt is 16 bytes, a digest 32,
// each in base64.
func AppendProofs(b []byte, proofs []Proven) []byte {
	b = append(b, '[')
	for i, p := range proofs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(base64.StdEncoding.AppendEncode(append(b, '"'), p.raw()), '"')
	}
	return append(b, ']')
}

// ParseProofs reads what AppendProofs wrote.
func ParseProofs(data []byte) ([]Proven, error) {
	inside, ok := bytes.CutPrefix(data, []byte("["))
	inside, closed := bytes.CutSuffix(inside, []byte("]"))
	if !ok || !closed {
		return nil, errors.New("not an array")
	}
	var proofs []Proven
	for text := range bytes.SplitSeq(inside, []byte(",")) {
		if len(inside) == 0 {
			break
		}
		if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
			return nil, errors.New("neither a salt nor a digest")
		}
		raw, err := base64.StdEncoding.Strict().AppendDecode(make([]byte, 0, tlog.HashSize), text[1:len(text)-1])
		if err != nil {
			return nil, err
		}
		p, err := parseProof(raw)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

// Evidence is what shows that a session that has ended is in this log, or in the
// one that it was imported from. It needs a key.
func (s *Store) Evidence(ctx context.Context, id string) (Evidence, error) {
	e, err := s.evidence(ctx, id)
	if err != nil {
		return Evidence{}, fmt.Errorf("looking up the ledger: %w", s.explain(err))
	}
	return e, nil
}

func (s *Store) evidence(ctx context.Context, id string) (e Evidence, err error) {
	if s.key == nil {
		return e, errors.New("evidence needs a key")
	}
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return e, err
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	var origin string
	err = tx.QueryRowContext(ctx, `SELECT origin FROM foreign_session JOIN session ON session = n WHERE id = ?`, id).Scan(&origin)
	if err == nil {
		return e, json.Unmarshal([]byte(origin), &e)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return e, err
	}
	if err := s.ours(ctx, tx); err != nil {
		return e, err
	}
	e.Key = s.key.Public()
	if e.Log, _, err = readLog(ctx, tx); err != nil {
		return e, err
	}
	var size int64
	err = tx.QueryRowContext(ctx, `SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1`).Scan(&size, &e.Checkpoint)
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT n, entry FROM ledger WHERE n <= ? AND entry ->> 'session' = ? AND entry ->> 'what' IN ('head', 'migrated') ORDER BY n DESC LIMIT 1`, size, id).Scan(&e.N, &e.Entry)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return e, problemf(ErrBroken, "session %s is under no signature of this log; see glovebox check", id)
	} else if err != nil {
		return e, err
	}
	e.Proof, err = ledgerProof(ctx, tx, size, e.N)
	return e, err
}

// ledgerProof is the path from entry n to the root of the first size entries.
func ledgerProof(ctx context.Context, q querier, size, n int64) ([]proof.Hash, error) {
	rows, err := q.QueryContext(ctx, `SELECT entry FROM ledger WHERE n <= ? ORDER BY n`, size)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var stored []proof.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, index := range at {
			out[i] = stored[index]
		}
		return out, nil
	})
	for i := int64(0); rows.Next(); i++ {
		var entry []byte
		if err := rows.Scan(&entry); err != nil {
			return nil, err
		}
		more, err := tlog.StoredHashes(i, entry, read)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return tlog.ProveRecord(size, n-1, read)
}
