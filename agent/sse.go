package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxWire bounds the bytes of one answer as they come over the wire. What the
// answer itself may hold is bounded in answer.go.
const maxWire = 32 << 20

// events is a server's event stream, tidied: one "data: " line for each event
// and nothing else. go-openai's own reader takes comments for part of an error
// message, loses errors of a shape it does not know, and lets a line grow
// without end.
type events struct {
	body io.ReadCloser
	in   *bufio.Reader
	left int64 // of maxWire
	out  []byte
	done bool // the server said [DONE]
}

func newEvents(body io.ReadCloser) *events {
	return &events{body: body, in: bufio.NewReaderSize(body, 32<<10), left: maxWire}
}

// Close closes the body.
func (e *events) Close() error { return e.body.Close() }

// Read implements io.Reader. The end of the body without [DONE] is
// io.ErrUnexpectedEOF, so that it can be told from a proper end.
func (e *events) Read(p []byte) (int, error) {
	for len(e.out) == 0 {
		if e.done {
			return 0, io.EOF
		}
		line, err := e.line()
		e.out = e.tidy(line)
		if err != nil && !e.done && !json.Valid(bytes.TrimPrefix(e.out, []byte("data: "))) {
			e.out = nil // the end cut it
		}
		if err != nil && len(e.out) == 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

func (e *events) line() ([]byte, error) {
	var line []byte
	for {
		piece, err := e.in.ReadSlice('\n')
		if e.left -= int64(len(piece)); e.left < 0 {
			return nil, &ModelError{Code: "too_long", Message: fmt.Sprintf("the answer is longer than %d MiB on the wire", maxWire>>20)}
		}
		line = append(line, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (e *events) tidy(line []byte) []byte {
	data := bytes.TrimSpace(line)
	rest, isData := bytes.CutPrefix(data, []byte("data:"))
	switch {
	case isData:
		data = bytes.TrimSpace(rest)
	case !bytes.HasPrefix(data, []byte("{")): // comment, blank line, event:, id:
		return nil
	}
	if len(data) == 0 {
		return nil
	}
	if string(data) == "[DONE]" {
		e.done = true
	}
	// The space keeps go-openai from treating {"error": itself.
	if data[0] == '{' {
		data = append([]byte("{ "), data[1:]...)
	}
	return append(append([]byte("data: "), data...), '\n')
}
