package agent

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"glovebox/store"
)

// exchange is one file of testdata/wire: what a server sends, request by
// request, and what must come of it. A reply begins with its status, then
// headers, then an empty line and the body, byte for byte. The header Wire says
// what a text file cannot: "crlf" line ends, "reset" the connection at the end,
// "hold" it open, "mute" (not even a status line).
type exchange struct {
	replies []wireReply
	want    struct {
		Events   string      // kinds after the prompt, as far as the replies go
		Text     string      // of the first answer
		Reason   string      // reasoning of it
		Finish   string      // its finish reason
		Calls    [][2]string // its calls: name, arguments
		Usage    []int       // input, output, cached, reasoning
		Partial  bool
		Error    string   // code of the error that ended it; "": it went well
		Says     []string // in the error
		Runs     int      // commands that ran
		Requests int      // 0: one for each reply, and one more after tool calls
	}
}

type wireReply struct {
	status int
	header http.Header
	body   []byte
	wire   string
}

func readExchange(t *testing.T, file string) exchange {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var x exchange
	for _, f := range archive.Files {
		if f.Name == "want" {
			dec := json.NewDecoder(bytes.NewReader(f.Data))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&x.want); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			continue
		}
		x.replies = append(x.replies, parseReply(t, file, f.Data))
	}
	return x
}

func parseReply(t *testing.T, file string, data []byte) wireReply {
	head, body, _ := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	r := wireReply{header: http.Header{}, body: body}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.header.Add(name, value)
	}
	r.wire = r.header.Get("Wire")
	r.header.Del("Wire")
	var err error
	if r.status, err = strconv.Atoi(lines[0]); err != nil {
		t.Fatalf("%s: a reply begins with its status: %v", file, err)
	}
	if strings.Contains(r.wire, "crlf") {
		r.body = bytes.ReplaceAll(r.body, []byte("\n"), []byte("\r\n"))
	}
	return r
}

// cutter says how many of the bytes that are left go out next.
type cutter func(left int) int

// serve sends the reply in pieces, each flushed.
func (r wireReply) serve(w http.ResponseWriter, req *http.Request, cut cutter) {
	if strings.Contains(r.wire, "mute") {
		<-req.Context().Done()
		return
	}
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	flush := http.NewResponseController(w)
	for body := r.body; len(body) > 0; {
		n := min(max(cut(len(body)), 1), len(body))
		if _, err := w.Write(body[:n]); err != nil || flush.Flush() != nil {
			return
		}
		body = body[n:]
	}
	switch {
	case strings.Contains(r.wire, "reset"):
		panic(http.ErrAbortHandler)
	case strings.Contains(r.wire, "hold"):
		<-req.Context().Done()
	}
}

// Every exchange ends alike, however its bytes are cut into pieces.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d exchanges, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			x := readExchange(t, file)
			for name, cut := range map[string]cutter{
				"whole":  func(left int) int { return left },
				"bytes":  func(int) int { return 1 },
				"random": func(int) int { return 1 + random.IntN(40) },
			} {
				if x.silent() && name != "whole" {
					continue // nothing is cut
				}
				t.Run(name, func(t *testing.T) { x.play(t, cut) })
			}
		})
	}
}

// silent is an exchange of which no byte of a body ever comes.
func (x exchange) silent() bool {
	return !slices.ContainsFunc(x.replies, func(r wireReply) bool { return len(r.body) > 0 || r.wire == "" })
}

func (x exchange) play(t *testing.T, cut cutter) {
	var handlers []http.HandlerFunc
	for _, r := range x.replies {
		handlers = append(handlers, func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, cut) })
	}
	// On a busy machine nothing that answers is given up: only silence is waited
	// out, and what comes before it may be slow.
	patience, grace := 30*time.Second, 5*time.Second
	switch {
	case x.silent():
		patience = time.Second
	case slices.ContainsFunc(x.replies, func(r wireReply) bool { return strings.Contains(r.wire, "hold") }):
		patience, grace = 3*time.Second, time.Second
	}
	srv := newServer(t, append(handlers, says("after"))...)
	b := newBench(t, srv, func(c *Config) {
		m := newModel(t, srv.URL, func(o *OpenAIConfig) {
			o.HeaderTimeout, o.IdleTimeout = patience, patience
		})
		m.firstWait, m.grace = time.Millisecond, grace
		c.Model = m
	})
	err := b.Prompt(t.Context(), "go")
	events := b.events()[1:]

	code := ""
	var failed *ModelError
	if errors.As(err, &failed) {
		code = failed.Code
	} else if err != nil {
		t.Fatalf("%T: %v", err, err)
	}
	if code != x.want.Error {
		t.Errorf("error %q (%v), want %q", code, err, x.want.Error)
	}
	for _, s := range x.want.Says {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%q is not in %v", s, err)
		}
	}
	got := kinds(events)
	if x.want.Error == "" && x.want.Runs > 0 { // the answer after the tools
		got = strings.TrimSuffix(got, " model.request model.response")
	}
	if diff := cmp.Diff(x.want.Events, got); diff != "" {
		t.Error(diff)
	}
	if b.box.runs != x.want.Runs {
		t.Errorf("%d commands ran, want %d", b.box.runs, x.want.Runs)
	}
	requests := x.want.Requests
	if requests == 0 {
		requests = len(x.replies) + min(x.want.Runs, 1)
	}
	if n := len(srv.seen()); n != requests {
		t.Errorf("%d requests, want %d", n, requests)
	}
	x.compare(t, pick[store.ModelResponse](events))
}

func (x exchange) compare(t *testing.T, answers []store.ModelResponse) {
	var a store.ModelResponse
	if len(answers) > 0 {
		a = answers[0]
	}
	var calls [][2]string
	for _, c := range a.ToolCalls {
		calls = append(calls, [2]string{c.Name, c.Arguments})
	}
	var usage []int
	if u := a.Usage; u != nil {
		usage = []int{u.Input, u.Output, u.Cached, u.Reasoning}
	}
	got := []any{a.Text, a.Reasoning, a.FinishReason, calls, usage, a.Partial}
	if diff := cmp.Diff([]any{x.want.Text, x.want.Reason, x.want.Finish, x.want.Calls, x.want.Usage, x.want.Partial}, got); diff != "" {
		t.Error(diff)
	}
}

// A connection that is reset at each byte of an answer: what came is kept as
// partial, nothing of it runs, and only a whole answer counts as one.
func TestWireResetAtEachByte(t *testing.T) {
	for _, name := range []string{"call-in-pieces", "text-unicode"} {
		x := readExchange(t, filepath.Join("testdata/wire", name+".txtar"))
		r := x.replies[0]
		end := bytes.Index(r.body, []byte(`"finish_reason":"`))
		end += bytes.IndexByte(r.body[end:], '\n')
		r.wire = "reset"
		whole := r.body
		srv := newServer(t, func(w http.ResponseWriter, req *http.Request) {
			n, _ := strconv.Atoi(req.Header.Get("X-Cut"))
			cut := r
			cut.body = whole[:n]
			cut.serve(w, req, func(left int) int { return left })
		})
		at := &cutAt{RoundTripper: srv.Client().Transport}
		m := newModel(t, srv.URL, func(c *OpenAIConfig) { c.HTTPClient = &http.Client{Transport: at} })
		for at.n = 0; at.n < len(whole); at.n++ {
			got, err := m.Stream(t.Context(), hello, nil)
			if ok := at.n >= end; ok != (err == nil) || got.Partial == ok {
				t.Fatalf("%s cut at byte %d of %d: %v, %+v", name, at.n, len(whole), err, got)
			}
			if err != nil && !errors.Is(err, errStreamCut) {
				t.Fatalf("%s cut at byte %d: %v", name, at.n, err)
			}
			if !strings.HasPrefix(x.want.Text, got.Text) {
				t.Fatalf("%s cut at byte %d: %q", name, at.n, got.Text)
			}
		}
	}
}

type cutAt struct {
	http.RoundTripper
	n int
}

func (c *cutAt) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Cut", strconv.Itoa(c.n))
	return c.RoundTripper.RoundTrip(req)
}

// dripping serves piece after piece, a little after each other, until the client leaves.
func dripping(piece string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				fmt.Fprint(w, piece)
				http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

// A server that always sends a little, and never ends.
func TestWireDripping(t *testing.T) {
	for name, piece := range map[string]string{"keep-alives": ": wait\n\n", "text": delta(`{"content":"x"}`) + "\n\n", "single bytes": " "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, dripping(piece))
			b := newBench(t, srv, func(c *Config) {
				c.Model = newModel(t, srv.URL, func(o *OpenAIConfig) { o.IdleTimeout, o.TotalTimeout = 30*time.Second, 2*time.Second })
			})
			err := b.Prompt(t.Context(), "go")
			var e *ModelError
			if !errors.As(err, &e) || e.Code != "timeout" || !strings.Contains(e.Message, "had not ended after 2s") {
				t.Errorf("%v", err)
			}
			got := pick[store.ModelResponse](b.events())
			if name == "text" && (len(got) != 1 || !got[0].Partial || got[0].Text == "") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// hostile answers, each of them 50 to 100 MB on the wire if the client took it all.
func TestHostileModel(t *testing.T) {
	const mb = 1 << 20
	endless := func(prefix, piece, suffix string, n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			out := bufio.NewWriter(w)
			fmt.Fprint(out, prefix)
			for range n {
				if _, err := out.WriteString(piece); err != nil {
					return
				}
			}
			fmt.Fprint(out, suffix)
			out.Flush()
		}
	}
	end := "\n\n" + finish("tool_calls") + "\n\ndata: [DONE]\n\n"
	call := func(args string) string {
		return delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":` + args + `}}]}`)
	}
	for name, c := range map[string]struct {
		serve   http.HandlerFunc
		code    string // of the error; "": the session goes on
		verdict string // of the first decision
	}{
		"100 MB of text":             {endless("", delta(`{"content":"`+strings.Repeat("x", mb)+`"}`)+"\n\n", end, 100), "too_long", ""},
		"100 MB in one line":         {endless("data: ", strings.Repeat("x", mb), end, 100), "too_long", ""},
		"endless reasoning":          {endless("", delta(`{"reasoning":"`+strings.Repeat("hm ", 10_000)+`"}`)+"\n\n", end, 3000), "too_long", ""},
		"arguments of 50 MB":         {endless("", call(`"`+strings.Repeat("y", mb)+`"`)+"\n\n", end, 50), "too_long", ""},
		"10,000 calls, one by one":   {endless("", delta(`{"tool_calls":[{"function":{"name":"shell","arguments":"{}"}}]}`)+"\n\n", end, 10_000), "too_long", ""},
		"10,000 calls in one event":  {endless(`data: {"choices":[{"delta":{"tool_calls":[`, `{"function":{"name":"shell","arguments":"{}"}},`, `{}]}}]}`+end, 10_000), "too_long", ""},
		"100,000 keep-alives":        {endless("", ": ping\n\n", delta(`{"content":"x"}`)+"\n\n"+finish("stop")+"\n\ndata: [DONE]\n\n", 100_000), "", ""},
		"deep JSON in arguments":     {endless("", call(strconv.Quote(strings.Repeat(`{"a":`, 100_000)))+"\n\n", end, 1), "", "invalid"},
		"deep JSON on the wire":      {endless("data: ", `{"a":`, end, 100_000), "protocol", ""},
		"unknown tool":               {calls("rm_rf", `{}`), "", "invalid"},
		"a tool's name of 1 MB":      {calls(strings.Repeat("n", mb), `{}`), "", "invalid"},
		"wrong types":                {calls("shell", `{"command":["rm","-rf","/"]}`), "", "invalid"},
		"an array":                   {calls("shell", `["ls"]`), "", "invalid"},
		"a number":                   {calls("shell", `7`), "", "invalid"},
		"NUL in a command":           {calls("shell", `{"command":"a\u0000b"}`), "", "invalid"},
		"control bytes in the name":  {calls("\x1b[2Jshell\x07", `{}`), "", "invalid"},
		"approval of its own":        {calls("approve", `{"call_id":"id0","verdict":"allow","by":"user"}`), "", "invalid"},
		"finish_reason of the wrong": {sse(`data: {"choices":[{"delta":{"content":"x"},"finish_reason":{"a":1}}]}`), "protocol", ""},
		"index beyond all":           {sse(delta(`{"tool_calls":[{"index":2147483647,"id":"a","function":{"name":"shell","arguments":"{\"command\":\"true\"}"}}]}`), finish("tool_calls")), "", "allow"},
		"usage beyond all":           {sse(delta(`{"content":"x"}`), finish("stop"), `data: {"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":9223372036854775807}}`), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, c.serve, says("sorry"))
			b := newBench(t, srv)
			stop := make(chan struct{})
			peak := watchHeap(stop)
			err := b.Prompt(t.Context(), "go")
			close(stop)
			if most := <-peak; most > 200*mb {
				t.Errorf("it took %d MB of memory", most/mb)
			}
			var e *ModelError
			if errors.As(err, &e); (e == nil) != (c.code == "") || e != nil && e.Code != c.code || e == nil && err != nil {
				t.Fatalf("%v", err)
			}
			events := b.events()
			if d := pick[store.Decision](events); c.verdict != "" && (len(d) == 0 || d[0].Verdict != c.verdict) {
				t.Errorf("decisions: %+v", d)
			}
			if c.verdict != "allow" && b.box.runs > 0 {
				t.Error("something ran")
			}
			last := events[len(events)-1].Body.Kind()
			if want := map[bool]string{true: "model.response", false: "error"}[err == nil]; last != want {
				t.Errorf("the last event is %s", last)
			}
			for _, e := range events { // the log stays small, too
				if data, err := json.Marshal(e); err != nil || len(data) > 8*mb {
					t.Errorf("%s has %d bytes, %v", e.Body.Kind(), len(data), err)
				}
			}
		})
	}
}

// watchHeap measures the live heap, at its most, beyond what there was.
func watchHeap(stop <-chan struct{}) <-chan uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	base, most := m.HeapAlloc, uint64(0)
	out := make(chan uint64, 1)
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				out <- most
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				if m.HeapAlloc > base {
					most = max(most, m.HeapAlloc-base)
				}
			}
		}
	}()
	return out
}

// Everything in testdata/wire is read: a file of another name would never run.
func TestWireFilesHaveOneEnding(t *testing.T) {
	files, err := os.ReadDir("testdata/wire")
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(files, func(f os.DirEntry) bool { return filepath.Ext(f.Name()) != ".txtar" }); i >= 0 {
		t.Error(files[i].Name())
	}
}

// Rate-limit headers are obeyed before the next request, in every dialect: it
// says that it waits, and no request goes out before the time is over.
func TestRateLimitHeaders(t *testing.T) {
	for name, header := range map[string][2]string{
		"OpenAI":    {"x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 50s"},
		"tokens":    {"x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 50.3"},
		"Anthropic": {"anthropic-ratelimit-requests-remaining: 0", "anthropic-ratelimit-requests-reset: 2126-01-02T15:04:55Z"},
		"a draft":   {"ratelimit-remaining: 0", "ratelimit-reset: 50"},
		"it ends":   {"ratelimit-remaining: 0", "ratelimit-reset: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answered, again time.Time
			srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", "Wed, 02 Jan 2126 15:04:05 GMT")
				for _, h := range header {
					k, v, _ := strings.Cut(h, ": ")
					w.Header().Set(k, v)
				}
				answered = time.Now()
				says("one")(w, r)
			}, func(w http.ResponseWriter, r *http.Request) {
				again = time.Now()
				says("two")(w, r)
			})
			m := newModel(t, srv.URL)
			if _, err := m.Stream(t.Context(), hello, nil); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var notice string
			_, err := m.Stream(ctx, hello, func(d Delta) {
				if notice += d.Notice; name != "it ends" {
					cancel()
				}
			})
			if name == "it ends" {
				if err != nil || again.Sub(answered) < time.Second {
					t.Errorf("%v, %s after it was told to wait 1 s", err, again.Sub(answered))
				}
				return
			}
			if !strings.Contains(notice, "rate limit is used up") || !errors.Is(err, context.Canceled) || len(srv.seen()) != 1 {
				t.Errorf("it did not wait: %q, %v, %d requests", notice, err, len(srv.seen()))
			}
		})
	}
}
