package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"glovebox/runner/port"
	"glovebox/runner/tree"
)

// PutTree puts everything below the root of files into a directory of the box,
// which is made if it is not there; files and links that are there already are
// replaced. Relative directories are below /work. Links that lead out of the
// tree, devices, FIFOs and sockets are skipped: see Stats. For a directory of the
// host's use os.Root's FS, which no link leads out of. On an error a part of the
// tree may be there.
func (b *Box) PutTree(ctx context.Context, dir string, files fs.FS, l tree.Limits) (tree.Stats, error) {
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := tree.Pack(ctx, w, files, l)
		w.CloseWithError(err)
		packed <- err
	}()
	req := port.Request{Op: port.OpPutTree, Path: dir}
	var reply *port.Reply
	err := setDetail(&req, l)
	if err == nil {
		reply, err = b.call(ctx, req, &exchange{in: r})
	}
	over := errors.New("the box takes no more")
	r.CloseWithError(over) // ends a packer whose receiver gave up
	if packErr := <-packed; packErr != nil && !errors.Is(packErr, over) {
		err = packErr
	}
	var stats tree.Stats
	if err == nil {
		err = json.Unmarshal(reply.Detail, &stats)
	}
	if err != nil {
		return tree.Stats{}, fmt.Errorf("put a tree into %s: %w", dir, err)
	}
	return stats, nil
}

// GetTree copies what is below a directory of the box into a directory of the
// host's, which is made and must be empty. Nothing is written outside it, and
// nothing comes into being there but directories, files and links that stay
// inside, without special mode bits and writable by nobody else: the rest is
// skipped, see Stats. An error wraps tree.ErrTooMuch where a limit is passed and
// tree.ErrUnsafe where the box lied; what had come until then is there.
func (b *Box) GetTree(ctx context.Context, dir, into string, l tree.Limits) (tree.Stats, error) {
	fail := func(err error) error { return fmt.Errorf("get the tree %s: %w", dir, err) }
	root, err := emptyDir(into)
	if err != nil {
		return tree.Stats{}, fail(err)
	}
	defer root.Close()
	l = l.WithDefaults()
	req := port.Request{Op: port.OpGetTree, Path: dir}
	more := l
	more.Entries++ // so that it is we who find that there are too many
	if err := setDetail(&req, more); err != nil {
		return tree.Stats{}, fail(err)
	}
	r, w := io.Pipe()
	type result struct {
		stats tree.Stats
		err   error
	}
	extracted := make(chan result, 1)
	go func() {
		stats, err := tree.Extract(root, r, l, false)
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(r, 1<<20)) // padding
		}
		r.CloseWithError(errors.Join(err, errTaken))
		extracted <- result{stats, err}
	}()
	_, err = b.take(ctx, req, func(data []byte) error { _, err := w.Write(data); return err })
	w.CloseWithError(err)
	x := <-extracted
	switch {
	case errors.Is(x.err, tree.ErrTooMuch), errors.Is(x.err, tree.ErrUnsafe), err == nil && x.err != nil:
		return x.stats, fail(x.err)
	case err != nil:
		return x.stats, fail(err)
	}
	return x.stats, nil
}

// errTaken ends a stream whose receiver has all that it wants.
var errTaken = errors.New("nothing more is taken")

func emptyDir(path string) (*os.Root, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: choose a new directory", path)
	}
	return os.OpenRoot(path)
}

func setDetail(req *port.Request, v any) (err error) {
	req.Detail, err = json.Marshal(v)
	return err
}

// take is call for an operation that only sends. Unlike there, an error of out
// ends the operation: what is still to come may have no end.
func (b *Box) take(ctx context.Context, req port.Request, out func([]byte) error) (*port.Reply, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return b.call(ctx, req, &exchange{out: func(_ byte, data []byte) error {
		err := out(data)
		if err != nil {
			cancel(err)
		}
		return err
	}})
}
