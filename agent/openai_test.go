package agent

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glovebox/store"
)

var hello = Request{System: "sys", Messages: []Message{{Role: "user", Text: "hi"}}}

func TestStreamUnderstandsServers(t *testing.T) {
	weather := []store.CallSpec{{ID: "a", Name: "shell", Arguments: `{"command":"ls"}`}}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  store.ModelResponse
	}{
		"text, reasoning, usage in a chunk of its own": {
			sse(delta(`{"role":"assistant","content":""}`), delta(`{"reasoning_content":"hm"}`), delta(`{"content":"Hel"}`), delta(`{"content":"lo"}`),
				finish("stop"), `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}}`, "data: [DONE]"),
			store.ModelResponse{Text: "Hello", Reasoning: "hm", FinishReason: "stop", Usage: &store.Usage{Input: 7, Output: 3, Cached: 2, Reasoning: 1}},
		},
		"reasoning by its other name, both at once once": {
			sse(delta(`{"reasoning":"a"}`), delta(`{"reasoning":"b","reasoning_content":"b"}`), delta(`{"content":"x"}`), finish("stop"), "data: [DONE]"),
			store.ModelResponse{Text: "x", Reasoning: "ab", FinishReason: "stop"},
		},
		"no [DONE], no usage": {
			sse(delta(`{"content":"x"}`), finish("stop")),
			store.ModelResponse{Text: "x", FinishReason: "stop"},
		},
		"[DONE] without finish_reason": {
			sse(delta(`{"content":"x"}`), "data: [DONE]"),
			store.ModelResponse{Text: "x"},
		},
		"comments, other fields, no space after the colon, CRLF": {
			sse(": keep-alive", "event: message\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\r", ": ping", strings.TrimSuffix(strings.Repeat(": ping\n\n", 400), "\n\n"), finish("stop"), "data: [DONE]"),
			store.ModelResponse{Text: "x", FinishReason: "stop"},
		},
		"content in parts, null content": {
			sse(delta(`{"content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}`), delta(`{"content":null}`), finish("stop")),
			store.ModelResponse{Text: "xy", FinishReason: "stop"},
		},
		"a call in many pieces": {
			sse(delta(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"shell","arguments":""}}]}`),
				delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"command\""}}]}`), delta(`{"tool_calls":[{"index":0,"function":{"arguments":":\"ls\"}"}}]}`), finish("tool_calls"), "data: [DONE]"),
			store.ModelResponse{ToolCalls: weather, FinishReason: "tool_calls"},
		},
		"arguments as an object": {
			sse(delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":{"command": "ls"}}}]}`), finish("tool_calls")),
			store.ModelResponse{ToolCalls: weather, FinishReason: "tool_calls"},
		},
		"no index, no id: a name begins a call": {
			sse(delta(`{"tool_calls":[{"function":{"name":"shell","arguments":"{\"command\":"}}]}`), delta(`{"tool_calls":[{"function":{"arguments":"\"ls\"}"}}]}`),
				delta(`{"tool_calls":[{"function":{"name":"shell","arguments":"{}"}}]}`), finish("tool_calls")),
			store.ModelResponse{ToolCalls: []store.CallSpec{{ID: "call_1_1", Name: "shell", Arguments: `{"command":"ls"}`}, {ID: "call_1_2", Name: "shell", Arguments: "{}"}}, FinishReason: "tool_calls"},
		},
		"every call has index 0": {
			sse(delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":"{}"}}]}`), delta(`{"tool_calls":[{"index":0,"id":"b","function":{"name":"sql","arguments":"{}"}}]}`), finish("tool_calls")),
			store.ModelResponse{ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: "{}"}, {ID: "b", Name: "sql", Arguments: "{}"}}, FinishReason: "tool_calls"},
		},
		"id and name in every piece": {
			sse(delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":"{\"command\""}}]}`), delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":":\"ls\"}"}}]}`), finish("tool_calls")),
			store.ModelResponse{ToolCalls: weather, FinishReason: "tool_calls"},
		},
		"interleaved pieces of two calls": {
			sse(delta(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell"}},{"index":1,"id":"b","function":{"name":"sql"}}]}`),
				delta(`{"tool_calls":[{"index":1,"function":{"arguments":"{1}"}},{"index":0,"function":{"arguments":"{0}"}}]}`), finish("tool_calls")),
			store.ModelResponse{ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: "{0}"}, {ID: "b", Name: "sql", Arguments: "{1}"}}, FinishReason: "tool_calls"},
		},
		"the same id twice is told apart": {
			sse(delta(`{"tool_calls":[{"index":0,"id":"used","function":{"name":"shell","arguments":"{}"}}]}`), finish("tool_calls")),
			store.ModelResponse{ToolCalls: []store.CallSpec{{ID: "call_3_1", Name: "shell", Arguments: "{}"}}, FinishReason: "tool_calls"},
		},
		"an answer that is not streamed": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				fmt.Fprint(w, "{\n\"model\":\"m-1\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\n\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}")
			},
			store.ModelResponse{Text: "x", FinishReason: "stop", Usage: &store.Usage{Input: 1, Output: 2}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, c.serve)
			req := hello
			if strings.Contains(name, "same id") {
				req.Messages = append(req.Messages[:1:1], Message{Role: "assistant", ToolCalls: []store.CallSpec{{ID: "used", Name: "shell"}}}, Message{Role: "tool", CallID: "used", Text: "x"})
			}
			var text, reasoning string
			got, err := newModel(t, srv.URL).Stream(t.Context(), req, func(d Delta) { text += d.Text; reasoning += d.Reasoning })
			if err != nil {
				t.Fatal(err)
			}
			ignore := cmpopts.IgnoreFields(store.ModelResponse{}, "Model", "FirstTokenMS", "DurationMS")
			if diff := cmp.Diff(c.want, got, ignore); diff != "" {
				t.Error(diff)
			}
			if text != got.Text || reasoning != got.Reasoning {
				t.Errorf("pieces: %q, %q; whole: %q, %q", text, reasoning, got.Text, got.Reasoning)
			}
			if got.FirstTokenMS <= 0 || got.DurationMS < got.FirstTokenMS {
				t.Errorf("first token after %v ms, end after %v ms", got.FirstTokenMS, got.DurationMS)
			}
		})
	}
}

func TestStreamErrors(t *testing.T) {
	status := func(code int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	cut := func(events ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sse(events...)(w, r)
			panic(http.ErrAbortHandler)
		}
	}
	for name, c := range map[string]struct {
		serve   http.HandlerFunc
		code    string
		says    []string
		partial string
		cut     bool
	}{
		"401, key echoed":          {status(401, `{"error":{"message":"Incorrect API key provided: sk-secret-key","type":"invalid_request_error"}}`), "refused_key", []string{"401", "[key]", "OPENAI_API_KEY"}, "", false},
		"403 in plain text":        {status(403, "go\x1b[2J away\n"), "refused_key", []string{"403", "go␛[2J away"}, "", false},
		"404":                      {status(404, `{"error":"model 'm' not found"}`), "unknown_model", []string{"model 'm' not found", "/v1"}, "", false},
		"429 with no word on when": {status(429, `{"error":{"message":"quota"}}`), "rate_limited", []string{"429", "quota"}, "", false},
		"429, an hour":             {status(429, `{}`, "Retry-After", "3600"), "rate_limited", []string{"try again in 1h0m0s"}, "", false},
		"429 for ever":             {status(429, `{}`, "Retry-After", "0"), "rate_limited", []string{"waited 3 times"}, "", false},
		"500, a long page":         {status(500, strings.Repeat("x", 1<<20)), "server", []string{"500", "try again later"}, "", false},
		"detail":                   {status(422, `{"detail":[{"msg":"bad"}]}`), "server", []string{"422", "bad"}, "", false},
		"html":                     {status(200, "<html>", "Content-Type", "text/html"), "protocol", []string{"text/html", "/v1"}, "", false},
		"not JSON":                 {sse(delta(`{"content":"par"}`), "data: {nonsense"), "protocol", []string{"nonsense"}, "par", false},
		"cut connection":           {cut(delta(`{"content":"par"}`)), "cut", []string{"ended before the answer"}, "par", true},
		"body ends too soon":       {sse(delta(`{"content":"par"}`)), "cut", []string{"ended before the answer"}, "par", true},
		"hung up":                  {cut(), "cut", []string{"ended before the answer"}, "", true},
		"error in the stream":      {sse(": ping", delta(`{"content":"par"}`), `data: {"error":{"message":"overloaded","type":"server_error","code":null}}`), "server", []string{"overloaded", "middle"}, "par", false},
		"error as a string":        {sse(delta(`{"content":"par"}`), `data: {"error":"cuda out of memory"}`), "server", []string{"cuda out of memory"}, "par", false},
		"error without data:":      {sse(`{"error":{"message":"bare"}}`), "server", []string{"bare"}, "", false},
		"too many calls":           {sse(delta(`{"tool_calls":[` + strings.TrimSuffix(strings.Repeat(`{"function":{"name":"x"}},`, 129), ",") + `]}`)), "too_long", []string{"128 tool calls"}, "", false},
		"too long":                 {sse(delta(`{"content":"` + strings.Repeat("x", 4<<20+1) + `"}`)), "too_long", []string{"4 MiB"}, "", false},
		"an endless line": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 33 {
				fmt.Fprint(w, strings.Repeat("x", 1<<20))
			}
		}, "too_long", []string{"32 MiB"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, c.serve)
			got, err := newModel(t, srv.URL).Stream(t.Context(), hello, nil)
			var e *ModelError
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			if e.Code != c.code || errors.Is(err, errStreamCut) != c.cut {
				t.Errorf("code %q, cut %v: %v", e.Code, errors.Is(err, errStreamCut), err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q is not in %q", s, err)
				}
			}
			if strings.Contains(err.Error(), "sk-secret-key") || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("unfit to be shown: %q", err)
			}
			if !got.Partial || got.Text != c.partial {
				t.Errorf("partial %v, text %q", got.Partial, got.Text)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	srv := httptest.NewServer(nil)
	srv.Close()
	base := strings.Replace(srv.URL, "http://", "http://user:password@", 1)
	_, err := newModel(t, base).Stream(t.Context(), hello, nil)
	var e *ModelError
	if !errors.As(err, &e) || e.Code != "unreachable" {
		t.Fatalf("error is %v", err)
	}
	if s := err.Error(); !strings.Contains(s, srv.URL) || !strings.Contains(s, "OPENAI_BASE_URL") || strings.Contains(s, "password") {
		t.Error(s)
	}
}

func TestNewOpenAIRefuses(t *testing.T) {
	for _, base := range []string{"localhost:11434", "ftp://x/v1", "http://", "::"} {
		if _, err := NewOpenAI(OpenAIConfig{BaseURL: base, Model: "m"}); err == nil || !strings.Contains(err.Error(), "OPENAI_BASE_URL") {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := NewOpenAI(OpenAIConfig{}); err == nil {
		t.Error("no model, no error")
	}
}

func TestRetryAfter(t *testing.T) {
	limited := func(code int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", "Wed, 02 Jan 2126 15:04:05 GMT") // a clock that is wrong by years
			w.Header().Set("Retry-After", after)
			w.WriteHeader(code)
		}
	}
	srv := newServer(t, limited(429, "1"), limited(503, "Wed, 02 Jan 2126 15:04:05 GMT"), says("fine"))
	var notices []string
	got, err := newModel(t, srv.URL).Stream(t.Context(), hello, func(d Delta) {
		if d.Notice != "" {
			notices = append(notices, d.Notice)
		}
	})
	if err != nil || got.Text != "fine" || got.Retries != 2 || got.Partial {
		t.Errorf("%+v, %v", got, err)
	}
	want := []string{"rate limited by the server, trying again in 1 s", "rate limited by the server, trying again in 0 s"}
	if diff := cmp.Diff(want, notices); diff != "" {
		t.Error(diff)
	}
	if reqs := srv.seen(); len(reqs) != 3 || cmp.Diff(reqs[0], reqs[2]) != "" {
		t.Error("the request was not repeated as it was")
	}
	if got.DurationMS < 1000 {
		t.Errorf("waited only %v ms", got.DurationMS)
	}
}

func TestInterruptedWhileWaitingForTheServer(t *testing.T) {
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "50")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := newModel(t, srv.URL).Stream(ctx, hello, func(d Delta) { cancel(Interruption{By: "signal"}) })
	if !errors.Is(err, Interruption{By: "signal"}) {
		t.Error(err)
	}
}

func TestSilentServer(t *testing.T) {
	hang := func(events ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sse(events...)(w, r)
			<-r.Context().Done()
		}
	}
	short := func(c *OpenAIConfig) { c.HeaderTimeout, c.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond }
	for name, serve := range map[string]http.HandlerFunc{
		"before the answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in the middle":     hang(delta(`{"content":"x"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newModel(t, newServer(t, serve).URL, short).Stream(t.Context(), hello, nil)
			var e *ModelError
			if !errors.As(err, &e) || e.Code != "timeout" {
				t.Error(err)
			}
		})
	}
}

func TestServerThatHangsAfterTheEnd(t *testing.T) {
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		sse(delta(`{"content":"x"}`), finish("stop"))(w, r)
		<-r.Context().Done()
	})
	m := newModel(t, srv.URL, func(c *OpenAIConfig) { c.IdleTimeout = time.Hour })
	m.grace = 50 * time.Millisecond
	if got, err := m.Stream(t.Context(), hello, nil); err != nil || got.Text != "x" || got.Partial {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRequestOnTheWire(t *testing.T) {
	srv := newServer(t, says("x"))
	seed := int64(7)
	req := Request{
		System: "sys", Seed: &seed, Tools: Toolbox{}.Specs()[:1],
		Messages: []Message{
			{Role: "user", Text: "hi"},
			{Role: "assistant", Text: "t", ToolCalls: []store.CallSpec{
				{ID: "1", Name: "shell", Arguments: `{"command":"ls"}`},
				{ID: "2", Name: "a.b", Arguments: `{"cut`},
				{ID: "3", Name: "", Arguments: ``},
			}},
			{Role: "tool", CallID: "1", Text: "exit 0"},
		},
	}
	if _, err := newModel(t, srv.URL).Stream(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	got := srv.seen()[0]
	call := func(id, name, args string) any {
		return map[string]any{"id": id, "type": "function", "function": map[string]any{"name": name, "arguments": args}}
	}
	want := map[string]any{
		"model": "m", "stream": true, "seed": 7.0, "stream_options": map[string]any{"include_usage": true}, "tools": got["tools"],
		"messages": []any{
			map[string]any{"role": "system", "content": "sys"},
			map[string]any{"role": "user", "content": "hi"},
			map[string]any{"role": "assistant", "content": "t", "tool_calls": []any{
				call("1", "shell", `{"command":"ls"}`), call("2", "a_b", `{"malformed":"{\"cut"}`), call("3", "unnamed", `{"malformed":""}`),
			}},
			map[string]any{"role": "tool", "tool_call_id": "1", "content": "exit 0"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if h := srv.headers[0].Get("Authorization"); h != "Bearer sk-secret-key" {
		t.Errorf("Authorization is %q", h)
	}
	if n := len(got["tools"].([]any)); n != 1 {
		t.Errorf("%d tools", n)
	}
}

// The client library checks requests for some models; nothing that it refuses
// may be sent.
func TestModelsThatTheLibraryChecks(t *testing.T) {
	srv := newServer(t, says("x"))
	req := hello
	req.Tools = Toolbox{}.Specs()
	for _, model := range []string{"o1", "o3-mini", "o4-mini", "gpt-5-mini", "gpt-5.2", "gpt-6-sol", "gpt-6-luna"} {
		m := newModel(t, srv.URL, func(c *OpenAIConfig) { c.Model = model })
		if _, err := m.Stream(t.Context(), req, nil); err != nil {
			t.Errorf("%s: %v", model, err)
		}
	}
	for _, model := range []string{"gpt-6-astra", "text-davinci-003"} {
		m := newModel(t, srv.URL, func(c *OpenAIConfig) { c.Model = model })
		var e *ModelError
		if _, err := m.Stream(t.Context(), req, nil); !errors.As(err, &e) || e.Code != "unknown_model" || !strings.Contains(e.Message, model) {
			t.Errorf("%s: %v", model, err)
		}
	}
}

func TestServerWithoutStreamOptions(t *testing.T) {
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"unknown field stream_options"}}`)
	}, says("a"), says("b"))
	m := newModel(t, srv.URL)
	for _, want := range []string{"a", "b"} {
		if got, err := m.Stream(t.Context(), hello, nil); err != nil || got.Text != want {
			t.Fatalf("%q, %v", got.Text, err)
		}
	}
	reqs := srv.seen()
	if len(reqs) != 3 || reqs[0]["stream_options"] == nil || reqs[1]["stream_options"] != nil || reqs[2]["stream_options"] != nil {
		t.Errorf("%d requests: %v", len(reqs), reqs)
	}
}

func TestModelsSaysWhatIsWrong(t *testing.T) {
	for code, serve := range map[string]http.HandlerFunc{
		"refused_key": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, r.Header.Get("Authorization"))
		},
		"protocol": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
	} {
		srv := httptest.NewServer(serve)
		t.Cleanup(srv.Close)
		_, err := newModel(t, srv.URL).Models(t.Context())
		var e *ModelError
		if !errors.As(err, &e) || e.Code != code || strings.Contains(err.Error(), "sk-secret-key") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// Whatever a server sends: no panic, and an answer within its bounds.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(delta(`{"content":"x","reasoning":["y"],"tool_calls":[{"index":0,"id":"a","function":{"name":"n","arguments":{}}},{"function":{"name":"n"}}]}`) + "\n\n" + finish("stop") + "\ndata: [DONE]"))
	f.Add([]byte(`{"error":{"message":["a"]}}`))
	f.Add([]byte("data: {\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":9}}\r\n: x\ndata:"))
	m, err := NewOpenAI(OpenAIConfig{Model: "m"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		a := newAnswer(nil, time.Now(), func(Delta) {})
		lines := bufio.NewScanner(newEvents(io.NopCloser(bytes.NewReader(wire))))
		for lines.Scan() {
			raw, isData := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
			if !isData {
				t.Fatalf("%q came through", lines.Bytes())
			}
			var mid *midStream
			if err := a.add(raw); errors.As(err, &mid) && m.refused(0, mid.body).Error() == "" {
				t.Error("an error without words")
			}
		}
		seen := map[string]bool{}
		for _, c := range a.response().ToolCalls {
			if c.ID == "" || seen[c.ID] {
				t.Errorf("call ID %q", c.ID)
			}
			seen[c.ID] = true
		}
	})
}
