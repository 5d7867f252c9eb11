package compare

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/store/proof"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// read is a session of these events, in which the named fields ("3.stdout" of
// event 3) were taken out.
func read(t testing.TB, id string, bodies []store.Body, withheld ...string) *Session {
	t.Helper()
	var objects [][2]string
	for _, b := range bodies {
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, [2]string{b.Kind(), string(data)})
	}
	return readObjects(t, id, objects, withheld...)
}

// readObjects is read for events as kind and JSON.
func readObjects(t testing.TB, id string, objects [][2]string, withheld ...string) *Session {
	t.Helper()
	s, err := Read(id, func(yield func(store.Disclosure, error) bool) {
		for i, o := range objects {
			d := store.Disclosure{Seq: int64(i + 1), At: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC), Kind: o[0]}
			var err error
			if d.Fields, err = proof.Split([]byte(o[1])); err != nil {
				t.Fatal(err)
			}
			for _, f := range d.Fields {
				p := store.Proven{Salt: make([]byte, proof.SaltSize)}
				for _, w := range withheld {
					if w == fmt.Sprintf("%d.%s", i+1, f.Name) {
						p.Salt = nil
					}
				}
				d.Proofs = append(d.Proofs, p)
			}
			if !yield(d, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exit(n int) *int { return &n }

// small is a session in which something of most kinds happens. Change makes
// another of it.
func small(change func(kind string, b store.Body) []store.Body) []store.Body {
	var all []store.Body
	for _, b := range []store.Body{
		store.SessionStarted{
			Program: "1.0", Model: "openai/gpt-5-mini", Rigor: "standard", System: "You work in a box.\nBe bold.\nAnswer in Markdown.\n",
			Config: json.RawMessage(`{"model":"openai/gpt-5-mini","limits":{"turns":50,"wall":"15m0s"}}`),
			Policy: json.RawMessage(`{"default":"allow","rules":null}`), Endpoint: "https://api.example.com/v1",
			Tools:  []store.ToolSpec{{Name: "shell", Description: "Run a command.", Parameters: json.RawMessage(`{"type":"object"}`)}},
			Recipe: &store.Recipe{Schema: "shop", DDL: "CREATE TABLE a (b);\n", Seed: 42, Rows: 1000, Clock: "2026-01-01T00:00:00Z", Generator: "fakedata/3"},
		},
		store.BoxCreated{
			Box: "gb-1", Image: "auto", ImageDigest: "sha256:00ff", Runtime: "runc", Engine: "podman 4.3.1 rootless", UID: 20000,
			Seal: []store.Proof{{Probe: "dns", Layer: "network", Verdict: "PASS"}}, Limits: []store.Limit{{Name: "memory", Value: "512MiB", Enforced: "cgroup"}},
		},
		store.FilePut{Path: "/data/shop.db", Bytes: 335872, SHA256: "f357"},
		store.Prompt{Text: "Which customers came back?\nWrite a report.\n"},
		store.ModelRequest{Turn: 1, Model: "openai/gpt-5-mini", Through: 4},
		store.ModelResponse{
			Turn: 1, Model: "gpt-5-mini-2025-08-07", Text: "I look first.", FinishReason: "tool_calls",
			ToolCalls: []store.CallSpec{{ID: "a", Name: "sql", Arguments: `{"query":"SELECT count(*) FROM orders"}`}, {ID: "b", Name: "shell", Arguments: `{"command":"git push"}`}},
			Usage:     &store.Usage{Input: 100, Output: 20}, Charge: &store.Charge{Input: 100, Output: 20, PicoUSD: 65_000_000},
		},
		store.Decision{CallID: "a", Tool: "sql", Verdict: "allow", By: "policy", Rule: "tools.allow"},
		store.ToolCall{CallID: "a", Tool: "sql", Arguments: json.RawMessage(`{"query":"SELECT count(*) FROM orders"}`)},
		store.ToolResult{CallID: "a", Tool: "sql", Exit: exit(0), Stdout: "count(*)\n300\n", DurationMS: 3},
		store.Decision{CallID: "b", Tool: "shell", Verdict: "deny", By: "policy", Rule: "git push *", Reason: "nothing leaves the box"},
		store.ModelResponse{
			Turn: 2, Model: "gpt-5-mini-2025-08-07", Text: "Then the report.", FinishReason: "tool_calls",
			ToolCalls: []store.CallSpec{{ID: "c", Name: "write_file", Arguments: `{"path":"/work/report.md","content":"# Report\n\nAll is well.\n"}`}},
			Usage:     &store.Usage{Input: 200, Output: 40}, Charge: &store.Charge{Input: 200, Output: 40, PicoUSD: 130_000_000},
		},
		store.Decision{CallID: "c", Tool: "write_file", Verdict: "allow", By: "policy", Rule: "tools.allow"},
		store.ToolCall{CallID: "c", Tool: "write_file", Arguments: json.RawMessage(`{"content":"# Report\n\nAll is well.\n","path":"/work/report.md"}`)},
		store.ToolResult{CallID: "c", Tool: "write_file", Stdout: "wrote 23 bytes to /work/report.md"},
		store.ModelResponse{Turn: 3, Model: "gpt-5-mini-2025-08-07", Text: "## Found\n\n300 orders.\n", FinishReason: "stop", Usage: &store.Usage{Input: 300, Output: 60}},
		store.BoxDiff{Box: "gb-1", Changes: []store.FileChange{{Path: "/work/report.md", Change: "added", Type: "file", Mode: "0644", Size: 23, SHA256: "aa"}}},
		store.BoxDestroyed{Box: "gb-1", Reason: "done"},
		store.SessionEnded{Status: "done"},
	} {
		if change != nil {
			all = append(all, change(b.Kind(), b)...)
		} else {
			all = append(all, b)
		}
	}
	return all
}

// other is a run of the same with another seed and another end.
func other(kind string, b store.Body) []store.Body {
	switch v := b.(type) {
	case store.SessionStarted:
		r := *v.Recipe
		r.Seed = 43
		v.Recipe, v.System = &r, "You work in a box.\nBe careful.\nAnswer in Markdown.\n"
		v.Tools = append(v.Tools, store.ToolSpec{Name: "fetch", Description: "Fetch a URL."})
		v.Config = json.RawMessage(`{"model":"openai/gpt-5-mini","limits":{"turns":3,"wall":"15m0s"}}`)
		v.Policy = json.RawMessage(`{"default":"ask","rules":[{"tool":"shell","match":"git push *","decision":"deny"}]}`)
		return []store.Body{v}
	case store.BoxCreated:
		v.Box, v.Container, v.UID, v.ReadyMS = "gb-2", "c2", 20001, 77
		v.ImageDigest = "sha256:01b97340968088a4e5270d3b9fbc866b23cb776ba50cc1457156e6f6b05deba1"
		return []store.Body{v}
	case store.FilePut:
		v.SHA256 = "f358"
		return []store.Body{v}
	case store.ToolResult:
		if v.Tool == "sql" {
			v.Stdout, v.Exit = "count(*)\n301\n", exit(1)
		}
		return []store.Body{v}
	case store.Decision:
		if v.Verdict == "deny" {
			return []store.Body{
				store.Decision{CallID: "b", Tool: "shell", Verdict: "ask", By: "policy", Rule: "git push *"},
				store.Decision{CallID: "b", Tool: "shell", Verdict: "allow", By: "user", Who: "alice", Scope: "once", WaitMS: 900},
				store.ToolCall{CallID: "b", Tool: "shell", Arguments: json.RawMessage(`{"command":"git push"}`)},
				store.ToolResult{CallID: "b", Tool: "shell", Exit: exit(128), Stderr: "fatal: no remote\n"},
			}
		}
	case store.ModelResponse:
		switch v.Turn {
		case 2:
			return []store.Body{
				store.ModelResponse{
					Turn: 2, Text: "Look at the customers, too.", FinishReason: "tool_calls",
					ToolCalls: []store.CallSpec{{ID: "x", Name: "sql", Arguments: `{"query":"SELECT * FROM customers LIMIT 3"}`}}, Usage: &store.Usage{Input: 5, Output: 5},
				},
				store.ToolCall{CallID: "x", Tool: "sql", Arguments: json.RawMessage(`{"query":"SELECT * FROM customers LIMIT 3"}`)},
				store.ToolResult{CallID: "x", Tool: "sql", Exit: exit(0), Stdout: "id\n1\n2\n3\n"},
				v,
			}
		case 3:
			v.Text = "## Found\n\n301 orders.\n"
			return []store.Body{v}
		}
	case store.SessionEnded:
		return []store.Body{store.LimitReached{Limit: "turns", Value: 3, Max: 3}, store.SessionEnded{Status: "limited", Reason: "turns"}}
	}
	return []store.Body{b}
}

func hostile(kind string, b store.Body) []store.Body {
	const bad = "\x1b[2J\x1b]52;c;aGk=\x07\u202egnp.exe\r+ B 9  forged\u2028they differ in 0 things\x00\u0085"
	switch v := b.(type) {
	case store.SessionStarted:
		v.Model, v.Program, v.System = bad, bad, strings.Repeat(bad+"\n", 40)
		v.Tools = []store.ToolSpec{{Name: bad + "\n", Description: bad}}
		v.Config = json.RawMessage(`{"\u001b[2Jkey\nx":{"a":"\u202e"},"":1,".":2}`)
		return []store.Body{v}
	case store.FilePut:
		v.Path = bad + "\nset-up: the same"
		return []store.Body{v}
	case store.Prompt:
		v.Text = bad
		return []store.Body{v}
	case store.ToolResult:
		v.Stdout = "@@ -1 +1 @@\n" + bad + "\n" + strings.Repeat("x", 3000)
		return []store.Body{v}
	case store.ModelResponse:
		for i := range v.ToolCalls {
			v.ToolCalls[i].Name += bad
		}
		return []store.Body{v}
	case store.BoxDiff:
		v.Changes = []store.FileChange{{Path: "/work/" + bad, Change: bad, Type: "link", Link: bad}}
		return []store.Body{v}
	}
	return []store.Body{b}
}

// filtered is a session in which secrets were found, and dealt with by action.
func filtered(action string) []store.Body {
	return append(small(nil)[:1], store.Filtered{Where: "result", What: "secrets", Rule: "aws-access-token", Count: 2, Action: action})
}

// The goldens are the manual: what is seen on a screen of 80 columns.
func TestOnAScreen(t *testing.T) {
	keep := small(nil)
	for _, test := range []struct {
		name     string
		a, b     []store.Body
		withheld []string // of B
	}{
		{name: "same", a: keep, b: keep},
		{name: "other", a: keep, b: small(other)},
		{name: "empty", a: small(nil)[:1], b: small(nil)},
		{name: "running", a: small(nil)[:9], b: small(nil)[:9]},
		{name: "hostile", a: small(nil), b: small(hostile)},
		{name: "redacted", a: small(nil), b: small(func(_ string, b store.Body) []store.Body {
			if r, ok := b.(store.ToolResult); ok && r.Tool == "sql" {
				r.Stdout = "count(*)\n[redacted: email]\n"
				return []store.Body{r}
			}
			return []store.Body{b}
		}), withheld: []string{"9.stdout", "1.config", "11.usage"}},
		{name: "cut", a: cutOutput(1), b: cutOutput(1)},
		{name: "long", a: long(200, "a"), b: long(200, "b")},
		{name: "wide", a: oneCall(strings.Repeat("x", 200) + " 1 " + strings.Repeat("y", 200)), b: oneCall(strings.Repeat("x", 200) + " 2 " + strings.Repeat("y", 200))},
		{name: "filtered", a: filtered("redact"), b: filtered("flag")},
		{name: "unseen", a: oneCall("a\r\nb"), b: oneCall("a\nb")},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			c := Compare(read(t, "aaaaaaaaaaaa", test.a), read(t, "bbbbbbbbbbbb", test.b, test.withheld...))
			if err := c.WriteText(&b, 80); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join("testdata", test.name+".txt")
			if *update {
				if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func oneCall(command string) []store.Body {
	args, _ := json.Marshal(map[string]string{"command": command})
	return []store.Body{
		store.SessionStarted{Model: "none", Rigor: "standard"},
		store.ToolCall{CallID: "a", Tool: "shell", Arguments: args},
		store.ToolResult{CallID: "a", Tool: "shell", Exit: exit(0), Stdout: "ok\n"},
		store.SessionEnded{Status: "done"},
	}
}

func cutOutput(n int64) []store.Body {
	all := oneCall("yes")
	r := all[2].(store.ToolResult)
	r.StdoutCut = 1000 * n
	all[2] = r
	return all
}

func long(n int, who string) []store.Body {
	all := []store.Body{store.SessionStarted{Model: "m"}}
	for i := range n {
		all = append(all, store.ToolCall{CallID: fmt.Sprint(i), Tool: "shell", Arguments: json.RawMessage(fmt.Sprintf(`{"command":"echo %s %d"}`, who, i))},
			store.ToolResult{CallID: fmt.Sprint(i), Tool: "shell", Exit: exit(0), Stdout: strings.Repeat(who+"\n", 100)})
	}
	return append(all, store.SessionEnded{Status: "done"})
}
