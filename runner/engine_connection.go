package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/containers/podman/v5/pkg/bindings"
)

// A hanging service is no better than none.
var (
	errSilent = fmt.Errorf("%w: its service does not answer", ErrNoEngine)
	errClosed = fmt.Errorf("%w: it is closed", ErrNoEngine)
)

const (
	answerTimeout = time.Minute      // for the service to say what it has
	workTimeout   = 15 * time.Minute // for it to begin an answer at all, after an import of gigabytes
)

// dial connects to a service, and waits for it no longer than ctx lives. The
// connection lives as long as alive.
func dial(ctx, alive context.Context, uri string) (client context.Context, err error) {
	life, end := context.WithCancelCause(alive)
	waited := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	silent := time.AfterFunc(answerTimeout, func() { end(errSilent) })
	client, err = bindings.NewConnection(life, uri)
	if !waited() || !silent.Stop() {
		if err == nil {
			transport(client).CloseIdleConnections()
		}
		err = cmp.Or(context.Cause(ctx), errSilent)
	}
	if err != nil {
		end(err)
		return nil, err
	}
	transport(client).ResponseHeaderTimeout = workTimeout
	return client, nil
}

// transport is what the bindings' client sends its requests through. It must
// not be changed once others use it.
func transport(client context.Context) *http.Transport {
	c, err := bindings.GetClient(client)
	if err != nil {
		panic(err) // it is not from dial
	}
	return c.Client.Transport.(*http.Transport) // so the bindings have it for every kind of URI
}

// reach connects to our own service. Should it have ended it is started again:
// an engine outlives what kills a process, such as a lack of memory.
func (e *Engine) reach(ctx context.Context, _, _ string) (net.Conn, error) {
	e.mu.Lock()
	c := e.child
	e.mu.Unlock()
	if c == nil {
		return nil, errClosed
	}
	conn, err := c.dial(ctx)
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	next, again := e.successor(ctx, c)
	if again != nil {
		return nil, fmt.Errorf("%w (%w)", again, err)
	}
	return next.dial(ctx)
}

// successor replaces a service that nobody could connect to, once it has ended.
func (e *Engine) successor(ctx context.Context, was *child) (*child, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.child != was && e.child != nil {
		return e.child, nil // others were quicker
	}
	select {
	case <-was.done:
	case <-time.After(lateTimeout): // the end of a process is a moment older than its news
		return nil, errSilent
	}
	if e.child == nil {
		return nil, errClosed
	}
	e.opts.Log(fmt.Sprintf("the Podman service has ended (%v), another is started", was.err))
	next, err := startChild(ctx, e.acct, e.opts, e.flags())
	if err != nil {
		return nil, err
	}
	was.stop()
	e.child = next
	return next, nil
}

// line is a connection to the service for one attachment: the engine's, with a
// client of its own. The bindings' Attach replaces the transport of the client
// that it finds, which would wrap the engine's once for every box, and race with
// its other calls; and what is attached it lets go of only when the service does.
type line struct {
	context.Context
	end context.CancelFunc
	own bindings.Connection

	mu    sync.Mutex
	conns []net.Conn
}

func (e *Engine) line() (*line, error) {
	c, err := bindings.GetClient(e.conn())
	if err != nil {
		return nil, err
	}
	l := &line{own: *c}
	l.Context, l.end = context.WithCancel(e.conn())
	t := transport(e.conn()).Clone()
	t.DisableKeepAlives = true
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.Err() != nil { // it was hung up meanwhile
			return nil, errors.Join(l.Err(), c.Close())
		}
		l.conns = append(l.conns, c)
		return c, nil
	}
	l.own.Client = &http.Client{Transport: t}
	return l, nil
}

// Value is the engine's, but for the connection itself.
func (l *line) Value(key any) any {
	v := l.Context.Value(key)
	if _, ok := v.(*bindings.Connection); ok {
		return &l.own
	}
	return v
}

// hangUp ends the attachment, whatever the service does. It may be called again.
func (l *line) hangUp() {
	l.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}
