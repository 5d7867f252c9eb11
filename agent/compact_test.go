package agent

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"glovebox/store"
)

// talkative is a model that prints a lot, some times, and then is done.
func talkative(n int) []http.HandlerFunc {
	var out []http.HandlerFunc
	for i := range n {
		out = append(out, calls("shell", fmt.Sprintf(`{"command":"echo begin-%d; printf %%4000s x; echo end-%d"}`, i, i)))
	}
	return append(out, says("done"))
}

// A conversation that outgrows the model's window is told shortened; the log
// keeps it whole, and what the model was told can be made again from it.
func TestCompaction(t *testing.T) {
	srv := newServer(t, talkative(12)...)
	b := newBench(t, srv, func(c *Config) { c.Cost.Context = 10_000 })
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	events := b.events()
	compacted := pick[store.Compacted](events)
	if len(compacted) == 0 || compacted[0].After >= compacted[0].Before {
		t.Fatalf("%+v", compacted)
	}
	for _, r := range pick[store.ToolResult](events) {
		if len(r.Stdout) < 4000 {
			t.Errorf("the log has only %d bytes of a result", len(r.Stdout))
		}
	}
	requests := srv.seen()
	last := requests[len(requests)-1]["messages"].([]any)
	first := last[3].(map[string]any)["content"].(string)
	if !strings.Contains(first, "begin-0") || !strings.Contains(first, "end-0") || !strings.Contains(first, "were left out here to make room") || len(first) > 1000 {
		t.Errorf("%q", first)
	}
	if newest := last[len(last)-1].(map[string]any)["content"].(string); len(newest) < 4000 {
		t.Errorf("the newest result was shortened, too: %d bytes", len(newest))
	}
	if told := Conversation(events[:len(events)-1]); len(told) != len(last)-1 || told[2].Text != first {
		t.Errorf("from the log: %d messages", len(told))
	}
	// What cannot be made small enough is a limit, not a loop.
	b = newBench(t, newServer(t, says("x")), func(c *Config) { c.Cost.Context = 100 })
	var limit *LimitError
	if err := b.Prompt(t.Context(), strings.Repeat("long ", 1000)); !errors.As(err, &limit) || limit.Limit != "context" {
		t.Error(err)
	}
}

// Where nothing is known of the window, the server's refusal says it.
func TestCompactionAfterRefusal(t *testing.T) {
	refusal := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"This model's maximum context length is 4096 tokens","code":"context_length_exceeded"}}`)
	}
	all := talkative(5)
	srv := newServer(t, append(append(all[:5:5], refusal), all[5:]...)...)
	b := newBench(t, srv)
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	if n := len(pick[store.Compacted](b.events())); n != 1 || b.box.runs != 5 {
		t.Errorf("%d compactions, %d runs", n, b.box.runs)
	}
	b = newBench(t, newServer(t, refusal))
	var e *ModelError
	if err := b.Prompt(t.Context(), "go"); !errors.As(err, &e) || e.Code != "too_large" || len(b.srv.seen()) > 4 {
		t.Errorf("%v after %d requests", err, len(b.srv.seen()))
	}
}
