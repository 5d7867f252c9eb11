package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// A limit ends a session with what there is, says why and how to go on; and so
// it goes on, in another box, with what was spent counting.
func TestLimitAndResume(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	scenario := h.file("two.toml", `
name = "two"
[[turn]]
text = "First I make a file."
[[turn.call]]
tool = "shell"
args = { command = "echo from-the-first > /work/note && cat /work/note" }
[[turn]]
text = "Then I look for it."
[[turn.call]]
tool = "shell"
args = { command = "cat /work/note || echo it-is-gone; sqlite3 /data/shop.db 'select count(*) > 0 from orders'" }
[[turn]]
text = "All done."
[[turn.expect]]
call = 1
contains = ["it-is-gone", "1"]
`)
	h.file("glovebox.toml", "model = 'script:"+scenario+"'\n[limits]\nturns = 1\n")
	out, errOut, code := h.run("run", "go")
	if code != exitLimit || !strings.Contains(out, "from-the-first") || !strings.Contains(out, "limit reached: turns 1 of 1") ||
		!strings.Contains(errOut, "spent: ") || !regexp.MustCompile(`(?m)^try: glovebox run --resume \w{12} --raise turns=2$`).MatchString(errOut) {
		t.Fatalf("exit %d\n%s%s", code, out, errOut)
	}
	if _, errOut, code = h.run("run", "--resume", "last"); code != exitLimit {
		t.Errorf("the limit is forgotten: exit %d\n%s", code, errOut)
	}
	out = h.ok("run", "--resume", "last", "--raise", "turns=10", "and now?")
	if !strings.Contains(out, "it-is-gone") || !strings.Contains(out, "All done.") || strings.Contains(out, "First I make") {
		t.Errorf("%s", out)
	}
	log := h.ok("replay", "--json", "last")
	if !strings.Contains(log, `"resumes":{"session":"`) || !strings.Contains(log, "This box is new") || !strings.Contains(log, `"turn":3`) {
		t.Errorf("%s", log)
	}
	h.ok("box", "run", "--", "true")
	if _, errOut, code := h.run("run", "--resume", "last", "go on"); code != exitUsage || !strings.Contains(errOut, "has no conversation to go on with") {
		t.Errorf("a command in a box is resumed: exit %d\n%s", code, errOut)
	}
	for _, wrong := range [][]string{{"--raise", "cots=2"}, {"--raise", "turns"}, {"--raise", "turns=many"}, {"--raise", "turns=-1"}} {
		if _, errOut, code := h.run(append([]string{"run", "x"}, wrong...)...); code != exitUsage || !strings.Contains(errOut, "--raise") {
			t.Errorf("%q: exit %d\n%s", wrong, code, errOut)
		}
	}
}

// paid is an endpoint that bills a thousand tokens each way.
func paid(t *testing.T) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			fmt.Fprint(w, `{"data":[{"id":"gpt-5-mini"},{"id":"gpt-5-mini-2025-08-07"},{"id":"own\u001b[2J"}]}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{"content":"Hello."},"finish_reason":"stop"}]}`+"\n\n"+
			`data: {"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":1000}}`+"\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/v1"
}

func TestModelsAndMoney(t *testing.T) {
	h := newHome(t)
	h.set("OPENAI_BASE_URL", paid(t))
	h.set("OPENAI_API_KEY", "sk-very-secret")
	out := h.ok("models")
	for _, want := range []string{`openai/gpt-5-mini +\$0.25 +\$2 +400000 +catwalk`, `openai/gpt-5-mini-2025-08-07 +\$0.25`, `openai/own␛\[2J +\$0 +\$0 +\? +local`} {
		if !matches(want, out) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	if out = h.ok("models", "--json"); !strings.Contains(out, `{"model":"openai/gpt-5-mini","input_usd_per_million":0.25,"output_usd_per_million":2,"context":400000,"price_source":"catwalk v0.52.1"}`) {
		t.Error(out)
	}
	needEngine(t)
	h.ok("run", "hello")
	if out = h.ok("sessions", "--json"); !strings.Contains(out, `"cost_usd":0.00225,`) {
		t.Errorf("%s", out)
	}
	h.file("glovebox.toml", "[limits]\ncost_usd = 0.003\n[limits.day]\ncost_usd = 0.0025\n")
	_, errOut, code := h.run("run", "hello")
	if code != exitLimit || !strings.Contains(errOut, "the day reached its limit of cost_usd (0.00225 of 0.0025") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if out = h.ok("run", "--raise", "day.cost=1", "--raise", "cost=1", "hello"); !strings.Contains(out, "Hello.") {
		t.Error(out)
	}
	for _, file := range []string{h.ok("replay", "--json", "last"), h.ok("sessions", "show", "last"), errOut} {
		if strings.Contains(file, "very-secret") {
			t.Error("the key is shown")
		}
	}
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
