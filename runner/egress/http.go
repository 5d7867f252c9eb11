package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	maxHead  = 64 << 10 // bytes of a request's or an answer's head
	maxLine  = 16 << 10 // bytes of one of its lines
	headTime = time.Minute
	goodbye  = 30 * time.Second // for a client to hang up after the server did
)

// ServeHTTP serves one client of the HTTP proxy and closes its connection. A
// connection carries one request: what follows it cannot be taken for another.
func (p *Proxy) ServeHTTP(ctx context.Context, c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(requestTime)) //nolint:errcheck // a dead connection shows in the next read
	in := bufio.NewReaderSize(c, maxLine)
	head, host, err := readHead(in)
	if err != nil {
		if len(head) > 0 {
			p.malformed(c, "", err)
		}
		return
	}
	body := bufio.NewReader(io.MultiReader(bytes.NewReader(head), in))
	req, err := http.ReadRequest(body)
	if err != nil {
		p.malformed(c, "", errors.New("the request cannot be read"))
		return
	}
	c.SetDeadline(time.Time{}) //nolint:errcheck // as above
	if req.Method == http.MethodConnect {
		p.connect(ctx, c, body, req)
		return
	}
	p.forward(ctx, c, req, host, head)
}

// readHead reads a request's head as it stands on the wire, for net/http drops
// what does not fit together: two Host headers, or a Host beside an absolute
// URL; two ways to say how long the body is.
func readHead(in *bufio.Reader) (head []byte, host string, err error) {
	var hosts, lengths int
	for {
		line, err := in.ReadSlice('\n')
		head = append(head, line...)
		if err != nil || len(head) > maxHead {
			return head, "", errors.New("the request's head is too long or incomplete")
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		if len(head) == len(line) {
			continue // the request line
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r") {
			return head, "", errors.New("the request has a malformed header")
		}
		switch strings.ToLower(name) {
		case "host":
			hosts, host = hosts+1, strings.TrimSpace(value)
		case "content-length", "transfer-encoding":
			lengths++
		}
	}
	if hosts > 1 || lengths > 1 {
		return head, "", errors.New("the request contradicts itself: it has two Host, Content-Length or Transfer-Encoding headers")
	}
	return head, host, nil
}

// destination reads where an absolute URL and the Host header point to: both
// to the same, or the request is not to be trusted.
func destination(u *url.URL, header string) (host string, port uint16, err error) {
	if u.Scheme != "http" || u.Host == "" || u.Opaque != "" {
		return "", 0, errors.New("this is a proxy: it takes http:// URLs and CONNECT, nothing else")
	}
	if u.User != nil {
		return "", 0, errors.New("a URL with a user name in it is refused")
	}
	if host, port, err = split(u.Host, 80); err != nil || header == "" {
		return host, port, err
	}
	said, saidPort, err := split(header, 80)
	if err != nil {
		return "", 0, err
	}
	a, _, errA := canonical(host)
	b, _, errB := canonical(said)
	if errA == nil && (errB != nil || a != b || port != saidPort) {
		return "", 0, fmt.Errorf("the Host header says %q, the URL %q: they must agree", clip(header), clip(u.Host))
	}
	return host, port, nil
}

// split is net.SplitHostPort with a default port (0: none).
func split(hostport string, port uint16) (string, uint16, error) {
	i := strings.LastIndexByte(hostport, ':')
	if port != 0 && (i < 0 || strings.HasSuffix(hostport, "]")) {
		return hostport, port, nil
	}
	host, digits, err := net.SplitHostPort(hostport)
	if err == nil {
		port, err = parsePort(digits)
	}
	if err != nil || host == "" {
		return "", 0, fmt.Errorf("%q is not host:port", clip(hostport))
	}
	return host, port, nil
}

func (p *Proxy) connect(ctx context.Context, c net.Conn, body *bufio.Reader, req *http.Request) {
	host, port, err := split(req.RequestURI, 0)
	if err != nil {
		p.malformed(c, req.Method, err)
		return
	}
	x, err := p.open(ctx, "connect", req.Method, host, port)
	if err != nil {
		refuseHTTP(c, err)
		return
	}
	if _, err = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err == nil {
		err = x.tunnel(ctx, c, body)
	}
	x.finish(err)
}

// malformed records and answers a request that names no place.
func (p *Proxy) malformed(c net.Conn, method string, why error) {
	a := Attempt{N: p.requests.Add(1), Via: "http", Method: clip(method), Reason: why.Error()}
	if a.N <= p.o.MaxRequests {
		p.o.Record(a) //nolint:errcheck // it is refused anyway
	}
	answer(c, http.StatusBadRequest, "glovebox: "+why.Error())
}

// hopByHop are the headers that concern one connection only (RFC 9110, 7.6.1).
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Http2-Settings",
}

func endToEnd(h http.Header) http.Header {
	out := h.Clone()
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			out.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		out.Del(name)
	}
	return out
}

func (p *Proxy) forward(ctx context.Context, c net.Conn, req *http.Request, header string, head []byte) {
	host, port, err := destination(req.URL, header)
	if err != nil {
		p.malformed(c, req.Method, err)
		return
	}
	line, headers, _ := bytes.Cut(head, []byte("\n"))
	x, err := p.open(ctx, "http", req.Method, host, port, shown{"url", line}, shown{"headers", headers})
	if err != nil {
		refuseHTTP(c, err)
		return
	}
	if req.ContentLength != 0 {
		req.Body = struct {
			io.Reader
			io.Closer
		}{p.watched(x.out.N, req.Body, heldBody), req.Body}
	}
	x.finish(x.roundTrip(ctx, c, req))
}

// roundTrip sends one request and copies its answer, whatever it says: a
// redirect is the client's to follow, and comes back here as a new request.
func (x *exchange) roundTrip(ctx context.Context, c net.Conn, req *http.Request) error {
	if req.Header.Get("Expect") != "" {
		if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return err
		}
	}
	to := *req.URL
	to.Host, to.Fragment = x.target.host, ""
	if x.target.port != 80 || x.target.addr.Is6() {
		to.Host = x.target.String()
	}
	out := (&http.Request{
		Method: req.Method, URL: &to, Host: to.Host, Header: endToEnd(req.Header), Body: req.Body, ContentLength: req.ContentLength,
	}).WithContext(ctx)
	if _, set := out.Header["User-Agent"]; !set {
		out.Header.Set("User-Agent", "") // or Go names itself
	}
	way := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return x, nil },
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHead, ResponseHeaderTimeout: headTime,
	}
	defer way.CloseIdleConnections()
	resp, err := way.RoundTrip(out)
	if err != nil {
		refuseHTTP(c, fmt.Errorf("glovebox: %s gave no answer: %w", x.target, err))
		return err
	}
	defer resp.Body.Close()
	x.out.Status = resp.StatusCode
	resp.Header, resp.Close, resp.Request = endToEnd(resp.Header), true, req
	resp.ProtoMajor, resp.ProtoMinor = 1, 1
	if resp.ContentLength < 0 && req.ProtoAtLeast(1, 1) {
		resp.TransferEncoding = []string{"chunked"} // so that a cut is seen as one
	}
	return resp.Write(c)
}

// tunnel carries bytes both ways until both sides, or one in anger, hang up.
func (x *exchange) tunnel(ctx context.Context, c net.Conn, in io.Reader) error {
	defer context.AfterFunc(ctx, func() { x.Close() })()
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(writer{x}, x.proxy.watched(x.out.N, in, 0))
		if err != nil || closeWrite(x.Conn) != nil {
			x.Close()
		}
		sent <- err
	}()
	_, err := io.Copy(writer{c}, reader{x})
	if err == nil {
		err = closeWrite(c)
	}
	if err != nil {
		c.Close()
		x.Close()
	}
	c.SetReadDeadline(time.Now().Add(goodbye)) //nolint:errcheck // it may be closed
	up := <-sent
	var refused refusal
	if errors.As(up, &refused) || err == nil && !errors.Is(up, os.ErrDeadlineExceeded) {
		return up
	}
	return err
}

// reader and writer hide everything else from io.Copy, or it would go around
// the counting.
type (
	reader struct{ io.Reader }
	writer struct{ io.Writer }
)

func refuseHTTP(c net.Conn, err error) {
	status := http.StatusBadGateway
	var refused refusal
	if errors.As(err, &refused) {
		status = http.StatusForbidden
	}
	answer(c, status, err.Error())
}

// answer says why not, in the status line too: of a refused CONNECT, clients
// show nothing else.
func answer(c net.Conn, status int, words string) {
	words = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, words)
	c.SetDeadline(time.Now().Add(requestTime)) //nolint:errcheck // the write shows it
	fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n",
		status, words[:min(len(words), 400)], len(words)+1, words)
}
