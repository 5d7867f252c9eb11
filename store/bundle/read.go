package bundle

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"glovebox/store"
	"glovebox/store/proof"
)

// Bounds of what is read. A bundle beyond them is refused before it is unpacked.
const (
	maxFile    = 4 << 30   // bytes of the bundle
	maxSmall   = 64 << 20  // manifest.json, recipe.json
	maxUnpack  = 8 << 30   // bytes of all files in it, and of all fields
	freeUnpack = 256 << 20 // bytes that are not held against the file's own size
	mostRatio  = 200       // of both; what commands print is seldom a tenth of that
	maxEntries = 250_000   // files in it
	maxNames   = 32 << 20  // bytes of the zip's directory
	maxEvents  = 1_000_000 // taking them in holds up whoever appends for 17 s
	maxLine    = 64 << 20  // bytes of one event
	maxBlob    = 256 << 20
)

// A Bundle is one that Open has found to be as it was signed.
type Bundle struct {
	Manifest Manifest
	Recipe   Recipe
	zip      map[string]*zip.File
}

// Open reads a bundle's outside: signature, names, sizes, manifest, the path to
// the log's checkpoint. What it says about events, Verify checks. An error is
// ErrBroken or one of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*Bundle, error) {
	if size > maxFile {
		return nil, broken("it is larger than %d GiB", maxFile>>30)
	}
	door := &turnstile{r: r, left: maxNames, counts: true}
	z, err := zip.NewReader(door, size)
	if err != nil {
		return nil, broken("it is no bundle, or its end is missing: %v", err)
	}
	door.counts = false
	if len(z.File) > maxEntries {
		return nil, broken("there are more than %d files in it", maxEntries)
	}
	b := &Bundle{zip: map[string]*zip.File{}}
	unpacked := uint64(0)
	for _, f := range z.File {
		switch f.Name {
		case "manifest.json", "recipe.json", "events.jsonl", "checkpoint":
		default:
			if !blobName.MatchString(f.Name) {
				return nil, broken("there is a file %q in it, which has no business there", store.CleanLine(f.Name))
			}
		}
		if b.zip[f.Name] != nil {
			return nil, broken("file %s is in it twice", f.Name)
		}
		if unpacked += f.UncompressedSize64; unpacked > maxUnpack || f.UncompressedSize64 > maxUnpack || unpacked > max(freeUnpack, mostRatio*uint64(size)) {
			return nil, broken("it would unpack to far more than a session holds")
		}
		if f.Method != zip.Deflate && f.Method != zip.Store || f.Flags&1 != 0 {
			return nil, broken("file %s is packed in a way that is not known here", f.Name)
		}
		b.zip[f.Name] = f
	}
	if err := tight(r, size, z); err != nil {
		return nil, broken("%v", err)
	}
	if err := b.json("manifest.json", 9, &b.Manifest); err != nil {
		return nil, err
	}
	m := &b.Manifest
	if m.Format != Format {
		return nil, broken("its format is %d, this program knows %d; update glovebox", m.Format, Format)
	}
	session, events, root, sum, err := openSeal(z.Comment, m.Key)
	if err != nil {
		return nil, err
	}
	is, err := sumBefore(ctx, r, size, z.Comment)
	if err != nil {
		return nil, err
	}
	if is != sum {
		return nil, broken("its content is not what was signed")
	}
	if m.Session != session || m.Events != events || m.Root != root || !sessionID.MatchString(session) || events < 1 || events > maxEvents {
		return nil, broken("its manifest is about something else than its signature")
	}
	if err := b.json("recipe.json", 2, &b.Recipe); err != nil {
		return nil, err
	}
	if text, err := b.read("checkpoint", 1<<20); err != nil || string(text) != m.Evidence.Checkpoint {
		return nil, broken("its checkpoint is not that of its manifest")
	}
	if m.Key != m.Evidence.Key {
		return nil, broken("it is signed by key %s, and the log that it comes from by %s", KeyName(m.Key), KeyName(m.Evidence.Key))
	}
	if err := m.Evidence.Verify(session, events, root); err != nil {
		return nil, broken("%v", err)
	}
	return b, nil
}

// sessionID is what the log draws: "last" and the like are none.
var sessionID = regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{12}$`)

// A turnstile lets so many bytes through. The reader of zip files keeps every
// name of the directory in memory before anybody can count them.
type turnstile struct {
	r      io.ReaderAt
	left   int64
	counts bool
}

// ReadAt is that of io.ReaderAt, until the bound is reached.
func (t *turnstile) ReadAt(p []byte, at int64) (int, error) {
	if t.counts {
		if t.left -= int64(len(p)); t.left < 0 {
			return 0, fmt.Errorf("its directory is larger than %d MiB", maxNames>>20)
		}
	}
	return t.r.ReadAt(p, at)
}

// sumBefore is the SHA-256 of all but the comment, which must be the file's end.
func sumBefore(ctx context.Context, r io.ReaderAt, size int64, comment string) (string, error) {
	end := size - int64(len(comment))
	last := make([]byte, len(comment))
	if _, err := r.ReadAt(last, end); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if string(last) != comment {
		return "", broken("there is something after its signature")
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < end; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		h.Write(buf[:n])
		at += int64(n)
		if err != nil && at < end {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// read unpacks a small file.
func (b *Bundle) read(name string, limit int64) ([]byte, error) {
	f := b.zip[name]
	if f == nil {
		return nil, broken("file %s is missing", name)
	}
	if f.UncompressedSize64 > uint64(limit) {
		return nil, broken("file %s is too large", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, broken("file %s: %v", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(data)) > limit {
		return nil, broken("file %s: %v", name, err)
	}
	return data, nil
}

func (b *Bundle) json(name string, ours int, v any) error {
	data, err := b.read(name, maxSmall)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return broken("file %s: %v", name, err)
	}
	if err := named(data, ours); err != nil {
		return broken("file %s: %v", name, err)
	}
	if !utf8.Valid(data) {
		return broken("file %s is not text", name)
	}
	return nil
}

// Events reads the events in order, each one checked in itself. The last thing
// it does is to compute the tree: an error then means that some event is not
// what was recorded, which can be any. It ends with the first error.
func (b *Bundle) Events(ctx context.Context) iter.Seq2[store.Disclosure, error] {
	return ahead(func(yield func(store.Disclosure, error) bool) {
		if err := b.events(ctx, func(d store.Disclosure) bool { return yield(d, nil) }); err != nil {
			yield(store.Disclosure{}, err)
		}
	})
}

func (b *Bundle) events(ctx context.Context, yield func(store.Disclosure) bool) error {
	f := b.zip["events.jsonl"]
	if f == nil {
		return broken("file events.jsonl is missing")
	}
	r, err := f.Open()
	if err != nil {
		return broken("file events.jsonl: %v", err)
	}
	defer r.Close()
	lines := bufio.NewScanner(io.LimitReader(r, int64(min(f.UncompressedSize64, maxUnpack))))
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var tree proof.Tree
	is := newAccount(b.Manifest)
	used := map[string]bool{}
	size := int64(0) // of all fields: one file may be many
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if tree.Size() >= b.Manifest.Events {
			return broken("there are more than %d events in it", b.Manifest.Events)
		}
		d, err := b.line(lines.Bytes(), used)
		if err != nil {
			return broken("event %d: %v", tree.Size()+1, err)
		}
		if d.Seq != tree.Size()+1 {
			return broken("event %d has number %d", tree.Size()+1, d.Seq)
		}
		for _, f := range d.Fields {
			size += int64(len(f.Value))
		}
		if size > maxUnpack {
			return broken("its events would be larger than %d GiB", maxUnpack>>30)
		}
		tree.Append(d.Leaf(b.Manifest.Session))
		if err := is.take(d); err != nil {
			return broken("event %d: %v", d.Seq, err)
		}
		if !yield(d) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return broken("file events.jsonl: %v", err)
	}
	if tree.Size() != b.Manifest.Events || tree.Root() != b.Manifest.Root {
		return broken("its events are not those that were recorded")
	}
	for name := range b.zip {
		if blobName.MatchString(name) && !used[name] {
			return broken("file %s belongs to no event", name)
		}
	}
	return is.agrees(b)
}

// line reads one event of events.jsonl. It has one form only.
func (b *Bundle) line(line []byte, used map[string]bool) (d store.Disclosure, err error) {
	parts, err := proof.Split(line)
	if err != nil {
		return d, err
	}
	names := []string{"seq", "at", "kind", "body", "proof", "blobs"}
	if len(parts) < 5 || len(parts) > 6 {
		return d, errors.New("it has not the fields of an event")
	}
	for i, p := range parts {
		if p.Name != names[i] {
			return d, fmt.Errorf("it has a field %q", store.CleanLine(p.Name))
		}
	}
	var at string
	if err := errors.Join(json.Unmarshal(parts[0].Value, &d.Seq), json.Unmarshal(parts[1].Value, &at), json.Unmarshal(parts[2].Value, &d.Kind)); err != nil {
		return d, err
	}
	when, err := time.Parse(time.RFC3339, at)
	if err != nil || when.UTC().Format(timeLayout) != at || when.Year() < 1970 || when.Year() > 9999 {
		return d, errors.New("its time cannot be read")
	}
	d.At = when.UTC()
	if d.Fields, err = proof.Split(bytes.Clone(parts[3].Value)); err != nil {
		return d, err
	}
	for _, f := range d.Fields {
		if strings.ToLower(f.Name) != f.Name { // Go would take it for the one in small letters, and other programs would not
			return d, fmt.Errorf("it has a field %q", store.CleanLine(f.Name))
		}
	}
	if d.Proofs, err = store.ParseProofs(parts[4].Value); err != nil {
		return d, err
	}
	if len(d.Proofs) != len(d.Fields) {
		return d, errors.New("its proof is not of its fields")
	}
	if len(parts) == 6 {
		if err := b.blobs(&d, parts[5].Value, used); err != nil {
			return d, err
		}
	}
	if _, err := d.Body(); err != nil {
		return d, err
	}
	return d, nil
}

// blobs puts the fields that are files of their own back.
func (b *Bundle) blobs(d *store.Disclosure, value []byte, used map[string]bool) error {
	var where map[string]string
	if err := json.Unmarshal(value, &where); err != nil {
		return err
	}
	for i, f := range d.Fields {
		sum, ok := where[f.Name]
		if !ok {
			continue
		}
		delete(where, f.Name)
		data, err := b.read("blobs/"+sum, maxBlob)
		if err != nil {
			return err
		}
		if is := sha256.Sum256(data); hex.EncodeToString(is[:]) != sum || string(f.Value) != "null" || !json.Valid(data) {
			return fmt.Errorf("field %s is not what it was", f.Name)
		}
		used["blobs/"+sum] = true
		d.Fields[i].Value = data
	}
	if len(where) > 0 {
		return errors.New("it names a field that it has not")
	}
	return nil
}

// Verify checks every event and the tree.
func (b *Bundle) Verify(ctx context.Context) error {
	for _, err := range b.Events(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}

// KeyName is the name and hash of a public key, short enough to compare by eye.
func KeyName(key string) string {
	name, rest, _ := strings.Cut(key, "+")
	short, data, _ := strings.Cut(rest, "+")
	raw, _ := base64.StdEncoding.DecodeString(data)
	sum := sha256.Sum256(raw)
	return store.CleanLine(name + "+" + short + " (SHA-256 " + hex.EncodeToString(sum[:8]) + "…)")
}
