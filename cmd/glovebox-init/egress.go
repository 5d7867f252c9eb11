package main

import (
	"context"
	"net"
	"sync"
	"time"

	"glovebox/runner/port"
)

// hangUp is how long a client may take to hang up after the host did.
const hangUp = time.Second

// listeners take clients on the box's loopback and hand each to the host as it
// asks for one. Nothing is understood here: it is bytes until they are outside.
type listeners struct {
	once sync.Once
	err  error
	came chan client
}

type client struct {
	via  byte
	conn *net.TCPConn
}

// open listens, once; it is done before anything runs in the box, so that the
// addresses cannot be taken.
func (l *listeners) open() port.Reply {
	l.once.Do(func() {
		for via, addr := range map[byte]string{port.ViaHTTP: port.HTTPAddr, port.ViaSOCKS: port.SOCKSAddr} {
			in, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
			if err != nil {
				l.err = err
				return
			}
			go l.accept(via, in.(*net.TCPListener))
		}
	})
	if l.err != nil {
		return port.Reply{Error: l.err.Error()}
	}
	return port.Reply{}
}

// accept never returns: who comes while the host takes nobody waits in the
// kernel's queue. It outlives being out of descriptors.
func (l *listeners) accept(via byte, in *net.TCPListener) {
	for {
		conn, err := in.AcceptTCP()
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		l.came <- client{via, conn}
	}
}

// carry waits for a client and carries its bytes until both sides have hung
// up, or the host signals.
func (l *listeners) carry(s *port.Stream) port.Reply {
	over := make(chan struct{})
	go func() { // ends with the stream
		s.Signaled()
		close(over)
	}()
	var c client
	select {
	case c = <-l.came:
	case <-over:
		return port.Reply{}
	}
	defer c.conn.Close()
	said := make(chan struct{})
	go func() {
		defer close(said)
		if s.Send(port.Stdout, []byte{c.via}) == nil {
			speak(s, c.conn)
		}
	}()
	heard := make(chan struct{})
	go func() { // ends with the stream
		defer close(heard)
		hear(s, c.conn)
	}()
	select {
	case <-said:
		select {
		case <-heard:
		case <-over:
		}
	case <-over:
	}
	return port.Reply{}
}

// speak sends what the client says, and its end.
func speak(s *port.Stream, conn *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 && s.Send(port.Stdout, buf[:n]) != nil {
			return
		}
		if err != nil {
			s.Send(port.Stdout, nil) //nolint:errcheck // a broken port ends init anyway
			return
		}
	}
}

// hear gives the client what the host says, until the host hangs up. What
// cannot be given is dropped, so that the host is not held up.
func hear(s *port.Stream, conn *net.TCPConn) {
	for {
		fd, data, err := s.Recv()
		switch {
		case err != nil:
			conn.Close()
			return
		case fd == port.Broken:
			conn.CloseWrite()                            //nolint:errcheck // it may be gone
			conn.SetReadDeadline(time.Now().Add(hangUp)) //nolint:errcheck // as above
			return
		case len(data) == 0:
			conn.CloseWrite() //nolint:errcheck // as above
		default:
			if _, err := conn.Write(data); err != nil {
				conn.Close() // the reader sees it, too
			}
		}
	}
}
