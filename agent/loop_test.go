package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glovebox/agent/budget"
	"glovebox/store"
)

// bench is an agent between a real server, a real log and real processes.
type bench struct {
	*Agent
	box     *localBox
	srv     *server
	events  func() []store.Event
	updates []Update
}

func newBench(t *testing.T, srv *server, change ...func(*Config)) *bench {
	t.Helper()
	log, events := newLog(t)
	b := &bench{box: newLocalBox(t), srv: srv, events: events}
	cfg := Config{
		Model: newModel(t, srv.URL), ModelName: "test/m", Box: b.box, Log: log, System: "sys",
		Tools:   Toolbox{SQL: func(q string) Command { return Command{Argv: []string{"echo", q}, Timeout: time.Minute} }},
		Observe: func(u Update) { b.updates = append(b.updates, u) },
	}
	for _, c := range change {
		c(&cfg)
	}
	b.Agent = New(cfg)
	return b
}

func TestPromptToAnswer(t *testing.T) {
	srv := newServer(t,
		calls("shell", `{"command":"echo out; echo err >&2; exit 3"}`, "write_file", `{"path":"sub/a.txt","content":"one\n"}`),
		calls("sql", `{"query":"select 1"}`), says("done"))
	b := newBench(t, srv)
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	events := b.events()
	want := "prompt model.request model.response decision tool.call tool.result decision tool.call tool.result " +
		"model.request model.response decision tool.call tool.result model.request model.response"
	if diff := cmp.Diff(want, kinds(events)); diff != "" {
		t.Fatal(diff)
	}
	for i, r := range pick[store.ModelRequest](events) {
		if r.Turn != i+1 || r.Model != "test/m" || events[slices.IndexFunc(events, func(e store.Event) bool { return e.Body == store.Body(r) })-1].Seq != r.Through {
			t.Errorf("request %d: %+v", i, r)
		}
	}
	three := 3
	first := pick[store.ToolResult](events)[0]
	first.DurationMS = 0
	if diff := cmp.Diff(store.ToolResult{CallID: "id0", Tool: "shell", Exit: &three, Stdout: "out\n", Stderr: "err\n"}, first); diff != "" {
		t.Error(diff)
	}
	if data, err := os.ReadFile(filepath.Join(b.box.dir, "sub/a.txt")); err != nil || string(data) != "one\n" {
		t.Errorf("%q, %v", data, err)
	}
	// What the model was told in the second request.
	sent := b.srv.seen()[1]["messages"].([]any)
	tool := sent[len(sent)-2].(map[string]any)
	if tool["content"] != "exit 3\nout\nstderr:\nerr" || tool["tool_call_id"] != "id0" {
		t.Errorf("%v", tool)
	}
	// The screen saw every event, and each piece before the event that sums it up.
	var seen []store.Event
	var live string
	for _, u := range b.updates {
		if u.Event != nil {
			seen = append(seen, *u.Event)
		}
		if u.Output != nil && !u.Output.Stderr {
			live += u.Output.Chunk
		}
	}
	if diff := cmp.Diff(events, seen); diff != "" {
		t.Error(diff)
	}
	if live != "out\nselect 1\n" {
		t.Errorf("live output: %q", live)
	}
}

func TestSecondPromptContinues(t *testing.T) {
	srv := newServer(t, says("one"), says("two"))
	b := newBench(t, srv)
	for _, p := range []string{"a", "b"} {
		if err := b.Prompt(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, m := range srv.seen()[1]["messages"].([]any) {
		got = append(got, m.(map[string]any)["content"].(string))
	}
	if diff := cmp.Diff([]string{"sys", "a", "one", "b"}, got); diff != "" {
		t.Error(diff)
	}
	if err := b.Prompt(t.Context(), ""); err == nil {
		t.Error("an empty prompt was taken")
	}
}

// What the model gets wrong is told to it, and the session goes on.
func TestWrongCalls(t *testing.T) {
	srv := newServer(t, calls(
		"shell", `{"command": "ls`,
		"teleport", `{}`,
		"shell", `{"cmd":"ls"}`,
		"write_file", `{"path":"x","content":"y"}`,
		"read_file", `{"path":"missing"}`,
	), says("sorry"))
	b := newBench(t, srv, func(c *Config) { c.Tools.Allow = []string{"shell", "read_file"} })
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	if b.box.runs != 0 {
		t.Errorf("%d commands ran", b.box.runs)
	}
	events := b.events()
	var verdicts []string
	for _, d := range pick[store.Decision](events) {
		verdicts = append(verdicts, d.Verdict)
	}
	if diff := cmp.Diff([]string{"invalid", "invalid", "invalid", "deny", "allow"}, verdicts); diff != "" {
		t.Error(diff)
	}
	if n := len(pick[store.ToolCall](events)); n != 1 {
		t.Errorf("%d calls were recorded as run", n)
	}
	says := []string{"not valid JSON: they end in the middle", "the tools are: shell, read_file", `unknown argument "cmd"; this tool takes command, timeout_s (optional)`, "not allowed in this session", "no such file"}
	for i, r := range pick[store.ToolResult](events) {
		if !strings.Contains(resultText(r), says[i]) || r.Error == "" {
			t.Errorf("result %d: %q lacks %q", i, resultText(r), says[i])
		}
	}
	if n := len(srv.seen()[1]["messages"].([]any)); n != 8 {
		t.Errorf("%d messages: not one for each call", n)
	}
}

func TestLimits(t *testing.T) {
	again := calls("shell", `{"command":"echo x"}`, "shell", `{"command":"echo y"}`)
	costly := sse(delta(`{"tool_calls":[{"function":{"name":"shell","arguments":"{\"command\":\"true\"}"}}]}`), finish("tool_calls"),
		`data: {"choices":[],"usage":{"prompt_tokens":90,"completion_tokens":20}}`, "data: [DONE]")
	for name, c := range map[string]struct {
		serve  http.HandlerFunc
		limits Limits
		want   budget.Over
		runs   int
		asked  int
	}{
		"turns":                      {again, Limits{Turns: 2}, budget.Over{Limit: "turns", Value: 2, Max: 2}, 4, 2},
		"tool calls, mid-answer":     {again, Limits{ToolCalls: 3}, budget.Over{Limit: "tool_calls", Value: 3, Max: 3}, 3, 2},
		"tokens":                     {costly, Limits{Tokens: 10_000}, budget.Over{Limit: "tokens", Max: 10_000}, 89, 89},
		"tokens in":                  {costly, Limits{TokensIn: 5000}, budget.Over{Limit: "tokens_in", Max: 5000}, 0, 0},
		"tokens out":                 {costly, Limits{TokensOut: 150}, budget.Over{Limit: "tokens_out", Max: 150}, 0, 0},
		"money":                      {costly, Limits{Pico: budget.PicoUSD / 100}, budget.Over{Limit: "cost_usd", Max: 0.01}, 0, 0},
		"output":                     {again, Limits{OutputBytes: 5}, budget.Over{Limit: "output_bytes", Value: 6, Max: 5}, 3, 2},
		"tokens the server hides":    {calls("shell", `{"command":"printf %4000s x"}`), Limits{Tokens: 10_000}, budget.Over{Limit: "tokens", Max: 10_000}, 0, 0},
		"wall, in a hanging command": {calls("shell", `{"command":"sleep 100"}`), Limits{Wall: 5 * time.Second}, budget.Over{Limit: "wall", Value: 5, Max: 5}, 1, 1},
		"wall, in a hanging answer":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Limits{Wall: 5 * time.Second}, budget.Over{Limit: "wall", Value: 5, Max: 5}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // two wait, long enough for a slow disk to come as far as the hanging
			b := newBench(t, newServer(t, c.serve), func(cfg *Config) {
				cfg.Limits = c.limits
				cfg.Cost.Price, _ = budget.PerMillion(1, 0.1, 5)
			})
			err := b.Prompt(t.Context(), "go")
			var limit *LimitError
			if !errors.As(err, &limit) || limit.Limit != c.want.Limit || limit.Max != c.want.Max {
				t.Fatalf("got %v", err)
			}
			if c.want.Value > 0 && limit.Over != c.want || c.want.Value == 0 && (limit.Value > limit.Max || limit.Value+limit.Needs <= limit.Max) {
				t.Errorf("got %+v", limit)
			}
			events := b.events()
			last := events[len(events)-1].Body
			if last != store.Body(limit.event()) {
				t.Errorf("recorded %+v", last)
			}
			if c.runs+c.asked > 0 && c.runs < 50 && (b.box.runs != c.runs || len(b.srv.seen()) != c.asked) {
				t.Errorf("%d commands ran, %d requests sent", b.box.runs, len(b.srv.seen()))
			}
			if got := Outcome(err).Status; got != "limited" {
				t.Error(got)
			}
			// The next prompt of the session does not begin anew.
			if err := b.Prompt(t.Context(), "more"); !errors.As(err, &limit) || c.runs > 0 && c.runs < 50 && b.box.runs != c.runs {
				t.Errorf("the limit does not hold for the next prompt: %v", err)
			}
		})
	}
}

func TestInterruptedInTheAnswer(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		sse(delta(`{"content":"I was just"}`), delta(`{"tool_calls":[{"function":{"name":"shell","arguments":"{"}}]}`))(w, r)
		<-r.Context().Done()
	}, says("fine"))
	b := newBench(t, srv, func(c *Config) {
		c.Observe = func(u Update) {
			if u.Delta != nil && u.Delta.Tool != "" {
				cancel(Interruption{By: "signal"})
			}
		}
	})
	err := b.Prompt(ctx, "go")
	if !errors.Is(err, Interruption{By: "signal"}) || Outcome(err).Status != "interrupted" {
		t.Fatal(err)
	}
	events := b.events()
	if got := kinds(events); got != "prompt model.request model.response interrupted" {
		t.Fatal(got)
	}
	if r := pick[store.ModelResponse](events)[0]; !r.Partial || r.Text != "I was just" || r.Turn != 1 {
		t.Errorf("%+v", r)
	}
	if by := pick[store.Interrupted](events)[0].By; by != "signal" {
		t.Errorf("interrupted by %s", by)
	}
	// The conversation goes on: the text counts, the broken call does not.
	if err := b.Prompt(t.Context(), "and?"); err != nil {
		t.Fatal(err)
	}
	want := []any{
		map[string]any{"role": "system", "content": "sys"},
		map[string]any{"role": "user", "content": "go"},
		map[string]any{"role": "assistant", "content": "I was just"},
		map[string]any{"role": "user", "content": "and?"},
	}
	if diff := cmp.Diff(want, srv.seen()[1]["messages"]); diff != "" {
		t.Error(diff)
	}
}

func TestInterruptedInAToolCall(t *testing.T) {
	t.Run("the box returns an error", func(t *testing.T) { interruptToolCall(t, false) })
	t.Run("the box returns a signal", func(t *testing.T) { interruptToolCall(t, true) })
}

func interruptToolCall(t *testing.T, quiet bool) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := newServer(t, calls("shell", `{"command":"echo so far; sleep 100"}`, "shell", `{"command":"echo never"}`), says("fine"))
	b := newBench(t, srv, func(c *Config) {
		c.Observe = func(u Update) {
			if u.Output != nil {
				cancel()
			}
		}
	})
	b.box.quiet = quiet
	if err := b.Prompt(ctx, "go"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	events := b.events()
	if got := kinds(events); got != "prompt model.request model.response decision tool.call tool.result interrupted" {
		t.Fatal(got)
	}
	if r := pick[store.ToolResult](events)[0]; r.Error != "interrupted" || r.Stdout != "so far\n" || r.Exit != nil {
		t.Errorf("%+v", r)
	}
	if by := pick[store.Interrupted](events)[0].By; by != "user" {
		t.Errorf("interrupted by %s", by)
	}
	if err := b.Prompt(t.Context(), "and?"); err != nil {
		t.Fatal(err)
	}
	msgs := srv.seen()[1]["messages"].([]any)
	var got []string
	for _, m := range msgs[3:] {
		got = append(got, m.(map[string]any)["content"].(string))
	}
	if diff := cmp.Diff([]string{"error: interrupted\nso far", notRun, "and?"}, got); diff != "" {
		t.Error(diff)
	}
}

// aged is a log in which all events after the first are an hour younger, less a
// moment, however long they take.
type aged struct {
	Recorder
	first time.Time
}

func (a *aged) Append(ctx context.Context, b store.Body) (store.Event, error) {
	e, err := a.Recorder.Append(ctx, b)
	if a.first.IsZero() {
		a.first = e.At
	} else {
		e.At = a.first.Add(time.Hour - 300*time.Millisecond)
	}
	return e, err
}

func TestWallCountsEarlierPrompts(t *testing.T) {
	srv := newServer(t, says("quick"), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	b := newBench(t, srv, func(c *Config) { c.Log, c.Limits = &aged{Recorder: c.Log}, Limits{Wall: time.Hour} })
	if err := b.Prompt(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var limit *LimitError
	if err := b.Prompt(ctx, "two"); !errors.As(err, &limit) || limit.Limit != "wall" {
		t.Error(err)
	}
}

func TestModelFailureIsRecorded(t *testing.T) {
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		sse(delta(`{"content":"half"}`))(w, r)
		panic(http.ErrAbortHandler)
	}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	b := newBench(t, srv)
	err := b.Prompt(t.Context(), "go")
	if !errors.Is(err, errStreamCut) || Outcome(err).Status != "failed" {
		t.Fatal(err)
	}
	var e *ModelError
	if err := b.Prompt(t.Context(), "again"); !errors.As(err, &e) || e.Status != 401 {
		t.Fatal(err)
	}
	events := b.events()
	if got := kinds(events); got != "prompt model.request model.response error prompt model.request error" {
		t.Error(got)
	}
	if r := pick[store.ModelResponse](events)[0]; !r.Partial || r.Text != "half" {
		t.Errorf("%+v", r)
	}
	if f := pick[store.Failure](events)[1]; f.Code != "model" || !strings.Contains(f.Message, "OPENAI_API_KEY") {
		t.Errorf("%+v", f)
	}
}

func TestLostBoxEndsTheWork(t *testing.T) {
	srv := newServer(t, calls("shell", `{"command":"true"}`, "shell", `{"command":"true"}`))
	b := newBench(t, srv)
	b.box.lost = ErrBoxLost
	err := b.Prompt(t.Context(), "go")
	if !errors.Is(err, ErrBoxLost) {
		t.Fatal(err)
	}
	events := b.events()
	if got := kinds(events); got != "prompt model.request model.response decision tool.call tool.result error" {
		t.Error(got)
	}
	if f := pick[store.Failure](events)[0]; f.Code != "box" {
		t.Errorf("%+v", f)
	}
	// Another error of the box is something the model may deal with.
	b = newBench(t, newServer(t, calls("shell", `{"command":"true"}`), says("ok")))
	b.box.lost = errors.New("no such program")
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	if r := pick[store.ToolResult](b.events())[0]; !strings.Contains(r.Error, "no such program") {
		t.Errorf("%+v", r)
	}
}

// refusing is a log that stops taking events of one kind.
type refusing struct {
	Recorder
	kind string
}

func (r refusing) Append(ctx context.Context, b store.Body) (store.Event, error) {
	if b.Kind() == r.kind {
		return store.Event{}, errors.New("the disk is full")
	}
	return r.Recorder.Append(ctx, b)
}

// The first law: what cannot be recorded does not happen.
func TestNothingHappensUnrecorded(t *testing.T) {
	for _, c := range []struct {
		kind        string
		asked, runs int
	}{
		{"prompt", 0, 0}, {"model.request", 0, 0}, {"model.response", 1, 0}, {"decision", 1, 0}, {"tool.call", 1, 0}, {"tool.result", 1, 1},
	} {
		t.Run(c.kind, func(t *testing.T) {
			srv := newServer(t, calls("shell", `{"command":"true"}`, "shell", `{"command":"true"}`))
			b := newBench(t, srv, func(cfg *Config) { cfg.Log = refusing{cfg.Log, c.kind} })
			err := b.Prompt(t.Context(), "go")
			if err == nil || !strings.Contains(err.Error(), "the disk is full") {
				t.Fatal(err)
			}
			if len(srv.seen()) != c.asked || b.box.runs != c.runs {
				t.Errorf("%d requests, %d commands", len(srv.seen()), b.box.runs)
			}
			if got := Outcome(err).Status; got != "failed" {
				t.Error(got)
			}
		})
	}
}

func TestAlreadyInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := newBench(t, newServer(t, says("x")))
	if err := b.Prompt(ctx, "go"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := kinds(b.events()); got != "prompt interrupted" || len(b.srv.seen()) != 0 {
		t.Errorf("%s, %d requests", got, len(b.srv.seen()))
	}
}

// The requests that went out are what Conversation makes of the log later.
func TestConversationFromTheLog(t *testing.T) {
	srv := newServer(t, calls("shell", `{"command":"printf 'a\\377b'"}`, "nope", `{}`), calls("shell", `{"command":"kill -9 $$"}`), says("x"))
	b := newBench(t, srv)
	if err := b.Prompt(t.Context(), "go \xff"); err != nil {
		t.Fatal(err)
	}
	events := b.events()
	for i, r := range pick[store.ModelRequest](events) {
		n := slices.IndexFunc(events, func(e store.Event) bool { return e.Seq == r.Through }) + 1
		raw, err := json.Marshal(messages(Request{System: "sys", Messages: Conversation(events[:n])}))
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, srv.seen()[i]["messages"]); diff != "" {
			t.Errorf("request %d: %s", i+1, diff)
		}
	}
}

func TestConversationAfterACrash(t *testing.T) {
	answer := store.ModelResponse{ToolCalls: []store.CallSpec{{ID: "1", Name: "shell"}, {ID: "1", Name: "shell"}, {ID: "3", Name: "shell"}}}
	var events []store.Event
	for i, b := range []store.Body{
		store.Prompt{Text: "a"},
		store.Prompt{Text: "b"},
		store.ModelRequest{},
		answer,
		store.ToolCall{CallID: "1"},
		store.ToolResult{CallID: "1", Stdout: "x"},
		store.ToolCall{CallID: "1"},
		store.Interrupted{By: "crash"},
		store.Prompt{Text: "c"},
		store.ModelResponse{Partial: true, Reasoning: "hm"},
	} {
		events = append(events, store.Event{Seq: int64(i + 1), Body: b})
	}
	want := []Message{
		{Role: "user", Text: "a\n\nb"},
		{Role: "assistant", ToolCalls: answer.ToolCalls},
		{Role: "tool", CallID: "1", Text: "x"},
		{Role: "tool", CallID: "1", Text: outcomeLost},
		{Role: "tool", CallID: "3", Text: notRun},
		{Role: "user", Text: "c"},
	}
	if diff := cmp.Diff(want, Conversation(events)); diff != "" {
		t.Error(diff)
	}
}

func TestResultText(t *testing.T) {
	zero := 0
	for want, r := range map[string]store.ToolResult{
		"exit 0":                      {Exit: &zero},
		"exit 0\nx":                   {Exit: &zero, Stdout: "x\n"},
		"exit 0\nx\nstderr:\ny":       {Exit: &zero, Stdout: "x", Stderr: "y"},
		"timed out and was killed\nx": {TimedOut: true, Signal: "SIGKILL", Stdout: "x"},
		"killed by SIGSEGV":           {Signal: "SIGSEGV"},
		"error: no\nx":                {Error: "no", Stdout: "x"},
		"file\n":                      {Stdout: "file\n"},
		"(empty)":                     {},
		"exit 0\nx\n[7 bytes left out of the middle of this output]\nstderr:\ny\n[8 bytes left out of the middle of stderr]": {Exit: &zero, Stdout: "x", StdoutCut: 7, Stderr: "y", StderrCut: 8},
	} {
		if got := resultText(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
