// Package egress is the host's side of a box's way out: an HTTP, CONNECT and
// SOCKS5 proxy that serves one connection at a time as they come through the
// port, and lets a request go only where an allowlist says.
//
// It promises that every request is recorded before anything is done for it,
// that a name is looked up once and exactly the addresses found are dialled,
// that no address which is not on the public internet is dialled whatever a
// name resolves to, and that a refusal is told in words. It never follows a
// redirect, never uses the host's own proxy settings, never looks inside TLS,
// and holds no more memory for a connection than its buffers. Whatever a
// client says is hostile. It listens nowhere.
//
// Begin here; rule.go and name.go decide who is meant and allowed, address.go
// what may be dialled, http.go and socks.go speak with the client.
package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

const (
	requestTime = 15 * time.Second // for a client to say what it wants
	dialTime    = 15 * time.Second // name and connection together
	idleTime    = 2 * time.Minute  // without a byte from or to the server
)

// Attempt is one request as it is recorded.
type Attempt struct {
	N       int64 // 1, 2, 3, … of this proxy
	Via     string
	Method  string
	Host    string // canonical where it can be
	Port    uint16
	Allowed bool
	Rule    string // the entry that allows it
	Reason  string // why not
}

// Outcome is what came of an allowed attempt.
type Outcome struct {
	N        int64
	Refused  string // why it was not let out after all: its address, a cap
	Error    string // why it failed, or broke off
	Addr     string // that was dialled
	Status   int    // of a plain HTTP answer
	Up, Down int64  // bytes handed to and got from the server, heads included
	Took     time.Duration
}

// Options of a Proxy. The zero value of a cap takes its default.
type Options struct {
	Rules       []Rule
	Methods     []string // of plain HTTP; nil: GET, HEAD. Inside TLS nobody sees them
	MaxRequests int64    // of this proxy, refused ones included; default 1000
	MaxBytes    int64    // of this proxy, both ways; default 256 MiB
	// Record is called before anything is done for an attempt, its error
	// refuses it. Done is called after each attempt that Record took and
	// that was allowed. Both are called by many goroutines at once.
	Record func(Attempt) error
	Done   func(Outcome)
	// Inspect, if set, gives what looks at one part (host, url, headers, body)
	// of attempt n: at each piece in turn, before it goes and before Record.
	// Its error refuses the request in its words. It is called by many
	// goroutines at once.
	Inspect func(n int64, part string) func(piece []byte) error

	// Lookup and Dial replace the host's resolver and dialer in tests, which
	// must not leave loopback. No configuration reaches them.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial   func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
}

// Proxy is one session's way out. It is safe for concurrent use and needs no
// closing: it has nothing but the connections that its callers serve.
type Proxy struct {
	o        Options
	requests atomic.Int64
	bytes    atomic.Int64
}

// DefaultMethods are those of plain HTTP that are let out where nothing else is said.
func DefaultMethods() []string { return []string{"GET", "HEAD"} }

// New makes a proxy.
func New(o Options) *Proxy {
	if o.Methods == nil {
		o.Methods = DefaultMethods()
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = 1000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 256 << 20
	}
	if o.Lookup == nil {
		o.Lookup = lookup
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr.String())
		}
	}
	return &Proxy{o: o}
}

// refusal is an error that a client is told in full.
type refusal struct{ words string }

func (r refusal) Error() string { return "glovebox: " + r.words }

// open decides, records, looks up and dials. Its error is a refusal, or why
// the server could not be reached. What is returned must be finished.
func (p *Proxy) open(ctx context.Context, via, method, host string, port uint16, parts ...shown) (*exchange, error) {
	a := Attempt{N: p.requests.Add(1), Via: via, Method: clip(method)}
	if a.N > p.o.MaxRequests+1 {
		return nil, refusal{"no more requests are possible in this session"}
	}
	t, rule, reason := match(p.o.Rules, host, port)
	a.Host, a.Port, a.Rule, a.Reason = t.host, t.port, rule, reason
	switch {
	case a.N > p.o.MaxRequests:
		// The last that is recorded: a box that asks for ever must not fill the log.
		a.Reason = fmt.Sprintf("this session's %d requests are used up; further ones are not even recorded", p.o.MaxRequests)
	case reason != "":
	case p.bytes.Load() >= p.o.MaxBytes:
		a.Reason = fmt.Sprintf("this session's %d bytes are used up", p.o.MaxBytes)
	case via == "http" && !slices.Contains(p.o.Methods, method):
		a.Reason = fmt.Sprintf("method %s is not allowed (allowed: %s)", clip(method), p.o.Methods)
	}
	if a.N <= p.o.MaxRequests {
		if err := p.look(a.N, append(parts, shown{"host", []byte(host)})...); err != nil {
			a.Reason = cmp.Or(a.Reason, err.(refusal).words) //nolint:errorlint // look gives no other
		}
	}
	a.Allowed = a.Reason == ""
	if err := p.o.Record(a); err != nil {
		return nil, refusal{"the request could not be recorded, so it is not made"}
	}
	if !a.Allowed {
		return nil, refusal{a.Reason}
	}
	x := &exchange{proxy: p, target: t, out: Outcome{N: a.N}, began: time.Now()}
	if err := x.dial(ctx); err != nil {
		x.finish(err)
		return nil, err
	}
	return x, nil
}

// exchange is an attempt that was allowed, and then its connection.
type exchange struct {
	net.Conn // to the server, counted
	proxy    *Proxy
	target   target
	out      Outcome
	began    time.Time
	up, down atomic.Int64
}

// dial looks up once and tries exactly what was found.
func (x *exchange) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	addrs := []netip.Addr{x.target.addr}
	if !x.target.addr.IsValid() {
		var err error
		if addrs, err = x.proxy.o.Lookup(ctx, x.target.host); err != nil {
			return fmt.Errorf("glovebox: %s cannot be resolved: %w", x.target.host, err)
		}
	}
	own, err := ownAddresses()
	if err != nil {
		return err
	}
	if why := refuse(addrs, own); why != "" {
		return refusal{fmt.Sprintf("%s is on the allowlist, but refused: %s", x.target.host, why)}
	}
	err = errors.New("it has no address")
	for _, a := range addrs[:min(len(addrs), 4)] {
		var c net.Conn
		to := netip.AddrPortFrom(a, x.target.port)
		if c, err = x.proxy.o.Dial(ctx, to); err == nil {
			x.Conn, x.out.Addr = c, to.String()
			return c.SetDeadline(time.Now().Add(idleTime))
		}
	}
	return fmt.Errorf("glovebox: %s cannot be reached: %w", x.target, err)
}

// finish closes the connection and tells the outcome.
func (x *exchange) finish(err error) {
	if x.Conn != nil {
		x.Close()
	}
	var refused refusal
	switch {
	case errors.As(err, &refused):
		x.out.Refused = refused.words
	case err != nil:
		x.out.Error = err.Error()
	}
	x.out.Up, x.out.Down, x.out.Took = x.up.Load(), x.down.Load(), time.Since(x.began)
	if x.proxy.o.Done != nil {
		x.proxy.o.Done(x.out)
	}
}

func (x *exchange) Read(b []byte) (int, error) {
	left := x.proxy.o.MaxBytes - x.proxy.bytes.Load()
	n, err := x.Conn.Read(b[:min(int64(len(b)), max(left, 0)+1)]) // one more tells that there is more
	if full := x.count(&x.down, n); full != nil {
		return n, full
	}
	return n, err
}

func (x *exchange) Write(b []byte) (int, error) {
	// Before it leaves: what is beyond the cap does not, and the answer must
	// not overtake the count.
	if full := x.count(&x.up, len(b)); full != nil {
		return 0, full
	}
	return x.Conn.Write(b)
}

// count adds bytes that passed; any of them keeps the connection from idling out.
func (x *exchange) count(to *atomic.Int64, n int) error {
	if n == 0 {
		return nil
	}
	to.Add(int64(n))
	if x.proxy.bytes.Add(int64(n)) > x.proxy.o.MaxBytes {
		return refusal{fmt.Sprintf("this session's %d bytes are used up", x.proxy.o.MaxBytes)}
	}
	return x.SetDeadline(time.Now().Add(idleTime))
}

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
