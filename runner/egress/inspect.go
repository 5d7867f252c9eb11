package egress

import (
	"errors"
	"io"
)

const heldBody = 256 << 10 // bytes of a body that are looked at before the first of them goes

// shown is a part of a request that anybody on its way can read.
type shown struct {
	part string // host, url, headers
	text []byte
}

// look shows the inspector one part of a request. An error is a refusal.
func (p *Proxy) look(n int64, parts ...shown) error {
	if p.o.Inspect == nil {
		return nil
	}
	var first error
	for _, s := range parts {
		if err := p.o.Inspect(n, s.part)(s.text); err != nil && first == nil {
			first = refusal{err.Error()}
		}
	}
	return first
}

// watch is what a client sends, each piece looked at before it goes on.
type watch struct {
	from io.Reader
	look func([]byte) error
	hold int     // bytes to wait for; 0: what comes goes, and may be TLS
	tls  records // what of it is
	buf  []byte  // looked at, not handed on
	err  error
}

// watched wraps from, where there is an inspector. hold is as in watch.
func (p *Proxy) watched(n int64, from io.Reader, hold int) io.Reader {
	if p.o.Inspect == nil {
		return from
	}
	return &watch{from: from, look: p.o.Inspect(n, "body"), hold: hold}
}

// Read implements io.Reader.
func (w *watch) Read(b []byte) (int, error) {
	if len(w.buf) == 0 && w.err == nil {
		w.fill()
	}
	n := copy(b, w.buf)
	if w.buf = w.buf[n:]; len(w.buf) == 0 {
		return n, w.err
	}
	return n, nil
}

func (w *watch) fill() {
	var n int
	buf := make([]byte, max(w.hold, 32<<10))
	var seen []byte
	if w.hold > 0 {
		n, w.err = io.ReadFull(w.from, buf)
		if errors.Is(w.err, io.ErrUnexpectedEOF) {
			w.err = io.EOF
		}
		seen = buf[:n]
	} else {
		n, w.err = w.from.Read(buf)
		seen = w.tls.readable(buf[:n])
	}
	if len(seen) > 0 {
		if err := w.look(seen); err != nil {
			w.buf, w.err = nil, refusal{err.Error()}
			return
		}
	}
	w.buf = buf[:n]
}

// records follows a stream that may be TLS (RFC 8446, section 5.1), and tells
// what of it anybody can read: all but the payload of its application data.
// That is looked into by nobody: by chance there is anything in it. From where
// it is no TLS, all is readable. Who only wraps a text in such records needs
// somebody at the other end to unwrap it, and could as well speak TLS.
type records struct {
	head   []byte // of a record, until it is whole
	kind   byte
	left   int // bytes of the record that are to come
	begun  bool
	broken bool
}

// What a record begins with.
const (
	recordHead      = 5
	recordHandshake = 22
	recordData      = 23
	recordFirst     = 20           // of the kinds
	recordMax       = 1<<14 + 2048 // bytes of payload, TLS 1.2
)

func (t *records) readable(b []byte) []byte {
	var seen []byte
	for len(b) > 0 && !t.broken {
		if t.left > 0 {
			n := min(t.left, len(b))
			if t.kind != recordData {
				seen = append(seen, b[:n]...)
			}
			b, t.left = b[n:], t.left-n
			continue
		}
		n := min(recordHead-len(t.head), len(b))
		t.head, b = append(t.head, b[:n]...), b[n:]
		whole := len(t.head) == recordHead
		switch {
		case !t.begun && t.head[0] != recordHandshake, t.head[0] < recordFirst, t.head[0] > recordData, len(t.head) > 1 && t.head[1] != 3:
			t.broken = true
		case whole:
			t.begun, t.kind, t.left = true, t.head[0], int(t.head[3])<<8|int(t.head[4])
			t.broken = t.left > recordMax
		}
		if t.broken {
			seen = append(seen, t.head...)
		}
		if whole {
			t.head = t.head[:0]
		}
	}
	if seen == nil {
		return b // no copy of what is no TLS
	}
	return append(seen, b...)
}
