package tree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"unicode/utf8"
)

// An Entry is one thing below a listed place. It crosses the port as a line of
// JSON; names are bytes, since nothing makes them text.
type Entry struct {
	Path   []byte `json:"path"` // absolute
	Type   string `json:"type"` // file, dir, link, fifo, socket, device, other; "": Unread says why it is not known
	Mode   uint32 `json:"mode"` // the twelve bits that chmod sets
	Size   int64  `json:"size,omitempty"`
	MTime  int64  `json:"mtime,omitempty"`  // nanoseconds since 1970
	SHA256 string `json:"sha256,omitempty"` // hex; "": beyond what is hashed, or unreadable
	Link   []byte `json:"link,omitempty"`   // where a link leads
	Binary bool   `json:"binary,omitempty"` // not UTF-8 text, as far as was looked
	Text   []byte `json:"text,omitempty"`   // whole content of a small text file
	Unread string `json:"unread,omitempty"` // why the content is not known
}

// Query asks for a listing. It is the Detail of a manifest's request.
type Query struct {
	Places   []string `json:"places"`          // directories, absolute
	First    []string `json:"first,omitempty"` // files below them to list before all others, so that no flood hides them
	Entries  int      `json:"entries"`
	Path     int      `json:"path"`      // bytes of one path; longer ones are left out
	Hash     int64    `json:"hash"`      // bytes of content to read in all
	Text     int64    `json:"text"`      // bytes of text to hand over in all
	TextFile int64    `json:"text_file"` // bytes of one text to hand over
}

// Listed is the Detail of a manifest's reply.
type Listed struct {
	Cut bool `json:"cut,omitempty"` // there is more than was listed
}

// Lister lists places one after the other; its budgets hold for all of them.
type Lister struct {
	query Query
	emit  func(Entry) error
	done  map[string]bool // paths listed first
	cut   bool
}

// NewLister makes a lister that hands each entry to emit, once.
func NewLister(q Query, emit func(Entry) error) *Lister {
	return &Lister{query: q, emit: emit, done: map[string]bool{}}
}

// Listed says how complete it was.
func (l *Lister) Listed() Listed { return Listed{Cut: l.cut} }

// File lists the one entry name of fsys, which is the place at.
func (l *Lister) File(ctx context.Context, fsys fs.FS, at, name string) error {
	info, err := fs.Lstat(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l.done[at+"/"+name] = true
	return l.entry(ctx, fsys, at, name, info, err)
}

// Place lists fsys, which is the place at, whole.
func (l *Lister) Place(ctx context.Context, fsys fs.FS, at string) error {
	w := &walker{fsys: fsys, left: l.query.Entries, path: l.query.Path, visit: func(name string, info fs.FileInfo, err error) error {
		l.query.Entries--
		if l.done[at+"/"+name] {
			return nil
		}
		return l.entry(ctx, fsys, at, name, info, err)
	}}
	err := w.walk(".")
	l.cut = l.cut || w.cut
	return err
}

func (l *Lister) entry(ctx context.Context, fsys fs.FS, at, name string, info fs.FileInfo, err error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	e := Entry{Path: []byte(at)}
	if name != "." {
		e.Path = []byte(at + "/" + name)
	}
	if info != nil {
		e.Type, e.Mode = kind(info.Mode()), modeBits(info.Mode())
	}
	switch {
	case err != nil:
		e.Unread = reason(err)
	case e.Type == "file":
		e.Size, e.MTime = info.Size(), info.ModTime().UnixNano()
		if err := l.content(ctx, fsys, name, &e); err != nil {
			e.Unread = reason(err)
		}
	case e.Type == "link":
		target, err := fs.ReadLink(fsys, name)
		if err != nil {
			e.Unread = reason(err)
		}
		e.Link = []byte(target)
	}
	return l.emit(e)
}

// content reads a file as far as the budgets go.
func (l *Lister) content(ctx context.Context, fsys fs.FS, name string, e *Entry) error {
	if e.Size > l.query.Hash {
		return nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return errors.Join(err, errors.New("not a regular file any more"))
	}
	h := sha256.New()
	r := io.TeeReader(until{ctx, io.LimitReader(f, e.Size)}, h)
	head := make([]byte, min(e.Size, l.query.TextFile))
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	more, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	e.Size = int64(n) + more
	l.query.Hash -= e.Size
	e.SHA256 = hex.EncodeToString(h.Sum(nil))
	if more > 0 {
		e.Binary = bytes.IndexByte(head, 0) >= 0
		return nil
	}
	e.Binary = !IsText(head)
	if !e.Binary && e.Size <= l.query.Text {
		l.query.Text -= e.Size
		e.Text = head
	}
	return nil
}

// IsText says whether a content can be shown line by line.
func IsText(content []byte) bool {
	return bytes.IndexByte(content, 0) < 0 && utf8.Valid(content)
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "dir"
	case m&fs.ModeSymlink != 0:
		return "link"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "other"
}

// modeBits are a mode's bits as chmod(1) counts them.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, special := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&special.mode != 0 {
			bits |= special.bit
		}
	}
	return bits
}
