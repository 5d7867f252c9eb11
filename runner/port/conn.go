package port

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

const (
	// Window is how many bytes of data one side may send on a stream before
	// the other has taken them.
	Window = 256 << 10
	// MaxStreams is how many streams may be open at once.
	MaxStreams = 256
)

// ErrClosed is returned by operations on a connection that Close ended.
var ErrClosed = errors.New("port closed")

// Conn is one end of a port. All methods are safe for concurrent use.
type Conn struct {
	w     io.Writer
	wmu   sync.Mutex // one frame at a time
	wbuf  []byte
	serve func(*Stream, Request) // init's side; nil on the host's

	mu      sync.Mutex
	streams map[uint32]*Stream
	next    uint32
	err     error
	done    chan struct{} // closed when err is set

	hello chan Hello
	met   bool          // hello has come; the reader's own
	heard atomic.Uint64 // frames received, for the heartbeat
	wg    sync.WaitGroup
}

// Dial is the host's end. It returns at once; Hello waits for the box. The
// caller ends the connection with Close and closes r and w itself.
func Dial(r io.Reader, w io.Writer) *Conn {
	c := newConn(w, nil)
	c.wg.Go(func() { c.fail(c.read(r)) })
	return c
}

// Serve is the box's end: it says hello, runs handler on a goroutine of its own for each
// stream and returns when the connection ends. It waits for no handler: who is
// PID 1 ends all that they still wait for by its own end.
func Serve(r io.Reader, w io.Writer, hello Hello, handler func(*Stream, Request)) error {
	c := newConn(w, handler)
	data, err := json.Marshal(hello)
	if err != nil {
		return err
	}
	if err := c.write(frameHello, 0, data, nil); err != nil {
		return err
	}
	c.fail(c.read(r))
	return c.Err()
}

func newConn(w io.Writer, serve func(*Stream, Request)) *Conn {
	return &Conn{
		w: w, serve: serve, streams: map[uint32]*Stream{},
		done: make(chan struct{}), hello: make(chan Hello, 1),
	}
}

// Hello delivers the box's greeting, once.
func (c *Conn) Hello() <-chan Hello { return c.hello }

// Done is closed when the connection has ended; Err says why.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is nil while the connection lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Heard counts the frames received so far: if it stands still after a Ping,
// the peer is silent.
func (c *Conn) Heard() uint64 { return c.heard.Load() }

// Ping asks the peer for a sign of life; the answer shows in Heard.
func (c *Conn) Ping() error { return c.write(framePing, 0, make([]byte, 8), nil) }

// Close ends the connection and every stream with ErrClosed. It does not wait
// for a blocked reader: close the underlying pipe too, then Wait.
func (c *Conn) Close() { c.fail(ErrClosed) }

// Wait returns when the reader that Dial started has ended.
func (c *Conn) Wait() { c.wg.Wait() }

// Open starts an operation in the box.
func (c *Conn) Open(req Request) (*Stream, error) {
	data, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	if len(data) > MaxPayload {
		return nil, fmt.Errorf("request of %d bytes: at most %d fit; put long input into a file or stdin", len(data), MaxPayload)
	}
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return nil, c.err
	}
	if len(c.streams) >= MaxStreams {
		c.mu.Unlock()
		return nil, fmt.Errorf("%d operations are under way in the box already", MaxStreams)
	}
	c.next++
	s := newStream(c, c.next)
	c.streams[s.id] = s
	c.mu.Unlock()
	if err := c.write(frameOpen, s.id, data, nil); err != nil {
		return nil, err
	}
	return s, nil
}

func (c *Conn) write(t frameType, stream uint32, a, b []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.wbuf = appendFrame(c.wbuf[:0], t, stream, a, b)
	if _, err := c.w.Write(c.wbuf); err != nil {
		err = fmt.Errorf("write to the port: %w", err)
		c.fail(err)
		return err
	}
	return nil
}

// fail ends the connection; the first reason stays.
func (c *Conn) fail(err error) {
	if err == nil {
		err = io.EOF
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	streams := c.streams
	c.streams = map[uint32]*Stream{}
	close(c.done)
	c.mu.Unlock()
	for _, s := range streams {
		s.end(nil, err)
	}
}

func (c *Conn) read(r io.Reader) error {
	br := bufio.NewReaderSize(r, 2*MaxPayload)
	buf := make([]byte, MaxPayload)
	for {
		f, err := readFrame(br, buf)
		if err != nil {
			return err
		}
		c.heard.Add(1)
		if c.serve != nil {
			err = c.fromHost(f)
		} else {
			err = c.fromBox(f)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Conn) stream(id uint32) *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[id]
}

// drop forgets a stream and reports whether it was there.
func (c *Conn) drop(id uint32) *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[id]
	delete(c.streams, id)
	return s
}

// fromBox handles what init says. It is hostile: whatever it may not say ends
// the connection.
func (c *Conn) fromBox(f frame) error {
	switch f.typ {
	case frameHello:
		var h Hello
		if err := json.Unmarshal(f.payload, &h); err != nil {
			return fmt.Errorf("%w: hello: %w", ErrProtocol, err)
		}
		if c.met {
			return fmt.Errorf("%w: hello twice", ErrProtocol)
		}
		c.met = true
		c.hello <- h
		return nil
	case framePong:
		return nil
	case frameExit:
		s := c.drop(f.stream)
		if s == nil {
			return fmt.Errorf("%w: exit of stream %d, which is not open", ErrProtocol, f.stream)
		}
		var reply Reply
		if err := json.Unmarshal(f.payload, &reply); err != nil {
			err = fmt.Errorf("%w: exit of stream %d: %w", ErrProtocol, f.stream, err)
			s.end(nil, err)
			return err
		}
		s.end(&reply, nil)
		return nil
	case frameData, frameCredit:
		s := c.stream(f.stream)
		if s == nil {
			return fmt.Errorf("%w: frame for stream %d, which is not open", ErrProtocol, f.stream)
		}
		return s.deliver(f)
	default:
		return fmt.Errorf("%w: a box may not send frame type %d", ErrProtocol, f.typ)
	}
}

// fromHost handles what the host says. A frame for a stream that has just
// ended crossed its exit on the way and is dropped.
func (c *Conn) fromHost(f frame) error {
	switch f.typ {
	case framePing:
		return c.write(framePong, 0, f.payload, nil)
	case frameOpen:
		var req Request
		if err := json.Unmarshal(f.payload, &req); err != nil {
			return fmt.Errorf("%w: open: %w", ErrProtocol, err)
		}
		c.mu.Lock()
		if c.streams[f.stream] != nil {
			c.mu.Unlock()
			return fmt.Errorf("%w: stream %d opened twice", ErrProtocol, f.stream)
		}
		s := newStream(c, f.stream)
		c.streams[s.id] = s
		c.mu.Unlock()
		go c.serve(s, req)
		return nil
	case frameData, frameCredit, frameSignal:
		if s := c.stream(f.stream); s != nil {
			return s.deliver(f)
		}
		return nil
	default:
		return fmt.Errorf("%w: a host may not send frame type %d", ErrProtocol, f.typ)
	}
}

func creditPayload(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
