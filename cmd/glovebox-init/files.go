package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

func fileError(err error) port.Reply {
	return port.Reply{Error: err.Error(), NotFound: errors.Is(err, fs.ErrNotExist)}
}

// inBox makes a path absolute, from /work like a command's.
func inBox(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join("/work", path)
}

// put writes a file whole or not at all: a name beside it, then rename.
func put(s *port.Stream, req port.Request) port.Reply {
	path := inBox(req.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fileError(err)
	}
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return port.Reply{Error: path + " is there and is not a regular file"}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".put-*")
	if err != nil {
		return fileError(err)
	}
	n, err := receive(s, f)
	if err == nil {
		err = f.Chmod(fs.FileMode(req.Mode) & fs.ModePerm)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fileError(err)
	}
	return port.Reply{Size: n}
}

func receive(s *port.Stream, w io.Writer) (n int64, err error) {
	for {
		fd, data, rerr := s.Recv()
		if rerr != nil {
			return n, rerr
		}
		if fd == port.Broken {
			return n, errors.New("the sender broke off")
		}
		if len(data) == 0 {
			return n, err
		}
		if err == nil { // after an error: take the rest, so that the sender is told at its end
			_, err = w.Write(data)
		}
		n += int64(len(data))
	}
}

// get sends a regular file, or a part of it.
func get(s *port.Stream, req port.Request) port.Reply {
	f, err := os.OpenFile(inBox(req.Path), os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not hold us
	if err != nil {
		return fileError(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fileError(err)
	}
	if !st.Mode().IsRegular() {
		return port.Reply{Error: req.Path + " is not a regular file"}
	}
	left := st.Size() - req.Offset
	if req.Limit > 0 {
		left = min(left, req.Limit)
	}
	r := io.NewSectionReader(f, req.Offset, max(left, 0))
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := s.Send(port.Stdout, buf[:n]); err != nil {
				return port.Reply{Error: err.Error()}
			}
		}
		if err == io.EOF {
			return port.Reply{Size: st.Size()}
		}
		if err != nil {
			return fileError(err)
		}
	}
}
