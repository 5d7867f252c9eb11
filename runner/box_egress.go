package runner

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"glovebox/runner/egress"
	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// carriers is how many of a box's connections are served at once; more wait in
// the box. Init cannot open a stream, so each carrier asks it for a client.
const carriers = 32

// proxyEnvironment is what the commands of a box with a way out start with, on
// top. ALL_PROXY names the HTTP listener: clients without SOCKS refuse to
// start when it is a socks5h URL, and all that speak SOCKS speak CONNECT.
func proxyEnvironment() []string {
	const url, local = "http://" + port.HTTPAddr, "localhost,127.0.0.1,::1"
	return []string{
		"HTTP_PROXY=" + url, "HTTPS_PROXY=" + url, "ALL_PROXY=" + url, "NO_PROXY=" + local,
		"http_proxy=" + url, "https_proxy=" + url, "all_proxy=" + url, "no_proxy=" + local,
	}
}

// wayOut is what serves the clients of a box, one connection a call.
type wayOut interface {
	ServeHTTP(context.Context, net.Conn)
	ServeSOCKS(context.Context, net.Conn)
}

// ServeEgress lets the box's clients reach the proxy from now on and until the
// box is closed. The box must have been made with Egress; call it once.
func (b *Box) ServeEgress(p *egress.Proxy) { b.serveEgress(p) }

func (b *Box) serveEgress(p wayOut) {
	ctx, cancel := context.WithCancel(context.Background())
	b.wg.Go(func() {
		defer cancel()
		select {
		case <-b.stop:
		case <-b.conn.Done():
		}
	})
	for range carriers {
		b.wg.Go(func() {
			for b.carry(ctx, p) {
			}
		})
	}
}

// carry serves one client, and tells whether another may come.
func (b *Box) carry(ctx context.Context, p wayOut) bool {
	s, err := b.conn.Open(port.Request{Op: port.OpAccept})
	if err != nil {
		return false
	}
	fd, first, err := s.Recv()
	if err != nil { // over before a client came: nothing that init does
		return false
	}
	serve := map[byte]func(context.Context, net.Conn){port.ViaHTTP: p.ServeHTTP, port.ViaSOCKS: p.ServeSOCKS}
	if fd != port.Stdout || len(first) == 0 || serve[first[0]] == nil {
		s.Signal(byte(unix.SIGKILL)) //nolint:errcheck // a box that breaks the rules loses this carrier
		return false
	}
	c, ended := newClientConn(s, first[1:])
	serve[first[0]](ctx, c)
	c.Close()
	ended.Wait()
	return ctx.Err() == nil
}

// clientConn is a stream as a connection: a pipe for each direction, because a
// client may end its own and still listen.
type clientConn struct {
	net.Conn // what the client says
	out      net.Conn
	once     sync.Once
	closed   chan struct{}
}

// newClientConn returns a connection, and what to wait for after its Close.
func newClientConn(s *port.Stream, first []byte) (*clientConn, *sync.WaitGroup) {
	in, said := net.Pipe()
	heard, out := net.Pipe()
	c := &clientConn{Conn: in, out: out, closed: make(chan struct{})}
	var ended sync.WaitGroup
	ended.Go(func() {
		defer said.Close()
		var err error
		if len(first) > 0 { // a pipe blocks on nothing, too
			_, err = said.Write(first)
		}
		for {
			_, data, over := s.Recv()
			switch {
			case over != nil:
				heard.Close()
				return
			case len(data) == 0:
				said.Close()
			case err == nil: // else it is dropped: nobody listens any more
				_, err = said.Write(data)
			}
		}
	})
	ended.Go(func() {
		defer heard.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := heard.Read(buf)
			if n > 0 && s.Send(port.Stdin, buf[:n]) != nil {
				return
			}
			if err != nil {
				break
			}
		}
		select {
		case <-c.closed:
		default:
			s.Send(port.Stdin, nil) //nolint:errcheck // a broken port ends the other side
			<-c.closed
		}
		s.Send(port.Broken, nil) //nolint:errcheck // as above
	})
	return c, &ended
}

// Write implements net.Conn.
func (c *clientConn) Write(p []byte) (int, error) { return c.out.Write(p) }

// CloseWrite tells the client that nothing follows.
func (c *clientConn) CloseWrite() error { return c.out.Close() }

// Close implements net.Conn; what was written still arrives.
func (c *clientConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.Conn.Close()
		c.out.Close()
	})
	return nil
}

// SetDeadline implements net.Conn.
func (c *clientConn) SetDeadline(t time.Time) error {
	return errors.Join(c.Conn.SetDeadline(t), c.out.SetDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *clientConn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
