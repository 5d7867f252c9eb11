package tree

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Pack writes everything below the root of fsys to w as a tar stream: files,
// directories, links; of a hard-linked file each name is a file of its own.
// What it cannot read, what is neither and what is larger than l.File goes into
// the stream as an entry to be skipped, with the reason. l.Bytes is for the
// receiver to judge. It ends with ErrTooMuch after l.Entries.
func Pack(ctx context.Context, w io.Writer, fsys fs.FS, l Limits) error {
	l = l.WithDefaults()
	p := &packing{ctx: ctx, fsys: fsys, tw: tar.NewWriter(w), limits: l}
	walk := &walker{fsys: fsys, left: l.Entries + 1, path: l.Path, visit: p.visit} // one more for the root itself
	if err := walk.walk("."); err != nil {
		return err
	}
	if walk.cut {
		p.tw.Close() // what is there is told; the error says more
		return fmt.Errorf("%w: more than %d entries, or a path of more than %d bytes", ErrTooMuch, l.Entries, l.Path)
	}
	return p.tw.Close()
}

type packing struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that it came with
	fsys   fs.FS
	tw     *tar.Writer
	limits Limits
}

func (p *packing) visit(name string, info fs.FileInfo, err error) error {
	if ctxErr := context.Cause(p.ctx); ctxErr != nil {
		return ctxErr
	}
	if name == "." {
		return err
	}
	if err != nil {
		return p.skip(name, reason(err))
	}
	switch mode := info.Mode(); mode.Type() {
	case fs.ModeDir:
		return p.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: int64(mode.Perm())})
	case fs.ModeSymlink:
		target, err := fs.ReadLink(p.fsys, name)
		if err != nil {
			return p.skip(name, reason(err))
		}
		return p.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
	case 0:
		return p.file(name)
	default:
		return p.skip(name, "not a file, directory or link")
	}
}

func (p *packing) file(name string) error {
	f, err := p.fsys.Open(name)
	if err != nil {
		return p.skip(name, reason(err))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return p.skip(name, reason(err))
	}
	if !st.Mode().IsRegular() || st.Size() > p.limits.File {
		return p.skip(name, fmt.Sprintf("%s of %d bytes, more than %d", kind(st.Mode()), st.Size(), p.limits.File))
	}
	if err := p.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(st.Mode().Perm()), Size: st.Size()}); err != nil {
		return err
	}
	// A file that shrinks while it is read is filled up, one that grows is cut.
	_, err = io.CopyN(p.tw, until{p.ctx, io.MultiReader(f, zeros{})}, st.Size())
	return err
}

func (p *packing) skip(name, why string) error {
	return p.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, PAXRecords: map[string]string{skipRecord: why}})
}

// reason is an error without the path that everybody knows already.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return strings.ReplaceAll(err.Error(), "\x00", "")
}

// until reads from r until ctx is over.
type until struct {
	ctx context.Context //nolint:containedctx // lives as long as the call that it came with
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
