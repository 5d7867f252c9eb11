package port

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Descriptors of a data frame.
const (
	Stdin  byte = 0
	Stdout byte = 1
	Stderr byte = 2
	// Broken, from the host, ends the input early: what came is not all. Of an
	// accepted connection it is the hanging up, after all that was sent.
	Broken byte = 3
	// Resize, from the host, is the new size of the command's terminal: rows,
	// then columns, two bytes each, big endian. Sizes that came fast may be
	// joined: the last one counts.
	Resize byte = 4
)

// Stream is one operation. Send and Recv may be used by different goroutines,
// each by one at a time for Recv.
type Stream struct {
	id   uint32
	conn *Conn

	mu     sync.Mutex
	cond   sync.Cond
	queue  []piece // received, not taken
	held   int     // bytes of data received and not yet credited back
	owed   int     // bytes taken, credit not yet sent
	credit int     // bytes we may still send
	signal byte    // last signal asked for, 0: none
	reply  *Reply
	err    error
	over   bool
}

type piece struct {
	fd   byte
	data []byte
}

func newStream(c *Conn, id uint32) *Stream {
	s := &Stream{id: id, conn: c, credit: Window}
	s.cond.L = &s.mu
	return s
}

// deliver takes a frame from the connection's reader. It never blocks.
func (s *Stream) deliver(f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.typ {
	case frameData:
		n := len(f.payload) - 1
		// An end-of-file mark costs no credit but a queue entry: one is enough
		// for each descriptor, more is an attempt to fill memory.
		if s.held += max(n, 1); s.held > Window+3 {
			return fmt.Errorf("%w: stream %d: more data than the window allows", ErrProtocol, s.id)
		}
		s.enqueue(f.payload[0], f.payload[1:])
	case frameCredit:
		n := int(binary.BigEndian.Uint32(f.payload))
		if s.credit += n; n > Window || s.credit > Window {
			return fmt.Errorf("%w: stream %d: more credit than the window", ErrProtocol, s.id)
		}
	case frameSignal:
		s.signal = f.payload[0]
	}
	s.cond.Broadcast()
	return nil
}

// enqueue joins small pieces, so that a sender of single bytes costs no more
// memory than its window.
func (s *Stream) enqueue(fd byte, data []byte) {
	if k := len(s.queue) - 1; k >= 0 && len(data) > 0 {
		if last := &s.queue[k]; last.fd == fd && len(last.data) > 0 && len(last.data)+len(data) <= chunk {
			last.data = append(last.data, data...)
			return
		}
	}
	s.queue = append(s.queue, piece{fd, append([]byte(nil), data...)})
}

func (s *Stream) end(reply *Reply, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over, s.reply, s.err = true, reply, err
	}
	s.cond.Broadcast()
}

// Send sends p on fd, waiting for room; nothing means the end of fd. Once the
// stream is over it returns io.EOF (the peer is done) or the connection's error.
func (s *Stream) Send(fd byte, p []byte) error {
	if len(p) == 0 {
		return s.conn.write(frameData, s.id, []byte{fd}, nil)
	}
	for len(p) > 0 {
		n, err := s.take(min(len(p), chunk))
		if err != nil {
			return err
		}
		if err := s.conn.write(frameData, s.id, []byte{fd}, p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// take waits for credit and takes at most want of it.
func (s *Stream) take(want int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.credit == 0 && !s.over {
		s.cond.Wait()
	}
	if s.over {
		if s.err != nil {
			return 0, s.err
		}
		return 0, io.EOF
	}
	n := min(want, s.credit)
	s.credit -= n
	return n, nil
}

// Recv returns the next piece of data; it is the caller's. An empty piece is
// the end of fd. io.EOF means that the operation is over: see Reply.
func (s *Stream) Recv() (fd byte, data []byte, err error) {
	s.mu.Lock()
	for len(s.queue) == 0 && !s.over {
		s.cond.Wait()
	}
	if len(s.queue) == 0 {
		defer s.mu.Unlock()
		if s.err != nil {
			return 0, nil, s.err
		}
		return 0, nil, io.EOF
	}
	p := s.queue[0]
	s.queue = s.queue[1:]
	grant := 0
	if n := len(p.data); n > 0 {
		s.owed += n
		// Half a window at a time: fewer frames, and the sender never starves.
		if s.owed >= Window/2 {
			grant, s.owed = s.owed, 0
			s.held -= grant
		}
	}
	over := s.over
	s.mu.Unlock()
	if grant > 0 && !over {
		// A port that is broken ends the stream, after what has come.
		s.conn.write(frameCredit, s.id, creditPayload(grant), nil) //nolint:errcheck // see above
	}
	return p.fd, p.data, nil
}

// Behind reports whether the peer has done more than Recv has told: it is not
// the peer that the operation waits for.
func (s *Stream) Behind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0 || s.over
}

// Break ends the stream on this side: Send and, after what has come, Recv
// return err. Finish still tells the host.
func (s *Stream) Break(err error) { s.end(nil, err) }

// Signal asks init to send a signal to the command's whole process group.
func (s *Stream) Signal(sig byte) error {
	return s.conn.write(frameSignal, s.id, []byte{sig}, nil)
}

// Signaled blocks until the host asks for a signal or the stream is over, then
// returns the signal, or 0.
func (s *Stream) Signaled() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.signal == 0 && !s.over {
		s.cond.Wait()
	}
	sig := s.signal
	s.signal = 0
	return sig
}

// Reply is how the operation ended; nil before Recv has returned io.EOF.
func (s *Stream) Reply() *Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reply
}

// Finish ends the stream from the box's side.
func (s *Stream) Finish(r Reply) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(data) > MaxPayload {
		data, err = json.Marshal(Reply{Error: "reply too long for a frame"})
		if err != nil {
			return err
		}
	}
	s.conn.drop(s.id)
	s.end(&r, nil)
	return s.conn.write(frameExit, s.id, data, nil)
}
