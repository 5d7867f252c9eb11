package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const public = "93.184.215.14"

// world is what lies behind the proxy: a server on loopback that has the
// public address, and what was recorded on the way to it.
type world struct {
	*Proxy
	server *httptest.Server

	mu       sync.Mutex
	attempts []Attempt
	outcomes []Outcome
	lookups  []string
	dials    []string
	got      []string // request lines and headers that arrived
}

func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	w := &world{}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.mu.Lock()
		w.got = append(w.got, fmt.Sprintf("%s %s %s %v %q %v", r.Method, r.Host, r.URL, r.Header, body, err))
		w.mu.Unlock()
		switch r.URL.Path {
		case "/huge":
			rw.Write(make([]byte, 1<<20)) //nolint:errcheck // will be cut
		default:
			fmt.Fprint(rw, "hello")
		}
	}))
	t.Cleanup(w.server.Close)
	o := Options{
		Record: func(a Attempt) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.attempts = append(w.attempts, a)
			return nil
		},
		Done: func(o Outcome) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.outcomes = append(w.outcomes, o)
		},
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.lookups = append(w.lookups, host)
			if len(w.lookups) > 1 { // whoever asks again is told something else
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr(public)}, nil
		},
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.dials = append(w.dials, to.String())
			return (&net.Dialer{}).DialContext(ctx, "tcp", w.server.Listener.Addr().String())
		},
	}
	for _, e := range []string{"allowed.example", "bücher.example:80", "*.wild.example:8443", "93.184.215.14:80"} {
		r, err := ParseRule(e)
		if err != nil {
			t.Fatal(err)
		}
		o.Rules = append(o.Rules, r)
	}
	if change != nil {
		change(&o)
	}
	w.Proxy = New(o)
	return w
}

// say lets a client say something and returns all that it is told. Over a real
// connection: a pipe has no half-close.
func (w *world) say(t *testing.T, serve func(context.Context, net.Conn), text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if c, err := l.Accept(); err == nil {
			serve(t.Context(), c)
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Log(err) // it may have been enough before its end
	}
	c.(*net.TCPConn).CloseWrite() //nolint:errcheck // as above
	told, err := io.ReadAll(c)
	if err != nil {
		t.Log(err)
	}
	<-served
	return string(told)
}

func get(url string, headers ...string) string {
	return "GET " + url + " HTTP/1.1\r\n" + strings.Join(append(headers, "", ""), "\r\n")
}

func TestRules(t *testing.T) {
	for entry, want := range map[string]string{
		"":                      "it has a part that is empty",
		"*":                     "disallowed",
		"*.":                    "empty",
		"*.com":                 "top-level",
		"a.*.com":               "disallowed",
		"http://x.example":      "without scheme",
		"http://127.0.0.1:80":   "without scheme",
		"x.example/y":           "without scheme",
		"u@x.example":           "without scheme",
		"x.example:0":           "a port is",
		"x.example:65536":       "a port is",
		"x.example:+80":         "a port is",
		"x.example:":            "a port is",
		"x.example:080":         "a port is",
		"127.0.0.1":             "loopback",
		"10.1.2.3:80":           "private",
		"169.254.169.254":       "link-local",
		"[::1]:80":              "loopback",
		"::1":                   "loopback",
		"[::ffff:8.8.8.8]":      "IPv4 inside IPv6",
		"[fe80::1%eth0]":        "unusual notation",
		"2130706433":            "unusual notation",
		"0x7f.1":                "unusual notation",
		"127.1:80":              "unusual notation",
		"*.1.1.1.1":             "below",
		"[x.example]":           "brackets",
		strings.Repeat("a", 64): "too long",
	} {
		if r, err := ParseRule(entry); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q cannot be allowed", entry)) {
			t.Errorf("%q: %+v, %v; want %q", entry, r, err, want)
		}
	}
	for _, tt := range []struct {
		entry, host string
		port        uint16
		ok          bool
	}{
		{"pypi.org", "PyPI.org.", 443, true},
		{"pypi.org", "pypi.org", 80, true},
		{"pypi.org", "pypi.org", 8080, false},
		{"pypi.org", "pypi.org..", 443, false},
		{"pypi.org", "xpypi.org", 443, false},
		{"pypi.org", "pypi.org.evil.example", 443, false},
		{"pypi.org", "pypi.org\x00.evil.example", 443, false},
		{"pypi.org", "ｐｙｐｉ。ｏｒｇ", 443, true},
		{"pypi.org", "pyp\u0456.org", 443, false}, // Cyrillic
		{"PYPI.ORG.:443", "pypi.org", 443, true},
		{"PYPI.ORG.:443", "pypi.org", 80, false},
		{"*.example.org", "a.b.example.org", 443, true},
		{"*.example.org", "example.org", 443, false},
		{"*.example.org", ".example.org", 443, false},
		{"*.example.org", "aexample.org", 443, false},
		{"bücher.example", "XN--BCHER-KVA.example", 443, true},
		{"xn--bcher-kva.example", "b\u0075\u0308cher.example", 443, true},
		{"r3---sn-x.example", "r3---sn-x.example", 443, true},
		{"8.8.8.8:53", "8.8.8.8", 53, true},
		{"8.8.8.8", "134744072", 443, false},
		{"8.8.8.8", "0x8.8.8.8", 443, false},
		{"8.8.8.8", "8.8.8.8.", 443, false},
		{"8.8.8.8", "::ffff:8.8.8.8", 443, false},
		{"[2606:4700::1111]:443", "[2606:4700::1111]", 443, true},
		{"2606:4700::1111", "2606:4700:0::1111", 443, false},
	} {
		r, err := ParseRule(tt.entry)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, rule, reason := match([]Rule{r}, tt.host, tt.port); (rule == tt.entry) != tt.ok || (reason == "") != tt.ok {
			t.Errorf("%s allows %q port %d: %q, %q", tt.entry, tt.host, tt.port, rule, reason)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.255.1.2", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.200",
		"169.254.169.254", "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::",
		"2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "3fff::1", "5f00::1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "fe80::1%lo",
	} {
		if notPublic(netip.MustParseAddr(a)) == "" {
			t.Errorf("%s counts as public", a)
		}
	}
	for _, a := range []string{"8.8.8.8", "1.1.1.1", public, "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"} {
		if why := notPublic(netip.MustParseAddr(a)); why != "" {
			t.Errorf("%s counts as %s", a, why)
		}
	}
	own, err := ownAddresses()
	if err != nil || !slices.Contains(own, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("the host's own addresses: %v, %v", own, err)
	}
	if why := refuse([]netip.Addr{netip.MustParseAddr("8.8.8.8")}, []netip.Addr{netip.MustParseAddr("8.8.8.8")}); !strings.Contains(why, "this host itself") {
		t.Errorf("the host's own public address: %q", why)
	}
}

// What a request says is sent on, what concerns the connection is not, and
// the name is looked up once.
func TestForward(t *testing.T) {
	w := newWorld(t, nil)
	told := w.say(t, w.ServeHTTP, get("http://ALLOWED.example/a?b=c", "Host: allowed.example:80", "Connection: X-Mine, close", "X-Mine: 1",
		"Proxy-Authorization: Basic eA==", "X-Kept: 1", "Upgrade: websocket"))
	if !strings.HasPrefix(told, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(told, "\r\n\r\nhello") {
		t.Errorf("told %q", told)
	}
	if want := `GET allowed.example /a?b=c map[Connection:[close] X-Kept:[1]] "" <nil>`; len(w.got) != 1 || w.got[0] != want {
		t.Errorf("the server got %q, want %q", w.got, want)
	}
	if !slices.Equal(w.lookups, []string{"allowed.example"}) || !slices.Equal(w.dials, []string{public + ":80"}) {
		t.Errorf("looked up %v, dialled %v", w.lookups, w.dials)
	}
	want := Attempt{N: 1, Via: "http", Method: "GET", Host: "allowed.example", Port: 80, Allowed: true, Rule: "allowed.example"}
	if len(w.attempts) != 1 || w.attempts[0] != want {
		t.Errorf("recorded %+v", w.attempts)
	}
	if o := w.outcomes[0]; o.N != 1 || o.Status != 200 || o.Addr != public+":80" || o.Up == 0 || o.Down == 0 || o.Error != "" {
		t.Errorf("outcome %+v", o)
	}
	// The second lookup answers 127.0.0.1: it counts, and is refused.
	if told := w.say(t, w.ServeHTTP, get("http://allowed.example/", "Host: allowed.example")); !strings.Contains(told, "it resolves to 127.0.0.1, which is loopback") {
		t.Errorf("rebound: %q", told)
	}
	if len(w.dials) != 1 || len(w.outcomes) != 2 || w.outcomes[1].Refused == "" {
		t.Errorf("rebound: dialled %v, %+v", w.dials, w.outcomes)
	}
}

func TestBodies(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Methods = []string{"POST"}
		o.Lookup = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr(public)}, nil
		}
	})
	for _, req := range []string{
		"POST http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nContent-Length: 4\r\n\r\nbodyGET http://other.example/ HTTP/1.1\r\n\r\n",
		"POST http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"POST http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
	} {
		if told := w.say(t, w.ServeHTTP, req); !strings.HasSuffix(told, "hello") {
			t.Errorf("%q: %q", req, told)
		}
	}
	if len(w.got) != 3 || len(w.attempts) != 3 {
		t.Fatalf("%d requests arrived, %d recorded", len(w.got), len(w.attempts))
	}
	for _, g := range w.got {
		if !strings.HasSuffix(g, `"body" <nil>`) || strings.Contains(g, "Expect") {
			t.Errorf("the server got %s", g)
		}
	}
}

// What does not fit together is refused and recorded, and nothing is done for it.
func TestHostileRequests(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct{ name, request, want string }{
		{"another Host", get("http://allowed.example/", "Host: other.example"), "they must agree"},
		{"another port in Host", get("http://allowed.example/", "Host: allowed.example:81"), "they must agree"},
		{"two Hosts", get("http://allowed.example/", "Host: allowed.example", "Host: other.example"), "contradicts itself"},
		{"two lengths", get("http://allowed.example/", "Host: allowed.example", "Content-Length: 3", "Transfer-Encoding: chunked"), "contradicts itself"},
		{"a folded header", get("http://allowed.example/", "Host: allowed.example", " other.example"), "malformed header"},
		{"a space before the colon", get("http://allowed.example/", "Host : other.example"), "malformed header"},
		{"no absolute URL", get("/", "Host: allowed.example"), "this is a proxy"},
		{"https without CONNECT", get("https://allowed.example/", "Host: allowed.example"), "this is a proxy"},
		{"ftp", get("ftp://allowed.example/", "Host: allowed.example"), "this is a proxy"},
		{"a user in the URL", get("http://allowed.example@other.example/", "Host: other.example"), "user name"},
		{"a backslash", get(`http://other.example\@allowed.example/`, "Host: allowed.example"), "cannot be read"},
		{"a port that is none", get("http://allowed.example:99999/", "Host: allowed.example:99999"), "is not host:port"},
		{"no port to connect to", "CONNECT allowed.example HTTP/1.1\r\nHost: allowed.example\r\n\r\n", "is not host:port"},
		{"a URL to connect to", "CONNECT http://allowed.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"another method", "DELETE http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\n\r\n", "method DELETE is not allowed"},
		{"a made-up method", "get http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\n\r\n", "method get is not allowed"},
		{"noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "cannot be read"},
		{"an endless head", "GET http://allowed.example/ HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 11_000), "too long"},
		{"an endless line", "GET http://allowed.example/" + strings.Repeat("x", 20_000), "too long"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
		{"control bytes in the host", get("http://allowed.example\x01/", "Host: allowed.example"), "cannot be read"},
		{"percent in the host", get("http://allowed%2eexample/", "Host: allowed.example"), ""},
	} {
		before := len(w.attempts)
		told := w.say(t, w.ServeHTTP, tt.request)
		if !strings.HasPrefix(told, "HTTP/1.1 40") || !strings.Contains(told, tt.want) {
			t.Errorf("%s: told %q", tt.name, told)
		}
		if len(w.attempts) != before+1 {
			t.Errorf("%s: not recorded", tt.name)
		}
	}
	for _, a := range w.attempts {
		if a.Allowed || a.Reason == "" {
			t.Errorf("recorded %+v", a)
		}
	}
	if len(w.lookups)+len(w.dials)+len(w.got)+len(w.outcomes) != 0 {
		t.Errorf("something was done: %v %v %v %v", w.lookups, w.dials, w.got, w.outcomes)
	}
}

func TestSOCKS(t *testing.T) {
	hello, ask := "\x05\x01\x00", func(kind, addr string) string { return "\x05\x01\x00" + kind + addr + "\x00\x50" }
	name := func(s string) string { return ask("\x03", string(rune(len(s)))+s) }
	request := get("/x", "Host: allowed.example", "Connection: close")
	for _, tt := range []struct{ what, said, want string }{
		{"a listed name", hello + name("allowed.example") + request, "\x05\x00\x05\x00"},
		{"a listed address", hello + ask("\x01", "\x5d\xb8\xd7\x0e") + request, "\x05\x00\x05\x00"},
		{"another name", hello + name("other.example"), "\x05\x00\x05\x02"},
		{"loopback", hello + ask("\x01", "\x7f\x00\x00\x01"), "\x05\x00\x05\x02"},
		{"IPv6 loopback", hello + ask("\x04", strings.Repeat("\x00", 15)+"\x01"), "\x05\x00\x05\x02"},
		{"IPv4 in IPv6", hello + ask("\x04", strings.Repeat("\x00", 10)+"\xff\xff\x5d\xb8\xd7\x0e"), "\x05\x00\x05\x02"},
		{"a literal as a name", hello + name("2130706433"), "\x05\x00\x05\x02"},
		{"no such kind of address", hello + ask("\x09", ""), "\x05\x00\x05\x08"},
		{"BIND", hello + strings.Replace(name("allowed.example"), "\x05\x01", "\x05\x02", 1), "\x05\x00\x05\x07"},
		{"no method in common", "\x05\x01\x02", "\x05\xff"},
		{"SOCKS4", "\x04\x01\x00\x50\x5d\xb8\xd7\x0e\x00", ""},
	} {
		w := newWorld(t, nil)
		told := w.say(t, w.ServeSOCKS, tt.said)
		if !strings.HasPrefix(told, tt.want) || tt.want == "" && told != "" {
			t.Errorf("%s: told %q", tt.what, told)
		}
		reached := strings.HasSuffix(tt.want, "\x05\x00\x05\x00")
		if reached != strings.HasSuffix(told, "hello") || reached != (len(w.got) == 1) || !reached && len(w.dials) > 0 {
			t.Errorf("%s: told %q, dialled %v", tt.what, told, w.dials)
		}
		if len(tt.want) >= 4 && (len(w.attempts) != 1 || w.attempts[0].Allowed != reached || w.attempts[0].Via != "socks5") {
			t.Errorf("%s: recorded %+v", tt.what, w.attempts)
		}
	}
}

func TestCaps(t *testing.T) {
	always := func(o *Options) {
		o.Lookup = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr(public)}, nil
		}
	}
	t.Run("requests", func(t *testing.T) {
		w := newWorld(t, func(o *Options) { always(o); o.MaxRequests = 2 })
		var told string
		for range 5 {
			told = w.say(t, w.ServeHTTP, get("http://allowed.example/", "Host: allowed.example"))
		}
		if len(w.got) != 2 || len(w.attempts) != 3 || w.attempts[2].Allowed || !strings.Contains(told, "no more requests") {
			t.Errorf("%d arrived, recorded %+v, told %q", len(w.got), w.attempts, told)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		w := newWorld(t, func(o *Options) { always(o); o.MaxBytes = 100_000 })
		told := w.say(t, w.ServeHTTP, get("http://allowed.example/huge", "Host: allowed.example"))
		if len(told) > 101_000 || w.outcomes[0].Refused != "this session's 100000 bytes are used up" {
			t.Errorf("%d bytes came, %+v", len(told), w.outcomes)
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(told)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.Copy(io.Discard, resp.Body); err == nil {
			t.Error("the cut cannot be seen")
		}
		resp.Body.Close()
		if told := w.say(t, w.ServeHTTP, get("http://allowed.example/", "Host: allowed.example")); !strings.Contains(told, "bytes are used up") {
			t.Errorf("told %q", told)
		}
		if len(w.dials) != 1 {
			t.Errorf("dialled %v", w.dials)
		}
	})
	t.Run("what cannot be recorded is not done", func(t *testing.T) {
		w := newWorld(t, func(o *Options) { o.Record = func(Attempt) error { return errors.New("disk full") } })
		if told := w.say(t, w.ServeHTTP, get("http://allowed.example/", "Host: allowed.example")); !strings.Contains(told, "could not be recorded") {
			t.Errorf("told %q", told)
		}
		if len(w.lookups)+len(w.dials) != 0 {
			t.Errorf("looked up %v", w.lookups)
		}
	})
}

// Whatever a client says: nothing but the listed name is looked up, nothing
// but its address is dialled, and each answer is one of ours.
func FuzzClient(f *testing.F) {
	f.Add(false, []byte(get("http://allowed.example/", "Host: allowed.example")))
	f.Add(false, []byte("CONNECT allowed.example:443 HTTP/1.1\r\n\r\nx"))
	f.Add(false, []byte(get("http://[::ffff:127.0.0.1]:80/", "Host: [::1]")))
	f.Add(true, []byte("\x05\x01\x00\x05\x01\x00\x03\x0fallowed.example\x00\x50"))
	f.Add(true, []byte("\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"))
	f.Fuzz(func(t *testing.T, socks bool, said []byte) {
		rule, err := ParseRule("allowed.example")
		if err != nil {
			t.Fatal(err)
		}
		recorded := 0
		p := New(Options{
			Rules:  []Rule{rule},
			Record: func(Attempt) error { recorded++; return nil },
			Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
				if host != "allowed.example" || recorded == 0 {
					t.Errorf("looked up %q, recorded %d", host, recorded)
				}
				return []netip.Addr{netip.MustParseAddr(public)}, nil
			},
			Dial: func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
				if to.Addr().String() != public || to.Port() != 80 && to.Port() != 443 {
					t.Errorf("dialled %s", to)
				}
				return nil, errors.New("nobody is there")
			},
		})
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs) //nolint:errcheck // ends with the connection
		go func() {
			theirs.Write(said) //nolint:errcheck // the proxy may have hung up
			if !socks {
				io.WriteString(theirs, "\r\n\r\n") //nolint:errcheck // as above
			}
			theirs.Close()
		}()
		if socks {
			p.ServeSOCKS(t.Context(), ours)
		} else {
			p.ServeHTTP(t.Context(), ours)
		}
		if recorded > 1 {
			t.Errorf("%d records of one connection", recorded)
		}
	})
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"pypi.org:443", "*.example.org", "[2606:4700::1111]:443", "8.8.8.8", "bücher.example", "0x7f.1"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, entry, host string) {
		name, addr, err := canonical(host)
		if err == nil {
			again, _, err := canonical(name)
			if err != nil || again != name {
				t.Errorf("%q is %q is %q, %v", host, name, again, err)
			}
			if _, err := netip.ParseAddr(name); (err == nil) != addr.IsValid() {
				t.Errorf("%q: %q is an address and is not", host, name)
			}
		}
		r, err := ParseRule(entry)
		if err != nil {
			return
		}
		if _, rule, reason := match([]Rule{r}, host, 443); rule != "" && (err != nil || reason != "" || !r.hosts(name)) {
			t.Errorf("%q allows %q", entry, host)
		}
	})
}
