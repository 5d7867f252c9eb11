package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxScriptRequest = 64 << 20

// ServeScript serves a scenario as an OpenAI-compatible endpoint on a loopback
// port of its own, so that a scripted model is reached by the same client as
// any other. It runs until stop is called, which waits for it, or ctx ends.
func ServeScript(ctx context.Context, s *Script) (baseURL string, stop func(), err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serving the scenario on loopback: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	h := &scriptServer{script: s, failed: map[int]int{}}
	srv := &http.Server{
		Handler:           h.handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends when closed below
	}()
	unhook := context.AfterFunc(ctx, func() { srv.Close() })
	return "http://" + l.Addr().String() + "/v1", func() {
		unhook()
		cancel() // ends what is being answered
		soon, release := context.WithTimeout(context.Background(), 2*time.Second)
		defer release()
		if srv.Shutdown(soon) != nil {
			srv.Close()
		}
		<-done
	}, nil
}

// scriptServer answers requests. All it remembers is how often a turn has
// failed on purpose.
type scriptServer struct {
	script *Script
	mu     sync.Mutex
	failed map[int]int // by turn
}

func (s *scriptServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	mux.HandleFunc("GET /v1/models", s.models)
	return mux
}

// scriptRequest is what a scenario reads of a request.
type scriptRequest struct {
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Messages []struct {
		Role      string      `json:"role"`
		Content   loose       `json:"content"`
		ToolCalls []callPiece `json:"tool_calls"`
	} `json:"messages"`
}

// turn counts from 0.
func (r scriptRequest) turn() int {
	n := 0
	for _, m := range r.Messages {
		if m.Role == "assistant" {
			n++
		}
	}
	return n
}

// results are the tool results since the last answer.
func (r scriptRequest) results() []string {
	var out []string
	for _, m := range r.Messages {
		switch m.Role {
		case "assistant":
			out = nil
		case "tool":
			out = append(out, string(m.Content))
		}
	}
	return out
}

// prompt is what the person said last.
func (r scriptRequest) prompt() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return string(r.Messages[i].Content)
		}
	}
	return ""
}

// tokens is a quarter of the characters, so that a scenario counts alike everywhere.
func (r scriptRequest) tokens() int {
	n := 0
	for _, m := range r.Messages {
		n += len(m.Content)
		for _, c := range m.ToolCalls {
			n += len(c.Function.Name) + len(c.Function.Arguments)
		}
	}
	return n / 4
}

func (s *scriptServer) models(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"object": "list", "data": []any{
		map[string]any{"id": s.script.Name, "object": "model", "created": 0, "owned_by": "glovebox"},
	}})
}

func (s *scriptServer) complete(w http.ResponseWriter, req *http.Request) {
	var r scriptRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxScriptRequest)).Decode(&r); err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request_error", "the request is not valid: "+clip(err.Error(), 200))
		return
	}
	n := r.turn()
	turn := scriptTurn{Text: "(end of script)"}
	if n < len(s.script.turns) {
		turn = s.script.turns[n]
	}
	for i := range turn.Expect {
		if unmet := turn.Expect[i].unmet(r); unmet != "" {
			refuse(w, http.StatusUnprocessableEntity, scriptErrorType,
				fmt.Sprintf("scenario %s, turn %d: %s", s.script.Name, n+1, unmet))
			return
		}
	}
	fails := s.fails(n, turn.faults())
	if fails && turn.Status != 0 {
		if turn.RetryAfter != nil {
			w.Header().Set("Retry-After", strconv.Itoa(*turn.RetryAfter))
		}
		refuse(w, turn.Status, "script_fault", "the scenario says so")
		return
	}
	out := &scriptAnswer{w: w, ctx: req.Context(), name: s.script.Name, number: n + 1, turn: turn, request: r, cut: fails}
	if !r.Stream {
		reply(w, http.StatusOK, out.whole())
		return
	}
	out.stream()
}

// fails says whether a turn is to fail this time.
func (s *scriptServer) fails(turn, times int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed[turn] >= times {
		return false
	}
	s.failed[turn]++
	return true
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone misses nothing
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	reply(w, status, map[string]any{"error": map[string]any{"type": kind, "message": message, "code": nil}})
}

// scriptAnswer writes one turn.
type scriptAnswer struct {
	w       http.ResponseWriter
	ctx     context.Context
	name    string
	number  int
	turn    scriptTurn
	request scriptRequest
	cut     bool
}

type object = map[string]any

func (a *scriptAnswer) finish() string {
	if len(a.turn.Calls) > 0 {
		return "tool_calls"
	}
	return "stop"
}

func (a *scriptAnswer) usage() object {
	out := len(a.turn.Text) + len(a.turn.Reasoning)
	for _, c := range a.turn.Calls {
		out += len(c.Tool) + len(c.wire)
	}
	in, thought := a.request.tokens(), len(a.turn.Reasoning)/4
	return object{
		"prompt_tokens": in, "completion_tokens": out / 4, "total_tokens": in + out/4,
		"completion_tokens_details": object{"reasoning_tokens": thought},
	}
}

func (a *scriptAnswer) call(i int, arguments string) object {
	return object{
		"index": i, "id": fmt.Sprintf("call_%d_%d", a.number, i+1), "type": "function",
		"function": object{"name": a.turn.Calls[i].Tool, "arguments": arguments},
	}
}

func (a *scriptAnswer) whole() object {
	message := object{"role": "assistant", "content": a.turn.Text}
	if a.turn.Reasoning != "" {
		message["reasoning_content"] = a.turn.Reasoning
	}
	var calls []object
	for i, c := range a.turn.Calls {
		calls = append(calls, a.call(i, c.wire))
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	return object{
		"id": a.id(), "object": "chat.completion", "created": 0, "model": a.name, "usage": a.usage(),
		"choices": []object{{"index": 0, "message": message, "finish_reason": a.finish()}},
	}
}

func (a *scriptAnswer) id() string { return fmt.Sprintf("script-%d", a.number) }

// stream sends the turn in pieces. Like real servers do, it sends the name of a
// call first and its arguments after that.
func (a *scriptAnswer) stream() {
	var deltas []object
	for _, s := range pieces(a.turn.Reasoning) {
		deltas = append(deltas, object{"reasoning_content": s})
	}
	for _, s := range pieces(a.turn.Text) {
		deltas = append(deltas, object{"content": s})
	}
	for i, c := range a.turn.Calls {
		deltas = append(deltas, object{"tool_calls": []object{a.call(i, "")}})
		for _, s := range pieces(c.wire) {
			deltas = append(deltas, object{"tool_calls": []object{{"index": i, "function": object{"arguments": s}}}})
		}
	}
	a.w.Header().Set("Content-Type", "text/event-stream")
	for i, d := range deltas {
		if a.cut && i >= (len(deltas)+1)/2 {
			panic(http.ErrAbortHandler) // how a handler cuts its connection
		}
		if err := a.send(object{"choices": []object{{"index": 0, "delta": d, "finish_reason": nil}}}); err != nil {
			return
		}
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	end := []object{{"choices": []object{{"index": 0, "delta": object{}, "finish_reason": a.finish()}}}}
	if a.request.StreamOptions.IncludeUsage {
		end = append(end, object{"choices": []object{}, "usage": a.usage()})
	}
	for _, o := range end {
		if a.send(o) != nil {
			return
		}
	}
	fmt.Fprint(a.w, "data: [DONE]\n\n")
}

func (a *scriptAnswer) send(o object) error {
	if a.turn.DelayMS > 0 {
		t := time.NewTimer(time.Duration(a.turn.DelayMS) * time.Millisecond)
		defer t.Stop()
		select {
		case <-t.C:
		case <-a.ctx.Done():
			return a.ctx.Err()
		}
	}
	o["id"], o["object"], o["created"], o["model"] = a.id(), "chat.completion.chunk", 0, a.name
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.w, "data: %s\n\n", line); err != nil {
		return err
	}
	f, ok := a.w.(http.Flusher)
	if !ok {
		return errors.New("this connection cannot stream")
	}
	f.Flush()
	return nil
}

// pieces splits text behind spaces, into about four words each.
func pieces(s string) []string {
	var out []string
	words := strings.SplitAfter(s, " ")
	for len(words) > 0 && s != "" {
		n := min(4, len(words))
		out = append(out, strings.Join(words[:n], ""))
		words = words[n:]
	}
	return out
}
