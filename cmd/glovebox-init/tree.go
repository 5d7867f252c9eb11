package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"glovebox/runner/port"
	"glovebox/runner/tree"
)

// untilSignaled is a context that ends when the host signals the stream, or
// when the stream does. The signal breaks the stream, so that nothing waits for
// what the host no longer sends or takes.
func untilSignaled(s *port.Stream) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { // ends with the stream
		s.Signaled()
		broken := errors.New("broken off by the host")
		s.Break(broken)
		cancel(broken)
	}()
	return ctx
}

// received is the stream's data as a reader.
type received struct {
	s    *port.Stream
	left []byte
	err  error
}

func (r *received) Read(p []byte) (int, error) {
	for len(r.left) == 0 && r.err == nil {
		fd, data, err := r.s.Recv()
		switch {
		case err != nil:
			r.err = err
		case fd == port.Broken:
			r.err = errors.New("the sender broke off")
		case len(data) == 0:
			r.err = io.EOF
		}
		r.left = data
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	if n > 0 {
		return n, nil
	}
	return 0, r.err
}

// sent passes what is written to the host.
type sent struct{ s *port.Stream }

func (w sent) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // an empty send would be the end
	}
	if err := w.s.Send(port.Stdout, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func limitsOf(req port.Request) (l tree.Limits, err error) {
	if len(req.Detail) > 0 {
		err = json.Unmarshal(req.Detail, &l)
	}
	return l, err
}

// putTree unpacks the stream's tar below a directory, which it makes. What the
// directory itself is may be a link; nothing below it is followed.
func putTree(s *port.Stream, req port.Request) port.Reply {
	limits, err := limitsOf(req)
	if err != nil {
		return fileError(err)
	}
	dir := inBox(req.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fileError(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fileError(err)
	}
	defer root.Close()
	r := &received{s: s}
	stats, err := tree.Extract(root, r, limits, true)
	if err == nil {
		_, err = io.Copy(io.Discard, r) // the padding at its end
	}
	if err != nil {
		return fileError(err)
	}
	reply := withDetail(stats)
	for len(reply.Detail) > port.MaxPayload/2 { // what was skipped may have long names
		keep := len(stats.Skipped) / 2
		stats.Omitted += len(stats.Skipped) - keep
		stats.Skipped = stats.Skipped[:keep]
		reply = withDetail(stats)
	}
	return reply
}

// getTree packs a directory into the stream.
func getTree(ctx context.Context, s *port.Stream, req port.Request) port.Reply {
	limits, err := limitsOf(req)
	if err != nil {
		return fileError(err)
	}
	root, err := os.OpenRoot(inBox(req.Path))
	if err != nil {
		return fileError(err)
	}
	defer root.Close()
	w := bufio.NewWriterSize(sent{s}, 64<<10)
	if err := errors.Join(tree.Pack(ctx, w, tree.Dir(root), limits), w.Flush()); err != nil {
		return fileError(err)
	}
	return port.Reply{}
}

// manifest lists places, an entry a line.
func manifest(ctx context.Context, s *port.Stream, req port.Request) port.Reply {
	var q tree.Query
	if err := json.Unmarshal(req.Detail, &q); err != nil {
		return fileError(err)
	}
	w := bufio.NewWriterSize(sent{s}, 64<<10)
	lines := json.NewEncoder(w)
	lister := tree.NewLister(q, func(e tree.Entry) error { return lines.Encode(e) })
	var errs []error
	for _, place := range q.Places {
		errs = append(errs, inRoot(place, func(root *os.Root) error {
			for _, file := range q.First {
				if name, below := strings.CutPrefix(file, place+"/"); below {
					if err := lister.File(ctx, tree.Dir(root), place, name); err != nil {
						return err
					}
				}
			}
			return nil
		}))
	}
	for _, place := range q.Places {
		errs = append(errs, inRoot(place, func(root *os.Root) error { return lister.Place(ctx, tree.Dir(root), place) }))
	}
	if err := errors.Join(append(errs, w.Flush())...); err != nil {
		return fileError(err)
	}
	return withDetail(lister.Listed())
}

func inRoot(place string, do func(*os.Root) error) error {
	root, err := os.OpenRoot(place)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

func withDetail(v any) port.Reply {
	data, err := json.Marshal(v)
	if err != nil {
		return fileError(err)
	}
	return port.Reply{Detail: data}
}
