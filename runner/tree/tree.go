// Package tree moves directories of files through the port as tar streams, and
// lists them. Both sides use it: glovebox-init packs and lists what an agent may
// have arranged to do harm, the host unpacks what a box may have forged.
//
// It promises that nothing is written or read outside the directory given, that
// only directories, regular files and links that stay inside come into being,
// without setuid, setgid or sticky bits, and that what a stream or a directory
// claims costs no more than Limits. It never follows a link, never trusts a size
// in a header, and imports only the standard library, for it is part of PID 1.
// Begin in extract.go, then pack.go, list.go.
package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

var (
	// ErrTooMuch is wrapped by errors that mean: a bound of Limits was reached.
	// What came before it is there.
	ErrTooMuch = errors.New("too much")
	// ErrUnsafe is wrapped by errors that mean: the stream tried to leave its
	// directory, which an honest packer never does.
	ErrUnsafe = errors.New("unsafe path")
)

// Limits bound a tree. Zero takes the default.
type Limits struct {
	Entries int   `json:"entries,omitempty"` // files, directories and links; default 20,000
	Bytes   int64 `json:"bytes,omitempty"`   // of all files; default 1 GiB
	File    int64 `json:"file,omitempty"`    // bytes of one file, larger ones are skipped; default 512 MiB
	Path    int   `json:"path,omitempty"`    // bytes of one path below the directory; default 1,024
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	if l.Entries <= 0 {
		l.Entries = 20_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	if l.File <= 0 {
		l.File = 512 << 20
	}
	if l.Path <= 0 {
		l.Path = 1024
	}
	return l
}

// Stats count what a transfer moved.
type Stats struct {
	Files   int    `json:"files"`
	Dirs    int    `json:"dirs"`
	Links   int    `json:"links"`
	Bytes   int64  `json:"bytes"`
	Skipped []Skip `json:"skipped,omitempty"` // at most 100
	Omitted int    `json:"omitted,omitempty"` // skipped, but not in Skipped
}

// Skip is one entry that was left out. Both strings come from the sender: show
// them only sanitised.
type Skip struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

func (s *Stats) skip(path, format string, args ...any) {
	if len(s.Skipped) == 100 {
		s.Omitted++
		return
	}
	s.Skipped = append(s.Skipped, Skip{path, fmt.Sprintf(format, args...)})
}

// Dir is root as a file system for Pack and List: opening never waits (for the
// other end of a FIFO) and never follows a link that is the name's last part.
func Dir(root *os.Root) fs.ReadLinkFS { return dir{root} }

type dir struct{ root *os.Root }

// Open implements fs.FS.
func (d dir) Open(name string) (fs.File, error) {
	return d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}

// Lstat implements fs.ReadLinkFS.
func (d dir) Lstat(name string) (fs.FileInfo, error) { return d.root.Lstat(name) }

// ReadLink implements fs.ReadLinkFS.
func (d dir) ReadLink(name string) (string, error) { return d.root.Readlink(name) }

// walker goes through a directory in the order of its names.
type walker struct {
	fsys fs.FS
	left int // entries that may still be visited
	path int // bytes of a path
	cut  bool
	// visit gets an error with what cannot be looked at, and a directory's with
	// its info.
	visit func(name string, info fs.FileInfo, err error) error
}

// walk visits name and all below it, without following links.
func (w *walker) walk(name string) error {
	if w.left == 0 || len(name) > w.path {
		w.cut = true
		return nil
	}
	w.left--
	info, err := fs.Lstat(w.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone meanwhile
	}
	var names []string
	if err == nil && info.IsDir() {
		names, err = w.names(name)
	}
	if err := w.visit(name, info, err); err != nil {
		return err
	}
	for _, n := range names {
		if name != "." {
			n = name + "/" + n
		}
		if err := w.walk(n); err != nil {
			return err
		}
	}
	return nil
}

// names reads no more of a directory than may be visited: it can be endless.
func (w *walker) names(name string) ([]string, error) {
	f, err := w.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, errors.New("not a directory any more")
	}
	var names []string
	for {
		entries, err := d.ReadDir(1024)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if len(names) > w.left {
			w.cut, names = true, names[:w.left]
			break
		}
		if len(entries) == 0 || err != nil {
			break // what could be read counts
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names, nil
}
