package agent

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glovebox/agent/policy"
	"glovebox/store"
)

func withPolicy(t *testing.T, rules ...policy.Rule) func(*Config) {
	t.Helper()
	p, err := policy.New(rules, ToolNames(), policy.Allow)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Tools.Policy = p }
}

func asking(answers ...Answer) (func(*Config), *[]Ask) {
	var asked []Ask
	return func(c *Config) {
		c.Approve = func(_ context.Context, q Ask) Answer {
			asked = append(asked, q)
			return answers[min(len(asked), len(answers))-1]
		}
	}, &asked
}

var asksTouch = policy.Rule{Tool: "shell", Match: "touch *", Decision: policy.Ask, Reason: "files appear", From: "glovebox.toml:3"}

func decisions(events []store.Event) []string {
	var out []string
	for _, d := range pick[store.Decision](events) {
		out = append(out, strings.TrimSpace(d.Verdict+" "+d.By+" "+d.Scope))
	}
	return out
}

func TestApprovals(t *testing.T) {
	touches := calls("shell", `{"command":"touch a"}`, "shell", `{"command":"touch b; echo done"}`, "shell", `{"command":"ls"}`)
	for name, c := range map[string]struct {
		answer Answer
		nobody bool
		want   []string
		asked  int
		runs   int
		says   string // in the first result that the model is told
		stops  bool
	}{
		"once":    {Answer{Allow: true}, false, []string{"ask policy", "allow user once", "ask policy", "allow user once", "allow policy"}, 2, 3, "exit 0", false},
		"session": {Answer{Allow: true, Scope: "session"}, false, []string{"ask policy", "allow user session", "allow user", "allow policy"}, 1, 3, "exit 0", false},
		"pattern": {Answer{Allow: true, Scope: "pattern", Pattern: "touch *"}, false, []string{"ask policy", "allow user pattern", "ask policy", "allow user pattern", "allow policy"}, 2, 3, "exit 0", false},
		"denied":  {Answer{Reason: "use mktemp"}, false, []string{"ask policy", "deny user", "ask policy", "deny user", "allow policy"}, 2, 1, "not allowed: use mktemp", false},
		"edited": {
			Answer{Allow: true, Arguments: json.RawMessage(`{"command":"echo instead"}`)},
			false,
			[]string{"ask policy", "allow user once", "ask policy", "allow user once", "allow policy"},
			2, 3,
			"(a person changed the arguments of this call before it ran, to {\"command\":\"echo instead\"})\nexit 0\ninstead", false,
		},
		"edited into what is denied": {Answer{Allow: true, Arguments: json.RawMessage(`{"command":"rm -rf /"}`)}, false, []string{"ask policy", "deny policy", "ask policy", "deny policy", "allow policy"}, 2, 1, "after a person changed the arguments", false},
		"edited into nonsense":       {Answer{Allow: true, Arguments: json.RawMessage(`{"cmd":1}`)}, false, []string{"ask policy", "invalid policy", "ask policy", "invalid policy", "allow policy"}, 2, 1, "unknown argument", false},
		"stop":                       {Answer{Stop: true}, false, []string{"ask policy", "deny user"}, 1, 0, "", true},
		"nobody":                     {Answer{}, true, []string{"ask policy", "deny headless", "ask policy", "deny headless", "allow policy"}, 0, 1, "nobody is there to ask", false},
		"--yes":                      {Answer{Allow: true, By: "--yes"}, false, []string{"ask policy", "allow --yes once", "ask policy", "allow --yes once", "allow policy"}, 2, 3, "exit 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			ask, asked := asking(c.answer)
			if c.nobody {
				ask = func(*Config) {}
			}
			srv := newServer(t, touches, says("ok"))
			b := newBench(t, srv, withPolicy(t, asksTouch, policy.Rule{Tool: "shell", Match: "rm -rf /", Decision: policy.Deny}), ask)
			err := b.Prompt(t.Context(), "go")
			if stopped := errors.Is(err, Interruption{By: "user"}); stopped != c.stops || err != nil && !stopped {
				t.Fatal(err)
			}
			events := b.events()
			if diff := cmp.Diff(c.want, decisions(events)); diff != "" {
				t.Error(diff)
			}
			if len(*asked) != c.asked || b.box.runs != c.runs {
				t.Errorf("asked %d times, ran %d", len(*asked), b.box.runs)
			}
			if c.stops {
				if got := kinds(events[len(events)-2:]); got != "tool.result interrupted" {
					t.Error(got)
				}
				return
			}
			messages := srv.seen()[1]["messages"].([]any)
			if told := messages[3].(map[string]any)["content"].(string); !strings.Contains(told, c.says) {
				t.Errorf("the model is told %q", told)
			}
			for _, q := range *asked {
				if q.Rule != `shell "touch *"` || q.From != "glovebox.toml:3" || q.Reason != "files appear" || !strings.HasPrefix(q.Part, "touch ") {
					t.Errorf("%+v", q)
				}
			}
		})
	}
}

// The question is on disk before anybody is asked, and the answer before anything runs.
func TestAskedOnTheRecord(t *testing.T) {
	srv := newServer(t, calls("shell", `{"command":"touch a"}`), says("ok"))
	var b *bench
	b = newBench(t, srv, withPolicy(t, asksTouch), func(c *Config) {
		c.Approve = AskThrough(func(u Update) {
			events := b.events()
			if last := kinds(events[len(events)-1:]); last != "decision" || b.box.runs != 0 {
				t.Errorf("asked after %s", last)
			}
			go func() {
				u.Ask.Reply(Answer{Allow: true})
				u.Ask.Reply(Answer{Reason: "too late"})
			}()
		}, "alice")
	})
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	d := pick[store.Decision](b.events())
	if len(d) != 2 || d[1].Who != "alice" || d[1].WaitMS <= 0 || d[1].Verdict != "allow" {
		t.Errorf("%+v", d)
	}
}

func TestInterruptedAtAQuestion(t *testing.T) {
	srv := newServer(t, calls("shell", `{"command":"touch a"}`), says("ok"))
	ctx, cancel := context.WithCancelCause(t.Context())
	b := newBench(t, srv, withPolicy(t, asksTouch), func(c *Config) {
		c.Approve = AskThrough(func(Update) { cancel(Interruption{By: "user"}) }, "")
	})
	if err := b.Prompt(ctx, "go"); !errors.Is(err, Interruption{By: "user"}) || b.box.runs != 0 {
		t.Errorf("%v, %d runs", err, b.box.runs)
	}
}

// A tool whose every call is denied is not shown to the model.
func TestDeniedToolIsNotOffered(t *testing.T) {
	srv := newServer(t, calls("sql", `{"query":"select 1"}`), says("ok"))
	b := newBench(t, srv, withPolicy(t, policy.Rule{Tool: "sql", Decision: policy.Deny}))
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	for _, tool := range srv.seen()[0]["tools"].([]any) {
		if tool.(map[string]any)["function"].(map[string]any)["name"] == "sql" {
			t.Error("sql is offered")
		}
	}
	if d := pick[store.Decision](b.events()); len(d) != 1 || d[0].Verdict != "deny" {
		t.Errorf("%+v", d)
	}
}
