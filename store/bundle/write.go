package bundle

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"glovebox/store"
	"glovebox/store/proof"
	"glovebox/store/redact"
)

// blobFrom is from how many bytes on a field is a file of its own.
const blobFrom = 16 << 10

const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// summed counts and hashes what is written.
type summed struct {
	w io.Writer
	h hash.Hash
}

func (s summed) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.h.Write(b[:n])
	return n, err
}

// Write writes a session that has ended as a bundle, signed with key. What r
// takes out (nil: nothing) is not in it, and it verifies all the same.
func Write(ctx context.Context, w io.Writer, s *store.Store, id string, key *store.Key, r *redact.Redactor) (Manifest, error) {
	m, err := write(ctx, w, s, id, key, r)
	if err != nil {
		return m, fmt.Errorf("writing a bundle: %w", err)
	}
	return m, nil
}

func write(ctx context.Context, w io.Writer, s *store.Store, id string, key *store.Key, r *redact.Redactor) (m Manifest, err error) {
	sum, err := s.Session(ctx, id)
	if err != nil {
		return m, err
	}
	m = Manifest{Format: Format, Session: sum.ID, Title: sum.Title, Model: sum.Model, StartedAt: sum.StartedAt, Key: key.Public()}
	if sum.Status == "running" {
		return m, fmt.Errorf("%s: %w; a bundle is of one that has ended", sum.ID, store.ErrRunning)
	}
	if sum.Events > maxEvents {
		return m, fmt.Errorf("session %s has %d events, and a bundle at most %d; as JSON lines it has no bound", sum.ID, sum.Events, maxEvents)
	}
	if m.Evidence, err = s.Evidence(ctx, sum.ID); err != nil {
		return m, err
	}
	if m.Evidence.Key != m.Key {
		return m, fmt.Errorf("session %s was imported; hand on the bundle that it came in: %w", sum.ID, ErrForeign)
	}
	if r != nil {
		if err := r.Learn(s.Disclose(ctx, sum.ID)); err != nil {
			return m, err
		}
	}
	file := summed{w, sha256.New()}
	out := &switchable{file}
	z := &writer{zip: zip.NewWriter(out), at: sum.StartedAt, blobs: map[string][]byte{}}
	z.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	recipe, err := z.events(ctx, s, &m, r)
	if err != nil {
		return m, err
	}
	if r != nil {
		m.Redacted = r.Removals()
	}
	if m.Redacted == nil {
		m.Redacted = []redact.Removal{}
	}
	for _, f := range []struct {
		name string
		data any
	}{{"recipe.json", recipe}, {"manifest.json", m}} {
		if err := z.json(f.name, f.data); err != nil {
			return m, err
		}
	}
	if err := z.bytes("checkpoint", []byte(m.Evidence.Checkpoint)); err != nil {
		return m, err
	}
	return m, z.seal(m, out, file, key)
}

// seal ends the file with its comment, the signed note about all before it.
// What stands before it has the comment's length, so that must be known first:
// a note about another sum is as long.
func (z *writer) seal(m Manifest, out *switchable, file summed, key *store.Key) error {
	sign := func() (string, error) { return key.SignText(seal(m.Session, m.Events, m.Root, file.h.Sum(nil))) }
	draft, err := sign()
	if err == nil {
		err = z.zip.SetComment(draft)
	}
	if err == nil {
		err = z.zip.Flush()
	}
	if err != nil {
		return err
	}
	var end bytes.Buffer
	out.Writer = &end
	if err := z.zip.Close(); err != nil {
		return err
	}
	if _, err := file.Write(end.Bytes()[:end.Len()-len(draft)]); err != nil {
		return err
	}
	signed, err := sign()
	if err == nil && len(signed) != len(draft) {
		err = errors.New("the signature's length changed")
	}
	if err == nil {
		_, err = io.WriteString(file.w, signed)
	}
	return err
}

// A switchable writer's target can change.
type switchable struct{ io.Writer }

// writer writes the files of a bundle.
type writer struct {
	zip   *zip.Writer
	at    time.Time
	blobs map[string][]byte // not yet written; nil: written
	order []string
}

func (z *writer) create(name string) (io.Writer, error) {
	return z.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: z.at.UTC()})
}

func (z *writer) bytes(name string, data []byte) error {
	w, err := z.create(name)
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

func (z *writer) json(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return z.bytes(name, append(data, '\n'))
}

// events writes events.jsonl and blobs/, and computes the tree.
func (z *writer) events(ctx context.Context, s *store.Store, m *Manifest, r *redact.Redactor) (Recipe, error) {
	var recipe Recipe
	entry, err := z.create("events.jsonl")
	if err != nil {
		return recipe, err
	}
	w := bufio.NewWriterSize(entry, 64<<10)
	var tree proof.Tree
	var line store.Summary // of what is left: a title may have cut a secret in two
	for d, err := range ahead(s.Disclose(ctx, m.Session)) {
		if err != nil {
			return recipe, err
		}
		tree.Append(d.Leaf(m.Session))
		if r != nil {
			d = redacted(d, r)
		}
		if err := recipe.add(d, &line); err != nil {
			return recipe, err
		}
		if _, err := w.Write(z.line(d)); err != nil {
			return recipe, err
		}
	}
	if err := w.Flush(); err != nil {
		return recipe, err
	}
	m.Events, m.Root, m.Title, m.Model, m.Status = tree.Size(), tree.Root(), line.Title, line.Model, line.Status
	for _, name := range z.order {
		if err := z.bytes(name, z.blobs[name]); err != nil {
			return recipe, err
		}
	}
	return recipe, nil
}

// redacted withholds what differs: of that only the digest stays.
func redacted(d store.Disclosure, r *redact.Redactor) store.Disclosure {
	fields, changed := r.Fields(d.Seq, d.Fields)
	proofs := append([]store.Proven(nil), d.Proofs...)
	for i, was := range d.Fields {
		if changed[i] && proofs[i].Salt != nil {
			proofs[i] = store.Proven{Digest: proof.Digest(proofs[i].Salt, was.Value)}
		}
	}
	d.Fields, d.Proofs = fields, proofs
	return d
}

// line is an event as events.jsonl has it.
func (z *writer) line(d store.Disclosure) []byte {
	fields := append([]proof.Field(nil), d.Fields...)
	var apart []byte
	for i, f := range fields {
		if len(f.Value) < blobFrom {
			continue
		}
		sum := sha256.Sum256(f.Value)
		name := "blobs/" + hex.EncodeToString(sum[:])
		if _, ok := z.blobs[name]; !ok {
			z.blobs[name] = f.Value
			z.order = append(z.order, name)
		}
		fields[i].Value = []byte("null")
		if apart == nil {
			apart = []byte(`,"blobs":{"`)
		} else {
			apart = append(apart, `,"`...)
		}
		apart = append(apart, f.Name+`":"`+name[len("blobs/"):]+`"`...)
	}
	if apart != nil {
		apart = append(apart, '}')
	}
	b := append([]byte(nil), `{"seq":`...)
	b = strconv.AppendInt(b, d.Seq, 10)
	b = append(b, `,"at":"`...)
	b = d.At.AppendFormat(b, timeLayout)
	b = append(b, `","kind":"`+d.Kind+`","body":`...)
	b = append(b, proof.Join(fields)...)
	b = append(b, `,"proof":`...)
	b = store.AppendProofs(b, d.Proofs)
	b = append(b, apart...)
	return append(b, '}', '\n')
}

// add takes over what recipe and line need of an event.
func (r *Recipe) add(d store.Disclosure, line *store.Summary) error {
	switch d.Kind {
	case store.SessionStarted{}.Kind(), store.BoxCreated{}.Kind(), store.Prompt{}.Kind(), store.Note{}.Kind(), store.SessionEnded{}.Kind():
	default:
		return nil
	}
	body, err := d.Body()
	if err != nil {
		return err
	}
	line.Apply(store.Event{Seq: d.Seq, At: d.At, Body: body})
	switch b := body.(type) {
	case store.SessionStarted:
		r.Started = b
	case store.BoxCreated:
		r.Boxes = append(r.Boxes, b)
	case store.Prompt:
		r.Prompts = append(r.Prompts, b.Text)
	}
	return nil
}
