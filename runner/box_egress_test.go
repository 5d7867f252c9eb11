package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"glovebox/runner/egress"
	"glovebox/runner/port"
)

// internet is what the tests have for one: names that resolve as written here,
// and two loopback servers behind the public address. Nothing else is dialled.
type internet struct {
	t           *testing.T
	plain, tls  *httptest.Server
	mu          sync.Mutex
	names       map[string][]string
	asked       map[string]int
	dialled     []netip.AddrPort
	attempts    []egress.Attempt
	outcomes    []egress.Outcome
	unfinished  map[int64]egress.Attempt
	seenByPlain []*http.Request
}

const public = "93.184.215.14"

func newInternet(t *testing.T) *internet {
	n := &internet{t: t, asked: map[string]int{}, unfinished: map[int64]egress.Attempt{}, names: map[string][]string{
		"allowed.example": {public}, "files.wild.example": {public},
		"loopback.example": {"127.0.0.1"}, "metadata.example": {"169.254.169.254"}, "loopback6.example": {"::1"},
		"mapped.example": {"::ffff:127.0.0.1"}, "private.example": {"10.0.0.1"}, "mixed.example": {public, "10.0.0.1"},
	}}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.seenByPlain = append(n.seenByPlain, r)
		n.mu.Unlock()
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://other.example/", http.StatusFound)
		case "/echo":
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.Write(body) //nolint:errcheck // the client's test
		case "/big":
			w.Write(make([]byte, 8<<20)) //nolint:errcheck // may be cut
		default:
			fmt.Fprintf(w, "hello from %s%s", r.Host, r.URL)
		}
	})
	n.plain, n.tls = httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(func() { n.plain.Close(); n.tls.Close() })
	return n
}

func (n *internet) options(t *testing.T, entries ...string) egress.Options {
	o := egress.Options{
		Record: func(a egress.Attempt) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.attempts = append(n.attempts, a)
			if a.Allowed {
				n.unfinished[a.N] = a
			}
			return nil
		},
		Done: func(o egress.Outcome) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.outcomes = append(n.outcomes, o)
			delete(n.unfinished, o.N)
		},
		Lookup: func(_ context.Context, host string) (addrs []netip.Addr, err error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.asked[host]++
			for _, a := range n.names[host] {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			return addrs, nil
		},
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			n.mu.Lock()
			n.dialled = append(n.dialled, to)
			n.mu.Unlock()
			server := map[string]*httptest.Server{public + ":80": n.plain, public + ":443": n.tls}[to.String()]
			if server == nil {
				return nil, fmt.Errorf("nothing is at %s", to)
			}
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
	}
	for _, e := range entries {
		r, err := egress.ParseRule(e)
		if err != nil {
			t.Fatal(err)
		}
		o.Rules = append(o.Rules, r)
	}
	return o
}

// last is the last attempt, and its outcome if it was allowed.
func (n *internet) last() (a egress.Attempt, o egress.Outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.attempts) > 0 {
		a = n.attempts[len(n.attempts)-1]
	}
	for _, done := range n.outcomes {
		if done.N == a.N {
			o = done
		}
	}
	return a, o
}

func egressBox(t *testing.T, o egress.Options) *Box {
	t.Helper()
	b, err := testEngine(t).NewBox(t.Context(), BoxOptions{Image: testImage(t), Session: "test", Egress: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.ServeEgress(egress.New(o))
	return b
}

const (
	python = `python3 -c 'import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())' `
	socks = "curl -sS --max-time 20 --noproxy '' --socks5-hostname 127.0.0.1:1080 "
	curl  = "curl -sS --max-time 20 "
)

func TestEgressAllowed(t *testing.T) {
	n := newInternet(t)
	b := egressBox(t, n.options(t, "allowed.example", "*.wild.example"))
	for _, tt := range []struct{ name, script, want, via string }{
		{"curl, HTTP", curl + "http://allowed.example/x?y=1", "hello from allowed.example/x?y=1", "http"},
		{"curl, TLS", curl + "-k https://allowed.example/x", "hello from allowed.example/x", "connect"},
		{"curl, SOCKS", socks + "http://allowed.example/x", "hello from allowed.example/x", "socks5"},
		{"curl, SOCKS, TLS", socks + "-k https://allowed.example/x", "hello from allowed.example/x", "socks5"},
		{"python, HTTP", python + "http://allowed.example/x", "hello from allowed.example/x\n", "http"},
		{"python, TLS", strings.Replace(python, "sys.argv[1]", "sys.argv[1], context=__import__(\"ssl\")._create_unverified_context()", 1) + "https://allowed.example/x", "hello from allowed.example/x\n", "connect"},
		{"wildcard, upper case, last dot", curl + "http://FILES.wild.EXAMPLE./x", "hello from files.wild.example/x", "http"},
		{"a body back and forth", "head -c 1000 /dev/zero | tr '\\0' a | " + socks + "--data-binary @- http://allowed.example/echo | wc -c", "1000\n", "socks5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := sh(t, b, tt.script)
			if !r.exited(0) || string(r.Stdout) != tt.want {
				t.Fatal(r)
			}
			a, _ := n.last()
			if !a.Allowed || a.Via != tt.via || a.Rule == "" {
				t.Errorf("recorded %+v", a)
			}
		})
	}
	t.Run("what is 8 MB arrives whole", func(t *testing.T) {
		if r := sh(t, b, socks+"http://allowed.example/big | sha256sum; head -c 8388608 /dev/zero | sha256sum"); len(r.Stdout) < 130 || string(r.Stdout[:64]) != string(r.Stdout[len(r.Stdout)/2:][:64]) {
			t.Error(r)
		}
	})
	t.Run("twenty at once", func(t *testing.T) {
		r := sh(t, b, "for i in $(seq 40); do "+curl+"http://allowed.example/$i >/tmp/$i & done; wait; cat /tmp/[0-9]* | grep -o hello | wc -l")
		if string(r.Stdout) != "40\n" {
			t.Error(r)
		}
	})
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(n.unfinished) > 0 {
		t.Errorf("no outcome of %v", n.unfinished)
	}
	for _, o := range n.outcomes {
		if o.Error != "" || o.Refused != "" || o.Up == 0 || o.Down == 0 || !strings.HasPrefix(o.Addr, public) {
			t.Errorf("outcome %+v", o)
		}
	}
}

func TestEgressRefused(t *testing.T) {
	n := newInternet(t)
	b := egressBox(t, n.options(t, "allowed.example", "*.wild.example", "loopback.example", "metadata.example",
		"loopback6.example", "mapped.example", "private.example", "mixed.example", "nowhere.example"))
	tests := []struct{ name, url, want string }{
		{"another host", "http://other.example/", "host other.example is not on the allowlist (allowed: allowed.example, *.wild.example"},
		{"another port", "http://allowed.example:8080/", "port 8080 of allowed.example is not on the allowlist"},
		{"a wildcard's apex", "http://wild.example/", "host wild.example is not on the allowlist"},
		{"a name that ends alike", "http://evilwild.example/", "is not on the allowlist"},
		{"the public address itself", "http://" + public + "/", "IP address " + public + " is not on the allowlist"},
	}
	for _, literal := range []string{"2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254", "[0:0:0:0:0:ffff:a9fe:a9fe]", "1572395042", "0x5db8d70e"} {
		tests = append(tests, struct{ name, url, want string }{literal, "http://" + literal + "/", "IP address"})
	}
	for name, address := range map[string]string{"loopback": "127.0.0.1", "metadata": "169.254.169.254", "loopback6": "::1", "mapped": "::ffff:127.0.0.1", "private": "10.0.0.1", "mixed": "10.0.0.1"} {
		tests = append(tests, struct{ name, url, want string }{name, "http://" + name + ".example/", name + ".example is on the allowlist, but refused: it resolves to " + address})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The client must not be clever: as the URL stands it goes to the proxy.
			raw := fmt.Sprintf(`printf 'GET %s HTTP/1.1\r\nHost: %s\r\n\r\n' | timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; cat >&3; cat <&3'`, tt.url, strings.Trim(strings.TrimPrefix(tt.url, "http:"), "/"))
			if r := sh(t, b, raw); !strings.HasPrefix(string(r.Stdout), "HTTP/1.1 403 glovebox: ") || !strings.Contains(string(r.Stdout), tt.want) {
				t.Errorf("by HTTP, want %q: %v", tt.want, r)
			}
			a, o := n.last()
			if a.Via != "http" || a.Allowed && o.Refused == "" || !a.Allowed && a.Reason == "" {
				t.Errorf("recorded %+v, %+v", a, o)
			}
			if r := sh(t, b, curl+"-p -i --noproxy '' '"+tt.url+"'"); r.exited(0) || !strings.Contains(string(r.Stdout), "HTTP/1.1 403 glovebox: ") {
				t.Error("by CONNECT:", r)
			}
			if a, o := n.last(); a.Via != "connect" || a.Allowed && o.Refused == "" {
				t.Errorf("recorded %+v, %+v", a, o)
			}
			if r := sh(t, b, socks+"'"+tt.url+"'"); !r.exited(97) || !strings.Contains(string(r.Stderr), "(2)") {
				t.Error("by SOCKS:", r)
			}
			if a, o := n.last(); a.Via != "socks5" || a.Allowed && o.Refused == "" {
				t.Errorf("recorded %+v, %+v", a, o)
			}
		})
	}
	t.Run("python is told in words", func(t *testing.T) {
		if r := sh(t, b, python+"https://other.example/"); !strings.Contains(string(r.Stderr), "Tunnel connection failed: 403 glovebox: host other.example is not on the allowlist") {
			t.Error(r)
		}
	})
	t.Run("another method", func(t *testing.T) {
		if r := sh(t, b, curl+"-d x http://allowed.example/"); !strings.Contains(string(r.Stdout), "method POST is not allowed") {
			t.Error(r)
		}
	})
	t.Run("Host says something else", func(t *testing.T) {
		if r := sh(t, b, curl+"-H 'Host: other.example' http://allowed.example/"); !strings.Contains(string(r.Stdout), "they must agree") {
			t.Error(r)
		}
		if a, _ := n.last(); a.Allowed || !strings.Contains(a.Reason, "they must agree") {
			t.Errorf("recorded %+v", a)
		}
	})
	if len(n.dialled) != 0 || len(n.seenByPlain) != 0 {
		t.Errorf("something was reached: %v", n.dialled)
	}
	t.Run("no address", func(t *testing.T) {
		if r := sh(t, b, curl+"http://nowhere.example/"); !strings.Contains(string(r.Stdout), "nowhere.example:80 cannot be reached: it has no address") {
			t.Error(r)
		}
	})
	t.Run("a redirect is the client's to follow, and refused there", func(t *testing.T) {
		if r := sh(t, b, curl+"-L http://allowed.example/away"); !strings.Contains(string(r.Stdout), "host other.example is not on the allowlist") {
			t.Error(r)
		}
	})
}

// The network is proven to be none with the listeners open, and nothing else
// in the box has changed.
func TestEgressKeepsTheSeal(t *testing.T) {
	n := newInternet(t)
	b := egressBox(t, n.options(t, "allowed.example"))
	r, err := b.Exec(t.Context(), Command{Argv: []string{"/.glovebox/init", "core"}})
	if err != nil {
		t.Fatal(err)
	}
	var proofs []port.Proof
	if err := json.Unmarshal(r.Stdout, &proofs); err != nil {
		t.Fatal(err, r)
	}
	proven := 0
	for _, p := range proofs {
		if p.Layer == "network" && p.Verdict == port.Pass {
			proven++
		}
	}
	if proven != 3 {
		t.Errorf("%d network probes pass: %+v", proven, proofs)
	}
	for _, script := range []string{
		"curl -sS --noproxy '*' --max-time 5 http://93.184.215.14/",
		"timeout 5 bash -c 'exec 3<>/dev/tcp/93.184.215.14/80'",
	} {
		if r := sh(t, b, script); r.exited(0) {
			t.Error("around the proxy:", r)
		}
	}
	if len(n.attempts) != 0 {
		t.Errorf("recorded %v", n.attempts)
	}
	if r := sh(t, b, "env | grep -ic proxy"); string(r.Stdout) != "8\n" {
		t.Error(r)
	}
}

func TestNoEgressNoListener(t *testing.T) {
	b := testBox(t)
	if r := sh(t, b, "env | grep -ic proxy; tail -qn +2 /proc/net/tcp /proc/net/tcp6 | wc -l"); string(r.Stdout) != "0\n0\n" {
		t.Error(r)
	}
}
