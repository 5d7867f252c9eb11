package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/proof"
	"glovebox/store/redact"
)

// forge takes a bundle apart, lets edit change what is in it, makes manifest
// and root fit what is there now, lets more add to it, and signs it all with key.
func forge(t *testing.T, data []byte, key *store.Key, edit func(lines []string, m *Manifest) []string, more ...func(*writer) error) []byte {
	t.Helper()
	z := zipOf(t, data)
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	var m Manifest
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	m.Key = key.Public()
	lines := edit(slices.Collect(strings.Lines(string(files["events.jsonl"]))), &m)
	files["events.jsonl"] = []byte(strings.Join(lines, ""))
	var tree proof.Tree
	b := &Bundle{zip: map[string]*zip.File{}}
	for _, l := range lines {
		d, err := b.line([]byte(strings.TrimSuffix(l, "\n")), map[string]bool{})
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(d.Leaf(m.Session))
	}
	m.Events, m.Root = tree.Size(), tree.Root()
	files["manifest.json"], _ = json.Marshal(m)
	files["checkpoint"] = []byte(m.Evidence.Checkpoint)
	var file bytes.Buffer
	sum := summed{&file, sha256.New()}
	out := &switchable{sum}
	w := &writer{zip: zip.NewWriter(out)}
	for name, content := range files {
		if err := w.bytes(name, content); err != nil {
			t.Fatal(err)
		}
	}
	for _, add := range more {
		if err := add(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.seal(m, out, sum, key); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// newShortLog is a log with a key of its own, and one session.
func newShortLog(t *testing.T) (*store.Store, *store.Key, string) {
	t.Helper()
	key, err := store.LoadKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	s, id := shortLog(t, key)
	return s, key, id
}

// shortLog is a log with one session of four prompts.
func shortLog(t testing.TB, key *store.Key) (*store.Store, string) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(t.TempDir(), "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.SignWith(key)
	ses, err := s.Begin(ctx, store.SessionStarted{Program: "1", Model: "m"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if _, err := ses.Append(ctx, store.Prompt{Text: fmt.Sprint("prompt ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ses.Append(ctx, store.SessionEnded{Status: "done"}); err != nil {
		t.Fatal(err)
	}
	return s, ses.ID()
}

// Somebody who has a bundle, and a key that is not the log's, or even the
// log's but not the log: no event can be other than it was.
func TestForgedBundles(t *testing.T) {
	ctx := context.Background()
	s, key, id := newShortLog(t)
	other, foreign, otherID := newShortLog(t)
	var file bytes.Buffer
	if _, err := Write(ctx, &file, s, id, key, nil); err != nil {
		t.Fatal(err)
	}
	as := func(seq int64, line string) string {
		_, rest, _ := strings.Cut(line, ",")
		return fmt.Sprintf(`{"seq":%d,`, seq) + rest
	}
	for name, edit := range map[string]func([]string, *Manifest) []string{
		"nothing but the key": func(l []string, _ *Manifest) []string { return l },
		"changed": func(l []string, _ *Manifest) []string {
			l[2] = strings.Replace(l[2], "prompt 1", "prompt 7", 1)
			return l
		},
		"dropped":            func(l []string, _ *Manifest) []string { return append(l[:2:2], as(3, l[3]), as(4, l[4]), as(5, l[5])) },
		"cut":                func(l []string, _ *Manifest) []string { return l[:4] },
		"exchanged":          func(l []string, _ *Manifest) []string { l[1], l[2] = as(2, l[2]), as(3, l[1]); return l },
		"doubled":            func(l []string, _ *Manifest) []string { return append(l, as(7, l[2])) },
		"of another session": func(l []string, m *Manifest) []string { m.Session = otherID; return l },
		"other evidence": func(l []string, m *Manifest) []string {
			var err error
			if m.Evidence, err = other.Evidence(ctx, otherID); err != nil {
				t.Fatal(err)
			}
			return l
		},
	} {
		for who, k := range map[string]*store.Key{"the log's key": key, "another key": foreign} {
			data := forge(t, file.Bytes(), k, edit)
			b, err := Open(ctx, bytes.NewReader(data), int64(len(data)))
			if err == nil {
				err = b.Verify(ctx)
			}
			if untouched := name == "nothing but the key" && k == key; untouched != (err == nil) || err != nil && !errors.Is(err, ErrBroken) {
				t.Errorf("%s, signed with %s: %v", name, who, err)
			}
		}
	}
}

// Who makes bundles to do harm can have a log and a key of their own, and sign
// anything: what is not a session is refused, and before it is unpacked.
func TestHostileBundles(t *testing.T) {
	ctx := context.Background()
	s, key, id := newShortLog(t)
	var good bytes.Buffer
	if _, err := Write(ctx, &good, s, id, key, nil); err != nil {
		t.Fatal(err)
	}
	asIs := func(l []string, _ *Manifest) []string { return l }
	named := func(names ...string) func(*writer) error {
		return func(w *writer) error {
			for _, name := range names {
				if err := w.bytes(name, []byte("x")); err != nil {
					return err
				}
			}
			return nil
		}
	}
	blob := "blobs/" + strings.Repeat("0", 64)
	// instead puts another text in the place of prompt 1, as if that had been redacted.
	instead := func(l []string, _ *Manifest) []string {
		d, err := (&Bundle{}).line([]byte(strings.TrimSpace(l[2])), nil)
		if err != nil {
			t.Fatal(err)
		}
		was := string(store.AppendProofs(nil, d.Proofs))
		d.Proofs[0] = store.Proven{Digest: proof.Digest(d.Proofs[0].Salt, d.Fields[0].Value)}
		l[2] = strings.Replace(strings.Replace(l[2], "prompt 1", "harmless", 1), was, string(store.AppendProofs(nil, d.Proofs)), 1)
		return l
	}
	for name, test := range map[string]struct {
		edit func([]string, *Manifest) []string
		more func(*writer) error
		want string
	}{
		"a name that climbs":     {asIs, named("../../.bashrc"), "no business there"},
		"an absolute name":       {asIs, named("/etc/passwd"), "no business there"},
		"a name with escapes":    {asIs, named("blobs/\x1b[31m"), `blobs/␛[31m`},
		"a name twice":           {asIs, named(blob, blob), "in it twice"},
		"the events twice":       {asIs, named("events.jsonl"), "in it twice"},
		"a directory":            {asIs, func(w *writer) error { _, err := w.create("blobs/"); return err }, "no business there"},
		"a blob of no event":     {asIs, named(blob), "belongs to no event"},
		"a title of its own":     {func(l []string, m *Manifest) []string { m.Title = "harmless"; return l }, nil, "another title"},
		"a result of its own":    {func(l []string, m *Manifest) []string { m.Status = "failed"; return l }, nil, "another title, model, time or result"},
		"a text put in silently": {instead, nil, "event 3: field text is not as it was recorded, and the manifest does not list it"},
		"another recipe": {func(l []string, m *Manifest) []string {
			m.Redacted = append(m.Redacted, redact.Removal{Seq: 3, Field: "text", Rule: "email", Times: 1})
			return instead(l, m)
		}, nil, "recipe is not that of its events"},
		"a removal that was none": {func(l []string, m *Manifest) []string {
			m.Redacted = append(m.Redacted, redact.Removal{Seq: 3, Field: "text", Rule: "email", Times: 1})
			return l
		}, nil, "which is as it was recorded"},
		"another format":         {func(l []string, m *Manifest) []string { m.Format = 2; return l }, nil, "update glovebox"},
		"a session called last":  {func(l []string, m *Manifest) []string { m.Session = "last"; return l }, nil, "something else than its signature"},
		"a session with escapes": {func(l []string, m *Manifest) []string { m.Session = "\x1b[31mabcdefg"; return l }, nil, "its signature is not that of its key"},
		"a bomb": {asIs, func(w *writer) error {
			file, err := w.create(blob)
			for zeros := make([]byte, 1<<20); err == nil && len(zeros) > 0; zeros = zeros[:len(zeros)-1<<12] {
				for range 2 {
					_, err = file.Write(zeros)
				}
			}
			return err
		}, "far more than a session holds"},
		"a liar's size": {asIs, func(w *writer) error {
			file, err := w.zip.CreateRaw(&zip.FileHeader{Name: blob, Method: zip.Deflate, UncompressedSize64: 1 << 62, CompressedSize64: 1})
			if err == nil {
				_, err = file.Write([]byte("x"))
			}
			return err
		}, "far more than a session holds"},
		"too many names": {asIs, func(w *writer) error {
			for i := range 300_000 {
				if _, err := w.zip.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("blobs/%064x", i)}); err != nil {
					return err
				}
			}
			return nil
		}, "directory is larger than"},
		"a way of packing": {asIs, func(w *writer) error {
			_, err := w.zip.CreateRaw(&zip.FileHeader{Name: blob, Method: 99})
			return err
		}, "packed in a way"},
	} {
		var more []func(*writer) error
		if test.more != nil {
			more = append(more, test.more)
		}
		data := forge(t, good.Bytes(), key, test.edit, more...)
		b, err := Open(ctx, bytes.NewReader(data), int64(len(data)))
		if err == nil {
			err = b.Verify(ctx)
		}
		if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who makes a bundle signs what he likes, also one that two programs would read
// in two ways: by what stands before each file, or by the directory; by the first
// of two members of a name, or by the last.
func TestABundleHasOneReading(t *testing.T) {
	ctx := context.Background()
	s, key, id := newShortLog(t)
	var good bytes.Buffer
	m, err := Write(ctx, &good, s, id, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := func(data []byte) []byte { // signed
		comment := len(zipOf(t, data).Comment)
		sum := sha256.Sum256(data[:len(data)-comment])
		signed, err := key.SignText(seal(m.Session, m.Events, m.Root, sum[:]))
		if err != nil || len(signed) != comment {
			t.Fatal(err, len(signed), comment)
		}
		return append(data[:len(data)-comment:len(data)-comment], signed...)
	}
	local := func(what string) int { return bytes.Index(good.Bytes(), []byte(what)) }
	for name, edit := range map[string]func([]byte) []byte{
		"":                         func(b []byte) []byte { return b },
		"another name before it":   func(b []byte) []byte { copy(b[local("recipe.json"):], "secret.json"); return b },
		"another way of packing":   func(b []byte) []byte { b[8] = 0; return b },
		"something before the zip": func(b []byte) []byte { return append([]byte("#!/bin/sh\n"), b...) },
		"something in between": func(b []byte) []byte {
			at := bytes.LastIndex(b, []byte("PK\x01\x02"))
			for next := at; next >= 0; next = bytes.LastIndex(b[:at], []byte("PK\x01\x02")) {
				at = next
			}
			end := bytes.LastIndex(b, []byte("PK\x05\x06"))
			was := binary.LittleEndian.Uint32(b[end+16:])
			binary.LittleEndian.PutUint32(b[end+16:], was+5)
			return slices.Insert(b, at, []byte("evil!")...)
		},
	} {
		data := again(edit(bytes.Clone(good.Bytes())))
		b, err := Open(ctx, bytes.NewReader(data), int64(len(data)))
		if err == nil {
			err = b.Verify(ctx)
		}
		if name == "" && err != nil || name != "" && (!errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "something")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, ok := range map[string]bool{
		`{"a":{"b":["c","c",{"b":1}],"d":"b"},"e":null}`: true, `[{"a":"a"},{"a":1}]`: true, `{"a":{"B":1}}`: true, `"A"`: true,
		`{"a":1,"a":2}`: false, `{"a":1,"A":2}`: false, `{"a":[{"b":1,"c":{},"b":2}]}`: false, `{"\u0061":1,"a":2}`: false, `{"K":1}`: false,
	} {
		if err := named([]byte(text), 1); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func zipOf(t *testing.T, data []byte) *zip.Reader {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// No two programs can read an event in two ways.
func TestAnEventHasOneReading(t *testing.T) {
	salt := `"` + strings.Repeat("A", 22) + `=="`
	for line, ok := range map[string]bool{
		`{"seq":1,"at":"2026-11-23T13:05:07.000001Z","kind":"prompt","body":{"text":"a"},"proof":[` + salt + `]}`:                         true,
		`{"seq":1,"at":"2026-11-23T13:05:07.000001Z","kind":"prompt","body":{"text":"a","Text":"b"},"proof":[` + salt + `,` + salt + `]}`: false,
		`{"seq":1,"at":"2026-11-23T13:05:07.000001Z","kind":"prompt","body":{"text":"a","text":"b"},"proof":[` + salt + `,` + salt + `]}`: false,
		`{"seq":1,"at":"2026-11-23T13:05:07.000001Z","kind":"prompt","body":{"text":"a"},"proof":[` + salt + `],"kind":"note"}`:           false,
		`{"seq":1,"at":"2026-11-23T13:05:07.000001Z","kind":"prompt","body":{"text":"a"},"proof":[` + salt + `]} `:                        false,
		`{"seq":1,"at":"2026-11-23T13:05:07.000001Z","kind":"prompt","body":{"text":"a"},"proof":[]}`:                                     false,
		`{"seq":1,"at":"2026-11-23T13:05:07.000001+00:00","kind":"prompt","body":{"text":"a"},"proof":[` + salt + `]}`:                    false,
		`{"at":"2026-11-23T13:05:07.000001Z","seq":1,"kind":"prompt","body":{"text":"a"},"proof":[` + salt + `]}`:                         false,
	} {
		if _, err := (&Bundle{}).line([]byte(line), map[string]bool{}); (err == nil) != ok {
			t.Errorf("%s: %v", line, err)
		}
	}
}
