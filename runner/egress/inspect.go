package egress

import (
	"errors"
	"io"
)

const (
	heldBody  = 256 << 10 // bytes of a body that are looked at before the first of them goes
	clientSay = 16 << 10  // bytes of a tunnel that begins with TLS: what is readable is in its first record
)

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
	hold int    // bytes to wait for; 0: what comes goes
	left int    // bytes to look at still; < 0: all of them
	buf  []byte // looked at, not handed on
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
		if w.left == 1 { // enough was seen
			return w.from.Read(b)
		}
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
	if w.hold > 0 {
		n, w.err = io.ReadFull(w.from, buf)
		if errors.Is(w.err, io.ErrUnexpectedEOF) {
			w.err = io.EOF
		}
	} else {
		n, w.err = w.from.Read(buf)
	}
	buf = buf[:n]
	if w.left == 0 && n > 0 {
		w.left = -1
		if w.hold == 0 && n > 1 && buf[0] == 0x16 && buf[1] == 3 { // a TLS handshake: the rest is nobody's to read
			w.left = clientSay
		}
	}
	seen := buf
	if w.left > 0 {
		seen = buf[:min(n, w.left)]
	}
	if err := w.look(seen); err != nil {
		w.buf, w.err = nil, refusal{err.Error()}
		return
	}
	if w.left > 0 {
		w.left = max(w.left-n, 1)
	}
	w.buf = buf
}
