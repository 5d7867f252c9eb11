package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrProtocol is wrapped by every error that a lying or broken peer causes.
var ErrProtocol = errors.New("port protocol broken")

// A frame is nine bytes of header — type (1), stream (4, big endian), payload
// length (4, big endian) — and the payload.
const (
	headerLen  = 9
	MaxPayload = 64 << 10 // bytes in one frame
	chunk      = 32 << 10 // bytes of data in one frame that we send
)

type frameType byte

const (
	frameHello  frameType = iota + 1 // init → host, stream 0: Hello
	frameOpen                        // host → init: Request
	frameData                        // both: one byte fd, then bytes; no bytes: end of that fd
	frameCredit                      // both: uint32, bytes of data the receiver has room for again
	frameSignal                      // host → init: one byte, signal number for the whole group
	frameExit                        // init → host: Reply; the stream is over
	framePing                        // host → init, stream 0: eight bytes
	framePong                        // init → host, stream 0: the same eight bytes
	frameLast   = framePong
)

type frame struct {
	typ     frameType
	stream  uint32
	payload []byte
}

// readFrame reads one frame into buf (MaxPayload bytes), which the returned
// payload aliases.
func readFrame(r io.Reader, buf []byte) (frame, error) {
	var h [headerLen]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err // io.EOF between frames is a clean end
	}
	f := frame{typ: frameType(h[0]), stream: binary.BigEndian.Uint32(h[1:])}
	n := binary.BigEndian.Uint32(h[5:])
	if err := f.check(n); err != nil {
		return frame{}, err
	}
	f.payload = buf[:n]
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return frame{}, fmt.Errorf("read %d bytes of a frame: %w", n, io.ErrUnexpectedEOF)
	}
	return f, nil
}

// check refuses a header that cannot be right before its payload is read.
func (f frame) check(n uint32) error {
	bad := func(why string) error {
		return fmt.Errorf("%w: frame type %d, stream %d, %d bytes: %s", ErrProtocol, f.typ, f.stream, n, why)
	}
	switch {
	case f.typ == 0 || f.typ > frameLast:
		return bad("unknown type")
	case n > MaxPayload:
		return bad("too long")
	}
	connection := f.typ == frameHello || f.typ == framePing || f.typ == framePong
	if connection != (f.stream == 0) {
		return bad("wrong stream")
	}
	switch f.typ {
	case frameData:
		if n < 1 {
			return bad("data without a descriptor")
		}
	case frameCredit:
		if n != 4 {
			return bad("credit is four bytes")
		}
	case frameSignal:
		if n != 1 {
			return bad("a signal is one byte")
		}
	case framePing, framePong:
		if n != 8 {
			return bad("a ping is eight bytes")
		}
	}
	return nil
}

// appendFrame encodes a frame whose payload is a then b.
func appendFrame(dst []byte, t frameType, stream uint32, a, b []byte) []byte {
	dst = append(dst, byte(t))
	dst = binary.BigEndian.AppendUint32(dst, stream)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(a)+len(b)))
	dst = append(dst, a...)
	return append(dst, b...)
}
