package agent

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glovebox/agent/policy"
	"glovebox/store"
)

const refundSchema = `{"type":"object","required":["order_id","amount"],"additionalProperties":false,
	"properties":{"order_id":{"type":"integer"},"amount":{"type":"number","minimum":0.01},"note":{"type":"string","maxLength":20}}}`

func refund(t *testing.T, answer string) Stub {
	t.Helper()
	s, err := NewStub("refund", "Refund an order.", json.RawMessage(refundSchema), answer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStubTools(t *testing.T) {
	answer := `refunded {{printf "%.2f" (float .amount)}} of order {{.order_id}}: {{fake "uuid"}} by {{fake "number:1,1000000"}}`
	var results [2][]store.ToolResult
	for i := range results {
		srv := newServer(t, calls(
			"refund", `{"order_id":7,"amount":12.5}`,
			"refund", `{"order_id":"7","amount":12.5}`,
			"refund", `{"order_id":8,"amount":1,"note":"`+strings.Repeat("x", 30)+`"}`,
			"refund", `{"order_id":9,"amount":1`,
			"refund", `{"order_id":8,"amount":1}`,
		), says("ok"))
		b := newBench(t, srv, func(c *Config) { c.Tools.Stubs = []Stub{refund(t, answer)}; c.Tools.Seed = 42 })
		if err := b.Prompt(t.Context(), "go"); err != nil {
			t.Fatal(err)
		}
		events := b.events()
		var outbox []string
		for _, c := range pick[store.ToolCall](events) {
			if c.Stub {
				outbox = append(outbox, string(c.Arguments))
			}
		}
		if diff := cmp.Diff([]string{`{"amount":12.5,"order_id":7}`, `{"amount":1,"order_id":8}`}, outbox); diff != "" {
			t.Error(diff)
		}
		results[i] = pick[store.ToolResult](events)
		if b.box.runs != 0 {
			t.Error("something ran in the box")
		}
		offered, err := json.Marshal(srv.seen()[0]["tools"])
		if err != nil || !strings.Contains(string(offered), `"maxLength":20`) {
			t.Errorf("%s, %v", offered, err)
		}
	}
	for i, want := range []string{"refunded 12.50 of order 7: ", "order_id: got string, want integer", "note: ", "not valid JSON", "refunded 1.00 of order 8: "} {
		if got := resultText(results[0][i]); !strings.Contains(got, want) {
			t.Errorf("result %d: %q lacks %q", i, got, want)
		}
		if results[0][i].Stdout != results[1][i].Stdout {
			t.Errorf("the same seed says %q and %q", results[0][i].Stdout, results[1][i].Stdout)
		}
	}
	if results[0][0].Stdout[len("refunded 12.50 of order 7"):] == results[0][4].Stdout[len("refunded 1.00 of order 8"):] {
		t.Error("other arguments get the same made-up values")
	}
}

func TestStubsThatCannotBe(t *testing.T) {
	object := `{"type":"object"}`
	for _, c := range []struct{ name, about, schema, answer, says string }{
		{"shell", "x", object, "", "built-in tool"},
		{"Send-It", "x", object, "", "lower-case"},
		{"send", "", object, "", "description"},
		{"send", "x", `{"type":"string"}`, "", `type = "object"`},
		{"send", "x", `{"type":"object","properties":{"a":{"type":"strin"}}}`, "", "no JSON Schema"},
		{"send", "x", `{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}`, "", "no JSON Schema"},
		{"send", "x", `{"type":"object","properties":{"a":{"$ref":"https://example.org/x"}}}`, "", "lies outside"},
		{"send", "x", object, "{{.a", "answer"},
		{"send", "x", object, `{{fake "emali"}}`, `no function "emali"`},
		{"send", "x", object, `{{fake "futuredate"}}`, "reads the clock"},
	} {
		if _, err := NewStub(c.name, c.about, json.RawMessage(c.schema), c.answer); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	// Endless answers end.
	s := refund(t, `{{range $i := slice "`+strings.Repeat("x", 2000)+`" }}{{range $j := slice "`+strings.Repeat("y", 2000)+`"}}zzzz{{end}}{{end}}`)
	res, err := s.run(t.Context(), &run{}, values{})
	if err != nil || len(res.Stdout) > maxStubAnswer {
		t.Errorf("%d bytes, %v", len(res.Stdout), err)
	}
}

// Policy holds for stubs as for every other tool.
func TestStubUnderPolicy(t *testing.T) {
	p, err := policy.New([]policy.Rule{{Tool: "refund", Argument: "amount", Match: "5*", Decision: policy.Deny, Reason: "too much"}}, append(ToolNames(), "refund"), policy.Allow)
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(t, calls("refund", `{"order_id":7,"amount":500}`, "refund", `{"order_id":7,"amount":4}`), says("ok"))
	b := newBench(t, srv, func(c *Config) { c.Tools.Stubs, c.Tools.Policy = []Stub{refund(t, "done")}, p })
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"deny policy", "allow policy"}, decisions(b.events())); diff != "" {
		t.Error(diff)
	}
}

// A model that goes in circles is told, then stopped.
func TestRepeats(t *testing.T) {
	ping, pong := calls("shell", `{"command":"echo ping"}`), calls("shell", `{"command":"echo pong"}`)
	for name, c := range map[string]struct {
		first, second []string
		runs          int
		stops         bool
	}{
		"the same call":       {[]string{"shell", `{"command":"echo x"}`}, []string{"shell", `{"command":"echo x"}`}, 3, true},
		"ping-pong":           {nil, nil, 6, true},
		"a result that moves": {[]string{"shell", `{"command":"echo x >>f; wc -l <f"}`}, []string{"shell", `{"command":"echo x >>f; wc -l <f"}`}, 20, false},
		"an unknown tool":     {[]string{"teleport", `{}`}, []string{"teleport", `{}`}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := ping, pong
			if c.first != nil {
				one, two = calls(c.first...), calls(c.second...)
			}
			srv := newServer(t, one, two, one, two, one, two, one, two, one, two, one, two, one, two, one, two, one, two, one, two, says("done"))
			b := newBench(t, srv, func(c *Config) { c.Repeats = 4 })
			err := b.Prompt(t.Context(), "go")
			var limit *LimitError
			if errors.As(err, &limit); (limit != nil) != c.stops || limit != nil && limit.Limit != "repeats" || limit == nil && err != nil {
				t.Fatalf("%v", err)
			}
			if b.box.runs != c.runs {
				t.Errorf("%d ran, want %d", b.box.runs, c.runs)
			}
			told := false
			for _, d := range pick[store.Decision](b.events()) {
				told = told || strings.Contains(d.Reason, "do something else")
			}
			if told != (c.stops && c.runs > 0) {
				t.Errorf("told: %v", told)
			}
		})
	}
}
