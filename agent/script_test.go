package agent

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	_ "modernc.org/sqlite"

	"glovebox/store"
)

// play serves a scenario and lets an agent with a real box run it.
func play(t *testing.T, scenario string) (*bench, error) {
	t.Helper()
	s, err := ParseScript([]byte(scenario), "test.toml")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, serveScript(t, s))
	return b, b.Prompt(t.Context(), "please")
}

func serveScript(t *testing.T, s *Script) *server {
	t.Helper()
	base, stop, err := ServeScript(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	srv := newServer(t, says("unused"))
	srv.URL = strings.TrimSuffix(base, "/v1")
	return srv
}

func TestScenario(t *testing.T) {
	b, err := play(t, `
[[turn]]
reasoning = "Who am I? Let me see."
text = "A look around, first of all."
delay_ms = 1
[[turn.expect]]
prompt = true
contains = ["please"]
[[turn.call]]
tool = "shell"
args = { command = "echo 42; exit 3", timeout_s = 5 }
[[turn.call]]
tool = "shell"
raw = '{"command'

[[turn]]
text = "Done."
[[turn.expect]]
call = 1
exit = 3
contains = ["42"]
not_contains = ["43"]
matches = '(?m)^\d+$'
[[turn.expect]]
call = 2
fails = true
contains = ["not valid JSON"]
`)
	if err != nil {
		t.Fatal(err)
	}
	got := pick[store.ModelResponse](b.events())
	want := []store.ModelResponse{
		{
			Turn: 1, Model: "test", Reasoning: "Who am I? Let me see.", Text: "A look around, first of all.", FinishReason: "tool_calls", Usage: &store.Usage{Input: 2, Output: 27, Reasoning: 5},
			ToolCalls: []store.CallSpec{{ID: "call_1_1", Name: "shell", Arguments: `{"command":"echo 42; exit 3","timeout_s":5}`}, {ID: "call_1_2", Name: "shell", Arguments: `{"command`}},
		},
		{Turn: 2, Model: "test", Text: "Done.", FinishReason: "stop", Usage: &store.Usage{Input: 47, Output: 1}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.ModelResponse{}, "FirstTokenMS", "DurationMS", "Charge")); diff != "" {
		t.Error(diff)
	}
	if err := b.Prompt(t.Context(), "more"); err != nil {
		t.Fatal(err)
	}
	if r := pick[store.ModelResponse](b.events())[2]; r.Text != "(end of script)" {
		t.Errorf("after the end: %q", r.Text)
	}
}

func TestScenarioFails(t *testing.T) {
	for expect, says := range map[string]string{
		`exit = 0`:                    `expected the result of call 1 to exit with 0; got: exit 3␊so it is`,
		`contains = ["so", "not"]`:    `to contain "not"`,
		`not_contains = ["so"]`:       `to not contain "so"`,
		`matches = "^so$"`:            `to match ^so$`,
		`exit = 3` + "\nfails = true": ``, // refused when read
	} {
		scenario := "[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs.command = 'echo so it is; exit 3'\n[[turn]]\ntext = 'x'\n[[turn.expect]]\ncall = 1\n" + expect
		if says == "" {
			if _, err := ParseScript([]byte(scenario), "x"); err == nil {
				t.Errorf("%s was taken", expect)
			}
			continue
		}
		b, err := play(t, scenario)
		var e *ScriptError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "scenario test, turn 2") {
			t.Errorf("%s: %v", expect, err)
			continue
		}
		events := b.events()
		if f := pick[store.Failure](events); len(f) != 1 || f[0].Code != "script" || f[0].Message != err.Error() {
			t.Errorf("recorded %+v", f)
		}
	}
	_, err := play(t, "[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs.command = 'true'\n[[turn]]\ntext = 'x'\n[[turn.expect]]\ncall = 1\nfails = true\n")
	var e *ScriptError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "to fail; got: exit 0") {
		t.Error(err)
	}
}

func TestScenarioFaults(t *testing.T) {
	b, err := play(t, "[[turn]]\ntext = 'x'\nstatus = 429\nretry_after = 0\ntimes = 2\n")
	if err != nil {
		t.Fatal(err)
	}
	if r := pick[store.ModelResponse](b.events())[0]; r.Retries != 2 || r.Text != "x" {
		t.Errorf("%+v", r)
	}

	b, err = play(t, "[[turn]]\ntext = 'x'\nstatus = 500\ntimes = 4\n[[turn]]\ntext = 'never reached'\n")
	var e *ModelError
	if !errors.As(err, &e) || e.Status != 500 {
		t.Error(err)
	}
	if err := b.Prompt(t.Context(), "again"); err != nil {
		t.Errorf("the fault was not over: %v", err)
	}

	b, err = play(t, "[[turn]]\ntext = 'one two three four five six seven eight nine'\ncut = true\n")
	if !errors.Is(err, errStreamCut) {
		t.Error(err)
	}
	if r := pick[store.ModelResponse](b.events())[0]; !r.Partial || r.Text != "one two three four five six seven eight " {
		t.Errorf("%+v", r)
	}
}

func TestScenarioWithoutStream(t *testing.T) {
	s, err := ParseScript([]byte("[[turn]]\ntext = 'a'\nreasoning = 'r'\n[[turn.call]]\ntool = 'x'\nargs = {n = 1, t = 2026-01-02T03:04:05Z}\n"), "s.toml")
	if err != nil {
		t.Fatal(err)
	}
	srv := serveScript(t, s)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(`{"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := newAnswer(nil, time.Now(), func(Delta) {})
	if err := a.add(body); err != nil {
		t.Fatal(err)
	}
	got := a.response()
	if got.Text != "a" || got.Reasoning != "r" || got.FinishReason != "tool_calls" || len(got.ToolCalls) != 1 || got.ToolCalls[0].Arguments != `{"n":1,"t":"2026-01-02T03:04:05Z"}` {
		t.Errorf("%+v", got)
	}
	models, err := newModel(t, srv.URL).Models(t.Context())
	if err != nil || cmp.Diff([]string{"s"}, models) != "" {
		t.Errorf("%v, %v", models, err)
	}
}

func TestServeScriptEndsWithItsContext(t *testing.T) {
	s, err := ParseScript([]byte("[[turn]]\ntext = 'a b c d e f g h i j'\ndelay_ms = 10000\n"), "s")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	base, stop, err := ServeScript(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	failed := make(chan error)
	m := newModel(t, strings.TrimSuffix(base, "/v1"))
	go func() {
		close(started)
		_, err := m.Stream(context.Background(), hello, nil)
		failed <- err
	}()
	<-started
	cancel()
	if err := <-failed; err == nil {
		t.Error("the answer came all the same")
	}
	stop()
	stop() // twice does no harm
}

func TestParseScriptIsStrict(t *testing.T) {
	turn := "[[turn]]\ntext = 'x'\n"
	for scenario, says := range map[string]string{
		"":                                "no [[turn]]",
		"[[turn]]":                        "turn 1: it has neither text nor a call",
		turn + "txet = 'y'":               `unknown key "turn.txet"; did you mean "text"?`,
		turn + "zzzzzzzz = 1":             "known are name, turn",
		turn + "text = 'y'":               "already been defined",
		turn + "delay_ms = 'soon'":        "delay_ms",
		turn + "delay_ms = 10001":         "delay_ms must be from 0 to 10000",
		turn + "status = 200":             "status must be from 400 to 599",
		turn + "retry_after = 1":          "retry_after needs a status",
		turn + "times = 2":                "times needs a status or cut",
		turn + "status = 500\ncut = true": "exclude each other",
		turn + "[[turn.call]]":            "call 1: it names no tool",
		turn + "[[turn.call]]\ntool='x'\nargs={}\nraw=''":      "args and raw",
		turn + "[[turn.call]]\ntool='x'\nargs={a=nan}":         "args",
		turn + "[[turn.expect]]\ncall = 1\nexit = 0":           "the turn before makes 0 calls",
		turn + "[[turn.expect]]\nexit = 0":                     "either call = N or prompt = true",
		turn + "[[turn.expect]]\nprompt = true":                "it expects nothing",
		turn + "[[turn.expect]]\nprompt = true\nexit = 0":      "no exit status",
		turn + "[[turn.expect]]\nprompt = true\nmatches = '('": "missing closing",
		strings.Repeat(turn, 501):                              "at most 500",
		strings.Repeat("#", 1<<20+1):                           "larger than 1024 KiB",
	} {
		_, err := ParseScript([]byte(scenario), "s.toml")
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "scenario s.toml: ") {
			t.Errorf("%.80q: %v", scenario, err)
		}
	}
}

func TestDocumentedScenarioIsValid(t *testing.T) {
	doc, err := os.ReadFile("../docs/script.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```toml\n")
	example, _, found := strings.Cut(rest, "```")
	if _, err := ParseScript([]byte(example), "script.md"); err != nil || !found {
		t.Error(err)
	}
}

func TestLoadScript(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hello.toml")
	if err := os.WriteFile(file, []byte("[[turn]]\ntext = 'x'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := LoadScript(file)
	if err != nil || s.Name != "hello" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := LoadScript(file + ".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if s, err := LoadScript("demo"); err != nil || s.Name != "demo" || len(s.turns) < 8 {
		t.Errorf("the tour: %v", err)
	}
}

func FuzzParseScript(f *testing.F) {
	for _, name := range []string{"demo", "redteam"} {
		data, err := builtIn.ReadFile("scripts/" + name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("[[turn]]\ntext = 'x'\nstatus = 429\nretry_after = 1\n[[turn.call]]\ntool='x'\nraw='{'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseScript(data, "f")
		if err != nil {
			if len(err.Error()) > 4000 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
			return
		}
		for i, turn := range s.turns {
			for _, c := range turn.Calls {
				if c.Raw == nil && !json.Valid([]byte(c.wire)) {
					t.Errorf("turn %d: arguments %q", i, c.wire)
				}
			}
		}
	})
}

func ExampleParseScript() {
	_, err := ParseScript([]byte("[[turn]]\ntxt = 'hello'\n"), "hello.toml")
	fmt.Println(err)
	// Output: scenario hello.toml: unknown key "turn.txt"; did you mean "text"?
}

// The tour's queries fit the built-in schema. Whether the tour as a whole
// holds is seen where there are boxes.
func TestTourQueries(t *testing.T) {
	ddl, err := os.ReadFile("../fakedata/schemas/shop.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), string(ddl)); err != nil {
		t.Fatal(err)
	}
	s, err := LoadScript("demo")
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, turn := range s.turns {
		for _, c := range turn.Calls {
			if q, ok := c.Args["query"].(string); ok {
				queries = append(queries, q)
			}
			command, _ := c.Args["command"].(string)
			for _, m := range regexp.MustCompile(`"(SELECT [^"]+)"`).FindAllStringSubmatch(command, -1) {
				queries = append(queries, m[1])
			}
			if _, err := (Toolbox{SQL: func(string) Command { return Command{} }}).allows(c); err != nil {
				t.Error(err)
			}
		}
	}
	if len(queries) != 4 {
		t.Errorf("%d queries", len(queries))
	}
	for _, q := range queries {
		rows, err := db.QueryContext(t.Context(), q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		rows.Close()
	}
}

func (t Toolbox) allows(c scriptCall) (plan, error) {
	d, p := t.decide(store.CallSpec{Name: c.Tool, Arguments: c.wire})
	if d.Verdict != "allow" {
		return p, fmt.Errorf("%s: %s", c.Tool, d.Reason)
	}
	return p, nil
}
