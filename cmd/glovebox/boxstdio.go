package main

import (
	"context"
	"io"
	"slices"
	"unicode/utf8"

	"glovebox/store"
)

// whileReader reads until ctx ends: then it says io.EOF. A read that is under
// way is left behind; it ends with the program.
type whileReader struct {
	ctx context.Context
	r   io.Reader
}

func (w whileReader) Read(p []byte) (int, error) {
	type read struct {
		n   int
		err error
	}
	done := make(chan read, 1)
	buf := make([]byte, len(p)) // p is the caller's again when we return
	go func() {
		n, err := w.r.Read(buf)
		done <- read{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, buf[:r.n]), r.err
	case <-w.ctx.Done():
		return 0, io.EOF
	}
}

// writeWhile writes p, but does not wait for a reader longer than ctx lives.
// After an error nothing may be written to w any more.
func writeWhile(ctx context.Context, w io.Writer, p []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	go func() {
		_, err := w.Write(p)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// forPerson makes what a box writes harmless where w is a screen; anything else
// gets every byte as it is.
func forPerson(w io.Writer) io.Writer {
	if isTerminal(w) {
		return &cleanWriter{w: w}
	}
	return w
}

// cleanWriter shows text from a box. A character that is cut at the end of one
// write is shown with the next.
type cleanWriter struct {
	w    io.Writer
	rest []byte
}

func (c *cleanWriter) Write(p []byte) (int, error) {
	b := slices.Concat(c.rest, p)
	end := len(b)
	if end > 0 && b[end-1] == '\r' {
		end-- // perhaps half of a line end
	}
	for i := end - 1; i >= 0 && i >= end-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:end]) {
				end = i
			}
			break
		}
	}
	c.rest = b[end:]
	if _, err := io.WriteString(c.w, store.Clean(string(b[:end]))); err != nil {
		return 0, err
	}
	return len(p), nil
}
