package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// skipRecord is the PAX record by which a packer says that it left an entry out, and why.
const skipRecord = "GLOVEBOX.skip"

// overhead is what one entry's headers and padding may cost in a stream, in bytes.
const overhead = 8 << 10

// Extract unpacks a tar stream below root. Devices, FIFOs, sockets, hard links
// and links that lead out are skipped; a path that is absolute or climbs ends it
// with ErrUnsafe, a bound that is passed with ErrTooMuch. Directories always
// stay the owner's to read and to remove.
//
// Outside (inside false, root an empty directory of the host's) nothing is ever
// replaced, and what others could write they cannot. Inside a box files and links
// replace those that are there, and all permission bits are kept.
func Extract(root *os.Root, r io.Reader, l Limits, inside bool) (Stats, error) {
	l = l.WithDefaults()
	x := &extraction{root: root, limits: l, replace: inside, mask: 0o755, dirs: map[string]fs.FileMode{}}
	if inside {
		x.mask = fs.ModePerm
	}
	err := x.all(tar.NewReader(&capped{r, l.Bytes + int64(l.Entries+2)*overhead}))
	return x.stats, errors.Join(err, x.chmodDirs())
}

type extraction struct {
	root    *os.Root
	limits  Limits
	replace bool
	mask    fs.FileMode
	dirs    map[string]fs.FileMode // known to be real directories; ≠ 0: the mode to give in the end
	stats   Stats
}

func (x *extraction) all(r *tar.Reader) error {
	for n := 0; ; n++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the tree: %w", err)
		}
		if n == x.limits.Entries {
			return fmt.Errorf("%w: more than %d entries", ErrTooMuch, n)
		}
		if err := x.entry(h, r); err != nil {
			return err
		}
	}
}

func (x *extraction) entry(h *tar.Header, body io.Reader) error {
	name := strings.TrimSuffix(h.Name, "/")
	if !filepath.IsLocal(name) || path.Clean(name) != name || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%w: %.200q", ErrUnsafe, h.Name)
	}
	if len(name) > x.limits.Path {
		x.stats.skip(name[:x.limits.Path], "a path of %d bytes", len(name))
		return nil
	}
	if why := h.PAXRecords[skipRecord]; why != "" {
		x.stats.skip(name, "%.200s", why)
		return nil
	}
	if ok, err := x.parents(name); err != nil || !ok {
		return err
	}
	mode := fs.FileMode(h.Mode) & x.mask //nolint:gosec // the mask leaves nine bits
	switch h.Typeflag {
	case tar.TypeDir:
		return x.dir(name, mode|0o700)
	case tar.TypeReg:
		return x.file(name, mode, h.Size, body)
	case tar.TypeSymlink:
		return x.link(name, h.Linkname)
	case tar.TypeLink:
		x.stats.skip(name, "a hard link")
	default:
		x.stats.skip(name, "not a file, directory or link")
	}
	return nil
}

// parents makes sure that every directory above name is there and is none that
// a link stands in for: only then does a link's own path say where it leads.
func (x *extraction) parents(name string) (bool, error) {
	for i, c := range name {
		if c != '/' || x.known(name[:i]) {
			continue
		}
		ok, err := x.makeDir(name[:i], 0o755)
		if err == nil && !ok {
			x.stats.skip(name, "what is above it is not a directory")
		}
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (x *extraction) known(dir string) bool { _, ok := x.dirs[dir]; return ok }

// makeDir reports false where something else is in the way.
func (x *extraction) makeDir(name string, mode fs.FileMode) (bool, error) {
	err := x.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		st, err := x.root.Lstat(name)
		if err != nil {
			return false, err
		}
		if st.IsDir() && !x.known(name) {
			x.dirs[name] = 0
		}
		return st.IsDir(), nil
	}
	if err != nil {
		return false, err
	}
	x.dirs[name] = mode
	x.stats.Dirs++
	return true, nil
}

func (x *extraction) dir(name string, mode fs.FileMode) error {
	if name == "." {
		return nil // the directory itself is the caller's
	}
	ok, err := x.makeDir(name, mode)
	switch {
	case err != nil:
		return err
	case !ok:
		x.stats.skip(name, "something that is not a directory is there already")
	default:
		x.dirs[name] = mode
	}
	return nil
}

func (x *extraction) file(name string, mode fs.FileMode, size int64, body io.Reader) error {
	if size > x.limits.File {
		x.stats.skip(name, "%d bytes, more than %d", size, x.limits.File)
		return nil
	}
	if ok, err := x.clear(name); err != nil || !ok {
		return err
	}
	f, err := x.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	room := min(x.limits.File, x.limits.Bytes-x.stats.Bytes)
	n, err := io.Copy(f, io.LimitReader(body, room+1))
	if err == nil && n > room {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooMuch, x.limits.Bytes)
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err != nil {
		x.root.Remove(name) //nolint:errcheck // the error is told; a part is better not there
		return fmt.Errorf("%.200q: %w", name, err)
	}
	x.stats.Files++
	x.stats.Bytes += n
	return nil
}

// clear makes room for a file or link; false: skipped, because it is there twice
// or a directory is in the way.
func (x *extraction) clear(name string) (bool, error) {
	st, err := x.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case st.IsDir() || !x.replace:
		x.stats.skip(name, "something is there already")
		return false, nil
	}
	return true, x.root.Remove(name)
}

func (x *extraction) link(name, target string) error {
	if !staysInside(name, target) || len(target) > x.limits.Path {
		x.stats.skip(name, "a link that leads out, to %.200q", target)
		return nil
	}
	if ok, err := x.clear(name); err != nil || !ok {
		return err
	}
	if err := x.root.Symlink(target, name); err != nil {
		return err
	}
	x.stats.Links++
	return nil
}

// staysInside says whether a link at name cannot lead out of the tree, whatever
// other such links are in it: it climbs at most as far as it is deep, and only
// at its beginning. A ".." after a name could climb from wherever a link by
// that name leads.
func staysInside(name, target string) bool {
	if target == "" || path.IsAbs(target) || strings.ContainsRune(target, 0) {
		return false
	}
	depth := strings.Count(name, "/")
	for rest := target; ; {
		part, after, more := strings.Cut(rest, "/")
		switch {
		case part == "..":
			if depth--; depth < 0 {
				return false
			}
		case part != "." && part != "":
			return !slices.Contains(strings.Split(rest, "/"), "..")
		}
		if !more {
			return true
		}
		rest = after
	}
}

// chmodDirs comes last and from the deepest up: a directory that may not be
// written could not have been filled.
func (x *extraction) chmodDirs() error {
	var names []string
	for name, mode := range x.dirs {
		if mode != 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) })
	var errs []error
	for _, name := range names {
		errs = append(errs, x.chmodDir(name, x.dirs[name]))
	}
	return errors.Join(errs...)
}

// chmodDir goes by a descriptor where Root.Chmod may not: its system call is
// unknown to the filter of an older Podman, and gVisor then says EPERM.
func (x *extraction) chmodDir(name string, mode fs.FileMode) error {
	err := x.root.Chmod(name, mode)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	dir, openErr := x.root.Open(name)
	if openErr != nil {
		return err
	}
	defer dir.Close()
	return dir.Chmod(mode)
}

// capped is a reader that fails once left bytes are read.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("%w: the stream does not end", ErrTooMuch)
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
