package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"

	"glovebox/store"
	"glovebox/store/proof"
)

// FuzzEvents reads events that somebody signed who can sign anything: behind
// the signature the reader must hold out alone.
func FuzzEvents(f *testing.F) {
	sum := sha256.Sum256([]byte(`"large"`))
	f.Add([]byte(`{"seq":1,"at":"2026-01-01T00:00:00.000000Z","kind":"prompt","body":{"text":"x"},"proof":["AAAAAAAAAAAAAAAAAAAAAA=="]}`+"\n"), []byte(`"large"`))
	f.Add([]byte(`{"seq":1,"at":"2026-01-01T00:00:00.000000Z","kind":"prompt","body":{"text":null},"proof":["AAAAAAAAAAAAAAAAAAAAAA=="],"blobs":{"text":"`+hex.EncodeToString(sum[:])+`"}}`+"\n"), []byte(`"large"`))
	f.Add([]byte("{}\n\n{\"seq\":1e9}"), []byte{})
	dir := f.TempDir()
	key, err := store.LoadKey(filepath.Join(dir, "key"))
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	f.Fuzz(func(t *testing.T, lines, blob []byte) {
		var file bytes.Buffer
		z := &writer{zip: zip.NewWriter(&file)}
		sum := sha256.Sum256(blob)
		err := errors.Join(z.bytes("events.jsonl", lines), z.bytes("blobs/"+hex.EncodeToString(sum[:]), blob), z.zip.Close())
		if err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		b := &Bundle{Manifest: Manifest{Session: "s", Events: int64(bytes.Count(lines, []byte("\n")))}, zip: map[string]*zip.File{}}
		for _, f := range r.File {
			b.zip[f.Name] = f
		}
		// What is read as events has a tree; with its root they must pass, and be
		// taken in or refused in words.
		var tree proof.Tree
		for d, err := range b.Events(context.Background()) {
			if err != nil {
				if !errors.Is(err, ErrBroken) {
					t.Fatalf("%v", err)
				}
				break
			}
			tree.Append(d.Leaf("s"))
		}
		if tree.Size() == 0 || tree.Size() != b.Manifest.Events {
			return
		}
		b.Manifest.Root = tree.Root()
		if n++; n%50 != 1 { // a log takes a hundred times longer than all the rest
			return
		}
		s, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "log.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.SignWith(key)
		if err := s.Import(context.Background(), store.Import{Session: "s", Events: b.Events(context.Background()), Evidence: store.Evidence{Log: "l", Key: key.Public()}}); err != nil {
			return
		}
		for _, err := range s.Events(context.Background(), "s", 0) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
