package runner

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"glovebox/runner/port"
	"glovebox/runner/tree"

	"github.com/rogpeppe/go-internal/diff"
)

// The bounds of a manifest and of a diff.
const (
	manifestEntries = 20_000
	manifestPath    = 1024      // bytes of one path
	manifestHash    = 256 << 20 // bytes read for digests; beyond, size and time must do
	manifestText    = 8 << 20   // bytes of text kept for patches
	manifestFile    = 256 << 10 // bytes of one such text
	manifestTime    = 20 * time.Second
	diffChanges     = 1000      // changes listed
	diffPatch       = 256 << 10 // bytes of all patches
	diffNames       = 256 << 10 // bytes of all paths and links
)

// places are where an agent's work can be. /tmp is nobody's.
var places = []string{"/work", "/data"}

// Manifest is what a box held at one time under /work and /data: names, sizes,
// modes, digests, and the content of small texts.
type Manifest struct {
	entries map[string]tree.Entry
	first   map[string]bool // listed before all else, so that their absence means something
	cut     bool
}

// Manifest lists what the box holds, in one round trip. Before, if not nil, is
// the manifest that this one will be compared with.
func (b *Box) Manifest(ctx context.Context, before *Manifest) (*Manifest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, manifestTime, fmt.Errorf("it took longer than %s", manifestTime))
	defer cancel()
	q := tree.Query{
		Places: places, Entries: manifestEntries, Path: manifestPath, Hash: manifestHash, Text: manifestText, TextFile: manifestFile,
		First: before.files(),
	}
	m := &Manifest{entries: map[string]tree.Entry{}, first: map[string]bool{}}
	for _, p := range q.First {
		m.first[p] = true
	}
	d := &manifestDecoder{m: m, text: manifestText}
	req := port.Request{Op: port.OpManifest}
	err := setDetail(&req, q)
	var reply *port.Reply
	if err == nil {
		reply, err = b.take(ctx, req, d.write)
	}
	var listed tree.Listed
	if err == nil {
		err = json.Unmarshal(reply.Detail, &listed)
	}
	if err != nil {
		return nil, fmt.Errorf("list the files of the box: %w", err)
	}
	m.cut = listed.Cut
	return m, nil
}

// files are the paths to ask for first, as many as fit into a request.
func (m *Manifest) files() []string {
	if m == nil {
		return nil
	}
	var files []string
	room := 24 << 10
	for _, p := range slices.Sorted(maps.Keys(m.entries)) {
		if room -= 2*len(p) + 4; room < 0 {
			break
		}
		if m.entries[p].Type != "dir" && utf8.ValidString(p) {
			files = append(files, p)
		}
	}
	return files
}

// manifestDecoder reads what init lists, and takes nothing on trust.
type manifestDecoder struct {
	m    *Manifest
	line []byte
	n    int
	text int
}

func (d *manifestDecoder) write(data []byte) error {
	for len(data) > 0 {
		head, rest, whole := bytes.Cut(data, []byte("\n"))
		if len(d.line)+len(head) > 2*manifestFile {
			return errors.New("the box lists a file without end")
		}
		d.line, data = append(d.line, head...), rest
		if !whole {
			break
		}
		if err := d.entry(); err != nil {
			return err
		}
		d.line = d.line[:0]
	}
	return nil
}

func (d *manifestDecoder) entry() error {
	var e tree.Entry
	if err := json.Unmarshal(d.line, &e); err != nil {
		return fmt.Errorf("the box lists nonsense: %w", err)
	}
	p := string(e.Path)
	inPlace := slices.ContainsFunc(places, func(place string) bool { return p == place || strings.HasPrefix(p, place+"/") })
	digest, err := hex.DecodeString(e.SHA256)
	d.n, d.text = d.n+1, d.text-len(e.Text)
	switch {
	case !inPlace || path.Clean(p) != p || len(p) > manifestPath+16 || len(e.Link) > 4096 || len(e.Unread) > 1024 || len(e.Type) > 16:
		return fmt.Errorf("the box lists an impossible file %.100q", p)
	case err != nil || len(digest) != 0 && len(digest) != 32 || d.text < 0 || len(e.Text) > manifestFile:
		return fmt.Errorf("the box lists an impossible content of %.100q", p)
	case d.n > 2*manifestEntries+len(d.m.first):
		return errors.New("the box lists files without end")
	}
	if _, twice := d.m.entries[p]; twice {
		return fmt.Errorf("the box lists %.100q twice", p)
	}
	d.m.entries[p] = e
	return nil
}

// Change is one difference between two manifests. Paths, links and patches are
// the agent's: show them only sanitised.
type Change struct {
	Path           string
	What           string // added, modified, deleted, renamed, mode
	From           string // of renamed: the old path
	Type, OldType  string // file, dir, link, fifo, socket, device, other; "": not there
	Mode, OldMode  uint32
	Size, OldSize  int64  // bytes
	SHA256, OldSHA string // hex; "" where not known
	Link           string // where a link leads now
	Binary         bool   // not text
	Patch          string // unified diff; "" where there is none to show
	PatchCut       bool   // there would be one, but it or the file is too large
}

// Diff is what changed from one manifest to a later one.
type Diff struct {
	Changes []Change // by path, at most 1,000
	Cut     int      // changes that are not listed
	Partial bool     // the box held more than was looked at
}

// Diff compares with a later manifest of the same box.
func (m *Manifest) Diff(after *Manifest) Diff {
	d := Diff{Partial: m.cut || after.cut}
	var all []Change
	for p, e := range after.entries {
		old, was := m.entries[p]
		if e.Type == "" || was && old.Type == "" {
			d.Partial = true
			continue
		}
		if c, changed := compare(p, old, e); (was && changed) || (!was && !m.cut) {
			all = append(all, c)
		}
	}
	for p, old := range m.entries {
		if _, is := after.entries[p]; is {
			continue
		}
		if after.hides(p) {
			d.Partial = true
			continue
		}
		c, _ := compare(p, old, tree.Entry{})
		all = append(all, c)
	}
	d.Changes, d.Cut = pick(renames(all))
	room := diffPatch
	for i := range d.Changes {
		c := &d.Changes[i]
		patch, known := c.patch(m, after)
		if c.PatchCut = !known || len(patch) > room; !c.PatchCut {
			c.Patch = patch
			room -= len(patch)
		}
		c.Path, c.From, c.Link = readable(c.Path), readable(c.From), readable(c.Link)
	}
	slices.SortFunc(d.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return d
}

// pick takes as many changes as are listed: first what became of files that
// were there, so that no flood of new ones hides it.
func pick(all []Change) (picked []Change, cut int) {
	slices.SortFunc(all, func(a, b Change) int {
		if (a.What == "added") != (b.What == "added") {
			if a.What == "added" {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Path, b.Path)
	})
	n, room := 0, diffNames
	for ; n < min(len(all), diffChanges); n++ {
		if room -= len(all[n].Path) + len(all[n].From) + len(all[n].Link); room < 0 {
			break
		}
	}
	return all[:n], len(all) - n
}

// hides says whether p may be there although it is not listed.
func (m *Manifest) hides(p string) bool {
	for dir := path.Dir(p); len(dir) > 1; dir = path.Dir(dir) {
		if e, ok := m.entries[dir]; ok && e.Unread != "" {
			return true
		}
	}
	return m.cut && !m.first[p]
}

func compare(p string, old, now tree.Entry) (Change, bool) {
	c := Change{
		Path: p, Type: now.Type, OldType: old.Type, Mode: now.Mode, OldMode: old.Mode, Size: now.Size, OldSize: old.Size,
		SHA256: now.SHA256, OldSHA: old.SHA256, Link: string(now.Link), Binary: old.Binary || now.Binary,
	}
	content := old.Type != now.Type || old.Size != now.Size || !bytes.Equal(old.Link, now.Link)
	if old.SHA256 != "" && now.SHA256 != "" {
		content = content || old.SHA256 != now.SHA256
	} else {
		content = content || old.MTime != now.MTime
	}
	switch {
	case old.Type == "":
		c.What = "added"
	case now.Type == "":
		c.What = "deleted"
	case content:
		c.What = "modified"
	case old.Mode != now.Mode:
		c.What = "mode"
	default:
		return c, false
	}
	return c, true
}

// renames joins what was deleted in one place and added, with the same content,
// in exactly one other.
func renames(all []Change) []Change {
	gone, come := map[string][]int{}, map[string][]int{}
	for i, c := range all {
		switch {
		case c.What == "deleted" && c.OldSHA != "" && c.OldSize > 0:
			gone[c.OldSHA] = append(gone[c.OldSHA], i)
		case c.What == "added" && c.SHA256 != "" && c.Size > 0:
			come[c.SHA256] = append(come[c.SHA256], i)
		}
	}
	drop := map[int]bool{}
	for sha, from := range gone {
		if to := come[sha]; len(from) == 1 && len(to) == 1 {
			old, c := all[from[0]], &all[to[0]]
			c.What, c.From = "renamed", old.Path
			c.OldType, c.OldMode, c.OldSize, c.OldSHA = old.OldType, old.OldMode, old.OldSize, old.OldSHA
			drop[from[0]] = true
		}
	}
	var kept []Change
	for i, c := range all {
		if !drop[i] {
			kept = append(kept, c)
		}
	}
	return kept
}

// patch is a change as a unified diff, "" where content is not what changed.
// known is false where the content is not at hand.
func (c *Change) patch(before, after *Manifest) (text string, known bool) {
	if c.What == "mode" || c.What == "renamed" || c.SHA256 == c.OldSHA && c.SHA256 != "" ||
		c.Type != "file" && c.OldType != "file" {
		return "", true
	}
	oldName, newName := header("a"+c.Path), header("b"+c.Path)
	if c.OldType != "file" {
		oldName = "/dev/null"
	}
	if c.Type != "file" {
		newName = "/dev/null"
	}
	if c.Binary {
		return fmt.Sprintf("Binary files %s and %s differ\n", oldName, newName), true
	}
	old, new := before.entries[c.Path], after.entries[c.Path]
	if !whole(old) || !whole(new) {
		return "", false
	}
	return string(diff.Diff(oldName, old.Text, newName, new.Text)), true
}

// whole says whether the content of a file is all in Text.
func whole(e tree.Entry) bool {
	return e.Type != "file" || e.SHA256 != "" && int64(len(e.Text)) == e.Size && tree.IsText(e.Text)
}

// header is a path for the head of a patch, where no sign may break the line.
func header(p string) string {
	if q := strconv.Quote(p); q != `"`+p+`"` {
		return q
	}
	return p
}

// readable is a name of bytes as text, losing nothing.
func readable(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return strconv.Quote(name)
}
