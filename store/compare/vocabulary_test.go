package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/proof"
)

// whole is one event of each kind, with every field set.
func whole() []store.Body {
	star, seed := true, int64(7)
	return []store.Body{
		store.SessionStarted{
			Program: "1", Model: "openai/m", System: "s", Tools: []store.ToolSpec{{Name: "shell", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`)}},
			Config: json.RawMessage(`{"limits":{"turns":1},"tools":["shell"]}`), Policy: json.RawMessage(`{"rules":[{"tool":"shell"}]}`),
			Recipe: &store.Recipe{Schema: "shop", DDL: "d", Seed: 1, Rows: 2, Mess: 0.5, Clock: "c", Generator: "g", Plan: "p"},
			Rigor:  "quick", Seed: &seed, Endpoint: "https://e", Price: &store.Price{Input: 1, Cached: 2, Output: 3, Source: "list", Notional: true},
			Resumes: &store.Resumes{Session: "x", Through: 3}, Reruns: &store.Resumes{Session: "y", Through: 4},
		},
		store.BoxCreated{
			Box: "b", Container: "c", Image: "i", ImageDigest: "d", Runtime: "runc", Engine: "p", UID: 1, ReadyMS: 1,
			Seal: []store.Proof{{Probe: "p", Layer: "l", Verdict: "PASS", Evidence: "e"}}, Limits: []store.Limit{{Name: "memory", Value: "1", Enforced: "cgroup"}},
			Base: &store.BaseImage{Digest: "d", Was: "w", HostUsr: true, Root: "r", Init: "i"},
		},
		store.FilePut{Path: "/data/x", Bytes: 1, SHA256: "aa"},
		store.Prompt{Text: "t", Images: []store.Image{{Name: "n", Type: "image/png", Data: "aaaa"}}},
		store.ModelRequest{Turn: 1, Model: "openai/m", Through: 4, Reserved: &store.Charge{Input: 1, Output: 1, PicoUSD: 1, Notional: true, Estimated: true}, MaxOutput: 9},
		store.Filtered{Where: "call", CallID: "a", What: "secrets", Rule: "r", Action: "redact", Count: 1},
		store.Tripwire{Where: "stub", CallID: "a", N: 1, Part: "p", What: "canary", Table: "t", Column: "c", As: "hex", Action: "flag"},
		store.ModelResponse{
			Turn: 1, Model: "m-1", Text: "t", Reasoning: "r", ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: `{"command":"x"}`}}, FinishReason: "stop",
			Usage: &store.Usage{Input: 1, Output: 2, Cached: 1, Reasoning: 1}, FirstTokenMS: 1, DurationMS: 1, Retries: 1, Partial: true,
			Charge: &store.Charge{Input: 1, Output: 2, PicoUSD: 100_000_000, Estimated: true},
		},
		store.Decision{
			CallID: "a", Tool: "shell", Verdict: "allow", Rule: "r", Reason: "w", By: "user", From: "f:1", Part: "p", Who: "alice", WaitMS: 1, Scope: "pattern", Pattern: "x*", Edited: true,
		},
		store.ToolCall{CallID: "a", Tool: "shell", Arguments: json.RawMessage(`{"command":"y"}`), Edited: true, Stub: true},
		store.ToolResult{CallID: "a", Tool: "shell", Exit: exit(1), Stdout: "o", Stderr: "e", StdoutCut: 0, StdoutWhole: all("aa", true), StderrWhole: all("bb", true), Error: "x", DurationMS: 1},
		store.ToolResult{CallID: "b", Tool: "shell", Signal: "SIGKILL", Stdout: "o"},
		store.ToolResult{CallID: "c", Tool: "shell", TimedOut: true, Stdout: "o"},
		store.Egress{N: 1, Via: "http", Method: "GET", Host: "h", Port: 80, Decision: "allow", Rule: "r", Reason: "w"},
		store.EgressDone{N: 1, Refused: "r", Error: "e", Addr: "a", Status: 200, BytesUp: 1, BytesDown: 2, DurationMS: 1},
		store.Compacted{Kept: 1, Before: 2, After: 3},
		store.Drift{Of: 1, Now: 2, What: "stdout", Unknown: true, How: "times", Detail: "d"},
		store.Compared{Calls: 5, Same: 1, Drifted: 2, Unknown: 3, Other: 4},
		store.LimitReached{Limit: "turns", Value: 1, Max: 2, Needs: 3, Of: "day"},
		store.Interrupted{By: "user"},
		store.Failure{Code: "model", Message: "m"},
		store.Probed{Probe: "p", Layer: "l", Verdict: "PASS", Evidence: "e", Gain: "g", Tries: "t", Control: &store.Proof{Probe: "p", Layer: "l", Verdict: "FAIL", Evidence: "e"}},
		store.Verified{Of: map[string]string{"kernel": "6"}, Passed: 1, Failed: []string{"f"}, Unproven: []string{"u"}, Inconclusive: []string{"i"}, Untried: []string{"t"}, DurationMS: 1},
		store.BoxDiff{Box: "b", Changes: []store.FileChange{{
			Path: "/work/x", Change: "renamed", From: "f", Type: "file", OldType: "file", Mode: "0644", OldMode: "0600", Size: 1, OldSize: 2, SHA256: "aa", OldSHA256: "bb",
			Link: "l", Binary: true, Patch: "p", PatchCut: true,
		}}, Cut: 0, Error: ""},
		store.BoxDestroyed{Box: "b", Reason: "done"},
		store.SessionEnded{Status: "done", Reason: "r"},
		store.Note{By: "alice", Step: 1, Title: "t", Tags: []string{"x"}, Star: &star, Text: "n", Score: &store.Score{Name: "s", Value: 1}},
	}
}

// Whoever adds to the vocabulary is told here that it must be compared.
func TestTheWholeVocabularyIsTried(t *testing.T) {
	set := map[string]map[string]bool{}
	for _, b := range whole() {
		if set[b.Kind()] == nil {
			set[b.Kind()] = map[string]bool{}
		}
		v := reflect.ValueOf(b)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			set[b.Kind()][name] = set[b.Kind()][name] || !v.Field(i).IsZero()
		}
	}
	for kind, fields := range set {
		for name, tried := range fields {
			untried := slices.Contains([]string{"tool.result.StdoutCut", "tool.result.StderrCut", "box.diff.Cut", "box.diff.Partial", "box.diff.Error", "note.Untags"}, kind+"."+name)
			if !tried && !untried { // TestNotWholeIsUnknown has them
				t.Errorf("%s has a field %s, which whole() does not set", kind, name)
			}
		}
	}
	source, err := os.ReadFile("../event.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^func \(\w+\) Kind\(\) string +{ return "([^"]+)" }`).FindAllSubmatch(source, -1)
	if len(kinds) < 20 {
		t.Fatalf("only %d kinds in event.go", len(kinds))
	}
	for _, m := range kinds {
		if set[string(m[1])] == nil {
			t.Errorf("whole() has no %s", m[1])
		}
	}
}

// notCompared are the times and IDs, and what else says nothing of its own: where
// a rule stands, and what was reserved and billed in tokens, of which the money
// and the usage count.
var notCompared = []string{
	"box.created.box", "box.created.container", "box.created.uid", "box.created.ready_ms", "box.created.seal.0.evidence", "box.created.base.was", "box.created.image_digest", "box.created.base.digest", // of which Root and Init say more
	"model.request.turn", "model.request.through", "model.request.reserved", "model.request.max_output",
	"model.response.turn", "model.response.tool_calls.0.id", "model.response.first_token_ms", "model.response.duration_ms", "model.response.charge.input", "model.response.charge.output",
	"decision.call_id", "decision.from", "decision.who", "decision.wait_ms", "tool.call.call_id", "tool.result.call_id", "tool.result.duration_ms", "tool.result.stdout_whole.clean", "tool.result.stderr_whole.clean",
	"filtered.call_id", "tripwire.call_id", "tripwire.n", "egress.n", "egress.done.n", "egress.done.duration_ms", "probe.control.layer", "verified.duration_ms",
	"box.diff.box", "box.destroyed.box", "note", "drift.of", "drift.now",
}

// links are IDs that hold events together: changed alone, they part what belongs together.
var links = []string{
	"model.response.tool_calls.0.id", "decision.call_id", "tool.call.call_id", "tool.result.call_id", "egress.n", "egress.done.n",
}

func ignored(path string) bool {
	return slices.ContainsFunc(notCompared, func(p string) bool { return path == p || strings.HasPrefix(path, p+".") })
}

// Whatever changes in whatever field of whatever event: it is seen, unless it is
// on the list.
func TestNothingIsForgotten(t *testing.T) {
	var objects [][2]string
	for _, b := range whole() {
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, [2]string{b.Kind(), string(data)})
	}
	plain := readObjects(t, "a", objects)
	if !Compare(plain, readObjects(t, "b", objects)).Same() {
		t.Fatal("it is not the same as itself")
	}
	seen := 0
	for i, o := range objects {
		var v any
		if err := json.Unmarshal([]byte(o[1]), &v); err != nil {
			t.Fatal(err)
		}
		mutate(v, o[0], func(w any) { v = w }, func(path string) {
			changed, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(links, path) {
				return
			}
			with := slices.Clone(objects)
			with[i][1] = string(changed)
			seen++
			if same := Compare(plain, readObjects(t, "b", with)).Same(); same != ignored(path) {
				t.Errorf("%s changed to %s: the same: %v", path, changed, same)
			}
		})
	}
	if seen < 150 {
		t.Errorf("only %d changes were tried", seen)
	}
}

// Other IDs that hold the same together are no difference.
func TestOtherIDsAreNoDifference(t *testing.T) {
	all := whole()
	other := slices.Clone(all)
	for i, b := range other {
		switch v := b.(type) {
		case store.ModelResponse:
			v.ToolCalls = slices.Clone(v.ToolCalls)
			v.ToolCalls[0].ID = "other"
			other[i] = v
		case store.Decision:
			v.CallID = "other"
			other[i] = v
		case store.ToolCall:
			v.CallID = "other"
			other[i] = v
		case store.ToolResult:
			v.CallID = map[string]string{"a": "other", "b": "a", "c": "b"}[v.CallID]
			other[i] = v
		case store.Egress:
			v.N = 99
			other[i] = v
		case store.EgressDone:
			v.N = 99
			other[i] = v
		}
	}
	if c := Compare(read(t, "a", all), read(t, "b", other)); !c.Same() {
		var text strings.Builder
		c.WriteText(&text, 0) //nolint:errcheck // a strings.Builder takes everything
		t.Error(text.String())
	}
}

// What a newer glovebox wrote into an event of a kind that is known is compared.
func TestFieldsOfANewerGlovebox(t *testing.T) {
	of := func(more string) *Session {
		return readObjects(t, "a", [][2]string{{"session.started", `{"model":"m"}`}, {"prompt", `{"text":"t"` + more + `}`}, {"session.ended", `{"status":"done"}`}})
	}
	plain, mood := of(""), of(`,"mood":"good"`)
	for _, c := range []struct {
		a, b *Session
		same bool
	}{{plain, plain, true}, {plain, mood, false}, {mood, mood, true}, {mood, of(`,"mood":"bad"`), false}, {plain, of(`,"TEXT":"t"`), false}} {
		if got := Compare(c.a, c.b).Same(); got != c.same {
			t.Errorf("the same: %v, want %v", got, c.same)
		}
	}
}

// A list of files that is not whole is not known to be the same, nor is output
// whose middle was not recorded, or a file whose content nobody looked at.
func TestNotWholeIsUnknown(t *testing.T) {
	for _, b := range []store.Body{
		store.BoxDiff{Cut: 1},
		store.BoxDiff{Partial: true},
		store.BoxDiff{Error: "it took too long"},
		store.BoxDiff{Changes: []store.FileChange{{Path: "/work/x", Change: "modified", Type: "file", Size: 1 << 40}}},
		store.ToolResult{CallID: "a", Tool: "shell", StdoutCut: 9},
		store.ToolResult{CallID: "a", Tool: "shell", Stderr: "x", StderrCut: 9},
		store.ToolResult{CallID: "a", Tool: "shell", Stdout: "\uFFFD"},
	} {
		all := []store.Body{store.SessionStarted{}, b, store.SessionEnded{Status: "done"}}
		differ, notKnown := Compare(read(t, "a", all), read(t, "b", all)).amiss()
		if differ != 0 || notKnown != 1 {
			t.Errorf("%+v: %d differ, %d are not known", b, differ, notKnown)
		}
	}
}

// What was not recorded is known by its digest, if both have one.
func TestDigestsStandForWhatWasCut(t *testing.T) {
	of := func(w *store.Whole, cut int64) *Session {
		return read(t, "a", []store.Body{store.SessionStarted{}, store.ToolResult{CallID: "a", Tool: "shell", Stdout: "\uFFFD", StdoutCut: cut, StdoutWhole: w}, store.SessionEnded{Status: "done"}})
	}
	for _, c := range []struct {
		a, b             *Session
		differ, notKnown int
	}{
		{of(all("aa", true), 9), of(all("aa", false), 9), 0, 0},
		{of(all("aa", true), 0), of(all("aa", true), 0), 0, 0},
		{of(all("aa", true), 9), of(all("bb", true), 9), 1, 0},
		{of(all("aa", true), 9), of(nil, 9), 0, 1},
		{of(all("aa", true), 9), of(all("aa", true), 8), 1, 0},
	} {
		if differ, notKnown := Compare(c.a, c.b).amiss(); differ != c.differ || notKnown != c.notKnown {
			t.Errorf("%+v, %+v: %d differ, %d are not known", c.a.steps, c.b.steps, differ, notKnown)
		}
	}
}

func all(sum string, clean bool) *store.Whole {
	return &store.Whole{Bytes: 9, SHA256: sum, Clean: clean}
}

// An image is what is in it, and its digest where that is not known.
func TestImagesAreWhatIsInThem(t *testing.T) {
	of := func(digest, base, root, init string) *Session {
		b := store.BoxCreated{ImageDigest: digest, Base: &store.BaseImage{Digest: base, Root: root, Init: init}}
		if base == "" {
			b.Base = nil
		}
		return read(t, "a", []store.Body{store.SessionStarted{}, b, store.SessionEnded{Status: "done"}})
	}
	here := of("d1", "b1", "r", "i")
	for want, other := range map[string]*Session{
		"":                            of("d2", "b2", "r", "i"),
		"image base":                  of("d1", "b1", "r2", "i"),
		"image with init":             of("d1", "b1", "r", "i2"),
		"image base, image with init": of("d2", "b2", "", ""),
	} {
		for _, c := range []*Comparison{Compare(here, other), Compare(other, here)} {
			var got []string
			for _, it := range c.setup {
				got = append(got, it.name)
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	if c := Compare(here, of("d1", "b1", "", "")); !c.Same() {
		t.Errorf("an older log of the same image: %+v", c.setup)
	}
	if c := Compare(of("d1", "", "", ""), of("d2", "", "", "")); c.Same() {
		t.Error("two images of old")
	}
}

// What is put together of several fields may read alike, and differs all the same.
func TestReadingAlikeIsNotTheSame(t *testing.T) {
	for _, c := range [][2]store.Body{
		{store.Decision{Tool: "t", Reason: "a; for b"}, store.Decision{Tool: "t", Reason: "a", Part: "b"}},
		{store.Egress{Host: "h port 1 (x)", Port: 2, Via: "y"}, store.Egress{Host: "h", Port: 1, Via: "x) port 2 (y"}},
		{store.Probed{Layer: "a b", Probe: "c"}, store.Probed{Layer: "a", Probe: "b c"}},
		{store.BoxDestroyed{Reason: "done"}, store.BoxDestroyed{}},
		{store.SessionStarted{Config: []byte(`{"a":{"b":1}}`)}, store.SessionStarted{Config: []byte(`{"a.b":1}`)}},
		{store.SessionStarted{Config: []byte(`[1]`)}, store.SessionStarted{Config: []byte(`[2]`)}},
		{store.SessionStarted{Config: []byte(`{"":1}`)}, store.SessionStarted{Config: []byte(`{"":2}`)}},
		{store.SessionStarted{Tools: []store.ToolSpec{{Name: "t", Description: "{}"}}}, store.SessionStarted{Tools: []store.ToolSpec{{Name: "t", Parameters: []byte("{}")}}}},
		{store.SessionEnded{Status: "done: x"}, store.SessionEnded{Status: "done", Reason: "x"}},
		{store.ToolResult{Tool: "t", TimedOut: true, Exit: exit(1)}, store.ToolResult{Tool: "t", TimedOut: true, Exit: exit(2)}},
		{store.ToolCall{Tool: "t", Arguments: []byte(`{"a":"1\nb: 2"}`)}, store.ToolCall{Tool: "t", Arguments: []byte(`{"a":"1","b":"2"}`)}},
		{store.ToolCall{Tool: "t", Arguments: []byte(`{"a":1}`)}, store.ToolCall{Tool: "t", Arguments: []byte(`{"a":1.0}`)}},
	} {
		after := func(b store.Body) []store.Body {
			if _, first := b.(store.SessionStarted); first {
				return []store.Body{b}
			}
			return []store.Body{store.SessionStarted{}, b}
		}
		differ, _ := Compare(read(t, "a", after(c[0])), read(t, "b", after(c[1]))).amiss()
		if differ == 0 {
			t.Errorf("%+v and %+v are the same", c[0], c[1])
		}
	}
}

// What cannot be a session is not compared: there may be something behind its end.
func TestEventsOutOfPlace(t *testing.T) {
	start, end := store.SessionStarted{}, store.SessionEnded{Status: "done"}
	for _, bodies := range [][]store.Body{{end}, {start, start}, {start, end, store.Prompt{}}, {start, end, end}} {
		_, err := Read("a", func(yield func(store.Disclosure, error) bool) {
			for i, b := range bodies {
				data, _ := json.Marshal(b)
				fields, _ := proof.Split(data)
				if !yield(store.Disclosure{Seq: int64(i + 1), Kind: b.Kind(), Fields: fields}, nil) {
					return
				}
			}
		})
		if !errors.Is(err, store.ErrBroken) {
			t.Errorf("%+v: %v", bodies, err)
		}
	}
}

// mutate changes every text, number and truth in v, one after the other.
func mutate(v any, path string, set func(any), try func(path string)) {
	with := func(w any) {
		set(w)
		try(path)
		set(v)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			if path != "verified.of" && k == "kind" {
				continue
			}
			mutate(v[k], path+"."+k, func(w any) { v[k] = w }, try)
		}
	case []any:
		for i := range v {
			mutate(v[i], fmt.Sprintf("%s.%d", path, i), func(w any) { v[i] = w }, try)
		}
	case string:
		if path == "box.diff.changes.0.type" || strings.HasSuffix(path, "tool_calls.0.arguments") || strings.HasSuffix(path, ".status") {
			with("x" + v[1:])
			return
		}
		with(v + "x")
	case float64:
		with(v + 1)
	case bool:
		with(!v)
	}
}

func sortedKeys(m map[string]any) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// A field that something was taken out of is never the same, even where what is
// left is.
func TestTakenOutIsNeverTheSame(t *testing.T) {
	all := whole()
	plain := read(t, "a", all)
	for i, b := range all {
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		for name := range fields {
			c := Compare(plain, read(t, "b", all, fmt.Sprintf("%d.%s", i+1, name)))
			differ, notKnown := c.amiss()
			if path := b.Kind() + "." + name; c.Same() != ignored(path) || differ > 0 || !ignored(path) && notKnown == 0 {
				t.Errorf("%s: the same: %v, %d differ, %d not known", path, c.Same(), differ, notKnown)
			}
		}
	}
}
