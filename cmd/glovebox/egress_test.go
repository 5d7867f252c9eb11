package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"glovebox/agent"
	"glovebox/runner"
	"glovebox/runner/egress"
	"glovebox/store"
)

// With an allowlist a session offers fetch, and whatever the box asks for is
// in the log, in words, and before its end. The one name that is allowed here
// leads to loopback, so that nothing can be reached.
func TestEveryRequestIsInTheLog(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[network]\nallow = ['localhost:80', '*.x.invalid']\n")
	e := serve(t, h, `
name = "egress"
[[turn]]
[[turn.call]]
tool = "fetch"
args = { url = "http://other.example/", method = "get" }
[[turn.call]]
tool = "fetch"
args = { url = "http://other.example/" }
[[turn.call]]
tool = "shell"
args = { command = "curl -sS --noproxy '' http://localhost/; curl -sS --noproxy '' --socks5-hostname 127.0.0.1:1080 https://127.0.0.1/" }
[[turn.call]]
tool = "fetch"
args = { url = "file:///etc/passwd" }
[[turn]]
text = "Done."
[[turn.expect]]
call = 2
exit = 0
contains = ["HTTP/1.1 403", "glovebox: host other.example is not on the allowlist (allowed: localhost:80, *.x.invalid)"]
[[turn.expect]]
call = 3
fails = true
contains = ["localhost is on the allowlist, but refused: it resolves to"]
[[turn.expect]]
call = 4
fails = true
contains = ["must begin with http"]
`)
	out := h.ok("run", "--json", "--model", "openai/test", "reach out")
	if !strings.Contains(e.requests[0], `"fetch"`) || !strings.Contains(e.requests[0], "these hosts only: localhost:80, *.x.invalid.") {
		t.Errorf("the model was not told of the way out: %s", e.requests[0])
	}
	var got []string
	seq, before := int64(0), ""
	for line := range strings.Lines(out) {
		var ev store.Event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatal(err)
		}
		if seq++; ev.Seq != seq {
			t.Errorf("event %d comes as number %d", ev.Seq, seq)
		}
		switch b := ev.Body.(type) {
		case store.Egress:
			got = append(got, fmt.Sprint(b.N, b.Via, b.Method, b.Host, b.Port, b.Decision, b.Rule))
		case store.EgressDone:
			why, _, _ := strings.Cut(b.Refused, ": it")
			got = append(got, fmt.Sprint(b.N, why, b.Addr, b.BytesUp, b.BytesDown))
		}
		before = ev.Body.Kind()
	}
	want := []string{
		fmt.Sprint(int64(1), "http", "GET", "other.example", 80, "deny", ""),
		fmt.Sprint(int64(2), "http", "GET", "other.example", 80, "deny", ""),
		fmt.Sprint(int64(3), "http", "GET", "localhost", 80, "allow", "localhost:80"),
		fmt.Sprint(int64(3), "localhost is on the allowlist, but refused", "", int64(0), int64(0)),
		fmt.Sprint(int64(4), "socks5", "CONNECT", "127.0.0.1", 443, "deny", ""),
	}
	if !slices.Equal(got, want) || before != "session.ended" {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if text := h.ok("replay", "--plain", "last"); !strings.Contains(text, "egress 1: GET other.example port 80 (http), refused: host other.example is not on the allowlist") {
		t.Errorf("replay: %s", text)
	}
}

func TestFetchCommand(t *testing.T) {
	needEngine(t)
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := runner.Open(t.Context(), runner.Options{StateDir: t.TempDir(), InitPath: filepath.Join(dir, "glovebox-init")})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	image, err := engine.Image(t.Context(), "auto", func(runner.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	box, err := engine.NewBox(t.Context(), runner.BoxOptions{Image: image, Egress: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := box.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://other.example/", http.StatusFound)
			return
		}
		fmt.Fprintf(w, "%s of %s", r.Method, r.URL)
	}))
	defer server.Close()
	rule, err := egress.ParseRule("allowed.example")
	if err != nil {
		t.Fatal(err)
	}
	box.ServeEgress(egress.New(egress.Options{
		Rules: []egress.Rule{rule}, Methods: []string{"GET", "HEAD", "POST"},
		Record: func(egress.Attempt) error { return nil },
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("93.184.215.14")}, nil
		},
		Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
	}))
	in := inBox{box, time.Minute}
	if _, err := in.Exec(t.Context(), agent.Command{Argv: []string{"sh", "-c", "mkdir /tmp/bin && ln -s $(command -v python3) /tmp/bin/"}}, nil); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{"curl": nil, "python3": {"PATH=/tmp/bin"}} {
		for _, tt := range []struct{ url, method, want, not string }{
			{"http://allowed.example/x?[y]", "GET", "GET of /x?[y]", ""},
			{"http://allowed.example/x", "POST", "POST of /x", ""},
			{"http://allowed.example/x", "HEAD", "200 OK", "HEAD of"},
			{"http://allowed.example/away", "GET", "302 Found", "403"},
			{"http://other.example/", "GET", "glovebox: host other.example is not on the allowlist", ""},
			{"https://other.example/", "GET", "glovebox: host other.example is not on the allowlist", ""},
		} {
			c := fetchCommand(tt.url, tt.method, 30*time.Second)
			r, err := box.Exec(t.Context(), runner.Command{Argv: c.Argv, Timeout: c.Timeout, Env: env})
			if out := string(r.Stdout) + string(r.Stderr); err != nil || !strings.Contains(out, tt.want) || tt.not != "" && strings.Contains(out, tt.not) {
				t.Errorf("%s: %s %s: %v, %s", name, tt.method, tt.url, err, out)
			}
		}
	}
}
