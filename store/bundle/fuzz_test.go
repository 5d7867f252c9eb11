package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/proof"

	"golang.org/x/mod/sumdb/note"
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

// FuzzManifest reads bundles that somebody signed who has a log and a key: all
// that stands before the events, and what follows from it.
func FuzzManifest(f *testing.F) {
	ctx := context.Background()
	// Always the same key, for what one process finds must be signed in the next.
	seed := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public, err := note.NewEd25519VerifierKey("glovebox-fuzz", seed.Public().(ed25519.PublicKey))
	if err != nil {
		f.Fatal(err)
	}
	secret := "PRIVATE+KEY+glovebox-fuzz+" + strings.Split(public, "+")[1] + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed.Seed()...))
	file := filepath.Join(f.TempDir(), "key")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		f.Fatal(err)
	}
	key, err := store.LoadKey(file)
	if err != nil {
		f.Fatal(err)
	}
	s, id := shortLog(f, key)
	var good bytes.Buffer
	m, err := Write(ctx, &good, s, id, key, nil)
	if err != nil {
		f.Fatal(err)
	}
	manifest, _ := json.Marshal(m) // of texts: it cannot fail
	z, err := zip.NewReader(bytes.NewReader(good.Bytes()), int64(good.Len()))
	if err != nil {
		f.Fatal(err)
	}
	files := map[string][]byte{}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			f.Fatal(err)
		}
		if files[file.Name], err = io.ReadAll(r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(manifest, files["recipe.json"], files["events.jsonl"], "blobs/x")
	f.Add(manifest, files["recipe.json"], files["events.jsonl"], "")
	f.Fuzz(func(t *testing.T, manifest, recipe, events []byte, name string) {
		var m Manifest
		json.Unmarshal(manifest, &m) //nolint:errcheck // then it says nothing
		var file bytes.Buffer
		sum := summed{&file, sha256.New()}
		out := &switchable{sum}
		w := &writer{zip: zip.NewWriter(out)}
		err := errors.Join(w.bytes("manifest.json", manifest), w.bytes("recipe.json", recipe), w.bytes("events.jsonl", events), w.bytes("checkpoint", []byte(m.Evidence.Checkpoint)))
		if name != "" && !strings.HasSuffix(name, "/") {
			err = errors.Join(err, w.bytes(name, []byte("x")))
		}
		if err = errors.Join(err, w.seal(m, out, sum, key)); err != nil {
			return // what cannot be written or signed
		}
		b, err := Open(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err == nil {
			err = b.Verify(ctx)
		}
		if err != nil && !errors.Is(err, ErrBroken) {
			t.Fatal(err)
		}
		if err == nil && m.Events != 6 { // nothing else was ever signed
			t.Fatalf("%s, %d events: believed", m.Session, m.Events)
		}
	})
}
