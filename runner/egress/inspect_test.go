package egress

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// What an inspector refuses does not arrive, in whichever part of a request it
// stands; also behind what only looks as if it were encrypted.
func TestInspect(t *testing.T) {
	for name, c := range map[string]struct {
		via, say    string
		part, words string // "": it passes
	}{
		"url":        {"http", "GET http://allowed.example/?q=SECRET HTTP/1.1\r\nHost: allowed.example\r\n\r\n", "url", "403"},
		"header":     {"http", "GET http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nX-A: SECRET\r\n\r\n", "headers", "403"},
		"name":       {"http", "GET http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nSECRET: x\r\n\r\n", "headers", "403"},
		"host":       {"http", "GET http://SECRET.wild.example:8443/ HTTP/1.1\r\n\r\n", "url", "403"},
		"connect":    {"http", "CONNECT SECRET.wild.example:8443 HTTP/1.1\r\n\r\n", "host", "403"},
		"body":       {"http", "POST http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nContent-Length: 20\r\n\r\nabc SECRET def 12345", "body", "403"},
		"late":       {"http", "POST http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nContent-Length: 300010\r\n\r\n" + strings.Repeat("x", 300_000) + "SECRET    ", "body", ""},
		"chunked":    {"http", "POST http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabSE\r\n6\r\nCRET12\r\n0\r\n\r\n", "body", "403"},
		"tunnel":     {"http", "CONNECT allowed.example:443 HTTP/1.1\r\n\r\nPOST /?SECRET HTTP/1.1\r\nHost: x\r\n\r\n", "body", "200"},
		"greeting":   {"http", "CONNECT allowed.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x12xxxxSECRET.example", "body", "200"},
		"like tls":   {"http", "CONNECT allowed.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x04xxxx" + strings.Repeat("x", 40_000) + "SECRET", "body", "200"},
		"no tls":     {"http", "CONNECT allowed.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01" + strings.Repeat("x", 40_000) + "SECRET", "body", "200"},
		"after tls":  {"http", "CONNECT allowed.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x04xxxx\x17\x03\x03\x40\x00" + strings.Repeat("x", 1<<14) + "SECRET", "body", "200"},
		"socks":      {"socks", "\x05\x01\x00\x05\x01\x00\x03\x0fallowed.example\x01\xbbGET /SECRET HTTP/1.1\r\n\r\n", "body", ""},
		"not at all": {"http", "GET http://allowed.example/ HTTP/1.1\r\nHost: allowed.example\r\n\r\n", "", "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var parts []string
			w := newWorld(t, func(o *Options) {
				o.Methods = []string{"GET", "POST"}
				o.Inspect = func(n int64, part string) func([]byte) error {
					var before []byte
					return func(piece []byte) error {
						before = append(before, piece...)
						if n == 1 && bytes.Contains(before, []byte("SECRET")) {
							mu.Lock()
							defer mu.Unlock()
							parts = append(parts, part)
							return errors.New("it carries a secret")
						}
						return nil
					}
				}
			})
			serve := w.ServeHTTP
			if c.via == "socks" {
				serve = w.ServeSOCKS
			}
			said := w.say(t, serve, c.say)
			w.server.Close() // what is under way has arrived then
			if !strings.Contains(said, c.words) || c.words == "403" && !strings.Contains(said, "it carries a secret") {
				t.Errorf("it was told %.300q", said)
			}
			if got := strings.Join(parts, " "); !strings.HasPrefix(got, c.part) || (got == "") != (c.part == "") {
				t.Errorf("found in %q, want %q", got, c.part)
			}
			if arrived := fmt.Sprint(w.got); strings.Contains(arrived, "SECRET") {
				t.Errorf("arrived: %.300s", arrived)
			}
			refused := w.attempts[0].Reason
			if len(w.outcomes) > 0 {
				refused += w.outcomes[0].Refused
			}
			if strings.Contains(refused, "it carries a secret") != (c.part != "") {
				t.Errorf("recorded %+v, %+v", w.attempts, w.outcomes)
			}
		})
	}
}

// Of real TLS the greeting can be read, and nothing of what is said in it.
func TestRecordsOfTLS(t *testing.T) {
	here, there := net.Pipe()
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	accepted := make(chan error, 1)
	go func() {
		c := tls.Server(there, server.TLS)
		_, err := io.Copy(io.Discard, c)
		accepted <- err
	}()
	var sent bytes.Buffer
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	c := tls.Client(teeConn{here, &sent}, &tls.Config{ServerName: "example.com", RootCAs: pool, DynamicRecordSizingDisabled: true})
	said := make([]byte, 100_000)
	rand.Read(said)
	if _, err := c.Write(said); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.CloseWrite(), <-accepted); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var r records
		var seen []byte
		for left := append(sent.Bytes(), "and a plain end"...); len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "piece")
			if len(left) > 20_000 {
				n = max(n, 1000)
			}
			seen = append(seen, r.readable(left[:n])...)
			left = left[n:]
		}
		if !bytes.Contains(seen, []byte("example.com")) || !bytes.HasSuffix(seen, []byte("and a plain end")) {
			t.Fatalf("what can be read was not seen, in %d bytes", len(seen))
		}
		if len(seen) > 5000 {
			t.Fatalf("%d of %d bytes were looked at", len(seen), sent.Len())
		}
	})
}

// teeConn keeps a copy of what is written.
type teeConn struct {
	net.Conn
	sent *bytes.Buffer
}

func (c teeConn) Write(b []byte) (int, error) {
	c.sent.Write(b)
	return c.Conn.Write(b)
}

// However a stream is cut, the same of it can be read.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x02ab\x17\x03\x03\x00\x03xyzGET / HTTP/1.1"), 7)
	f.Add([]byte("\x16\x03\x01\xff\xff plain"), 4)
	f.Add([]byte("GET / HTTP/1.1"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var whole, pieces records
		want := slices.Clone(whole.readable(stream))
		cut = min(max(cut, 0), len(stream))
		got := slices.Concat(pieces.readable(stream[:cut]), pieces.readable(stream[cut:]))
		if !bytes.Equal(got, want) {
			t.Errorf("cut at %d of %q: %q, whole %q", cut, stream, got, want)
		}
		if !whole.begun && len(want) < len(stream)-recordHead+1 {
			t.Errorf("of %q, which is no TLS, only %q is read", stream, want)
		}
	})
}
