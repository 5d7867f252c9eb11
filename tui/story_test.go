package tui

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glovebox/agent"
	"glovebox/store"
)

// TestLiveAndRecordedLookTheSame streams a session with all its pieces and
// compares every screen after an event with playback's at that event.
func TestLiveAndRecordedLookTheSame(t *testing.T) {
	pieces := map[string][]agent.Update{ // what streams in before an event of the kind
		"model.response": {
			{Delta: &agent.Delta{Notice: "rate limited, trying again in 3 s"}},
			{Delta: &agent.Delta{Reasoning: "The person "}},
			{Delta: &agent.Delta{Reasoning: "wants\nsomething"}},
			{Delta: &agent.Delta{Text: "Let me **look"}},
			{Delta: &agent.Delta{Text: "**\n\nat the data"}},
			{Delta: &agent.Delta{Tool: "shell"}},
		},
		"tool.result": {
			{Output: &agent.Output{CallID: "c1", Chunk: "half a li"}},
			{Output: &agent.Output{CallID: "c1", Chunk: "ne\nand more\n", Stderr: true}},
			{Output: &agent.Output{CallID: "unknown", Chunk: "nothing"}},
		},
		"error": {{Delta: &agent.Delta{Text: "half an ans"}}},
	}
	bodies := example()
	bodies = append(bodies[:11:11], store.Prompt{Text: "again"}, store.ModelRequest{Turn: 3},
		store.Failure{Code: "model", Message: "the stream broke off"}, store.SessionEnded{Status: "failed", Reason: "model"})
	live, recorded := newStory(), newStory()
	for _, e := range record(bodies...) {
		for _, u := range pieces[e.Body.Kind()] {
			before := len(live.items)
			version := 0
			if before > 0 {
				version = live.items[before-1].version
			}
			live.update(u)
			if changed := len(live.items) != before || live.items[before-1].version != version; !changed &&
				u.Delta != nil && u.Delta.Notice == "" {
				t.Errorf("before %s: the piece %+v was not shown", e.Body.Kind(), *u.Delta)
			}
		}
		live.update(agent.Update{Event: &e})
		recorded.apply(e)
		if a, b := picture(live), picture(recorded); a != b {
			t.Fatalf("after %s the live session looks like\n%s\nand the recorded one like\n%s", e.Body.Kind(), a, b)
		}
	}
}

// picture is all that is shown of a story.
func picture(s *story) string {
	p := &pane{desk: newTestApp(80, 24).desk, story: s, w: 120, h: 40}
	p.list = transcript{th: p.desk.th, follow: true}
	p.list.setSize(120, 200)
	for _, it := range s.items {
		it.open = true
	}
	p.refresh(s.last, true)
	return strings.Join(p.list.view(true), "\n") + "\n" + p.statusLine(s.last) + p.headline("")
}

func TestStreamingPiecesVanishWithTheirEvent(t *testing.T) {
	s := newStory()
	events := record(exampleStarted(), store.Prompt{Text: "go"}, store.ModelRequest{Turn: 1}, exampleAnswer())
	for _, e := range events[:3] {
		s.apply(e)
	}
	s.delta(agent.Delta{Text: "There are", Reasoning: "hm"})
	if got := len(s.items); got != 4 {
		t.Fatalf("%d items while streaming, want 4: the session, the prompt, reasoning and text", got)
	}
	s.items[2].open = true
	s.apply(events[3])
	if _, ok := s.items[len(s.items)-1].body.(*answer); !ok || len(s.items) != 3 {
		t.Errorf("%d items after the answer, want 3", len(s.items))
	}
}

func TestReasoningStaysUnfolded(t *testing.T) {
	s := newStory()
	s.delta(agent.Delta{Reasoning: "hm"})
	s.items[0].open = true
	s.apply(store.Event{Seq: 1, Body: store.ModelResponse{Reasoning: "hm, well", Text: "yes"}})
	if !s.items[0].open {
		t.Error("the reasoning that was unfolded while it streamed was folded by its event")
	}
}

func TestCallsOfABrokenTurnGetNoResult(t *testing.T) {
	for _, end := range []store.Body{
		store.Interrupted{By: "user"}, store.LimitReached{Limit: "wall"}, store.Failure{Code: "box"}, store.SessionEnded{Status: "failed"},
	} {
		s := newStory()
		for _, e := range record(append(exampleTurn(), end)...) {
			s.apply(e)
		}
		found := false
		for _, it := range s.items {
			if c, ok := it.body.(*call); ok {
				found = true
				if mark, words := c.state(); words != "no result" || mark != "◌" {
					t.Errorf("after %s the call is %s %s", end.Kind(), mark, words)
				}
			}
		}
		if !found || len(s.going) > 0 {
			t.Errorf("after %s: card shown %v, %d calls still running", end.Kind(), found, len(s.going))
		}
	}
}

func TestCallState(t *testing.T) {
	two := 2
	allow := &store.Decision{Verdict: "allow"}
	for _, c := range []struct {
		call        call
		mark, words string
	}{
		{call{}, "◌", "waiting"},
		{call{decision: allow, began: noon, elapsed: 65e9}, "●", "running 1:05"},
		{call{decision: allow, result: &store.ToolResult{DurationMS: 0.4}}, "✓", "done · <1 ms"},
		{call{result: &store.ToolResult{Exit: &two, DurationMS: 1500}}, "✗", "exit 2 · 1.5 s"},
		{call{result: &store.ToolResult{Signal: "SIGKILL", TimedOut: true, DurationMS: 61_000}}, "✗", "killed by SIGKILL · timed out · 1:01"},
		{call{result: &store.ToolResult{Error: "no such file", DurationMS: 3}}, "✗", "failed · 3 ms"},
		{call{decision: &store.Decision{Verdict: "deny", Rule: "push"}}, "✗", "denied by rule push"},
		{call{decision: &store.Decision{Verdict: "deny", By: "user"}}, "✗", "denied by you"},
		{call{decision: &store.Decision{Verdict: "invalid"}, result: &store.ToolResult{Error: "x"}}, "✗", "invalid call"},
	} {
		if mark, words := c.call.state(); mark != c.mark || words != c.words {
			t.Errorf("%+v: %s %q, want %s %q", c.call, mark, words, c.mark, c.words)
		}
	}
}

func TestArguments(t *testing.T) {
	for _, c := range [][3]string{
		{"shell", `{"command":"ls\npwd","timeout_s":5}`, "$ ls\npwd\ntimeout_s: 5"},
		{"sql", `{"query":"select 1"}`, "select 1"},
		{"write_file", `{"path":"a.txt","content":"one\ntwo\n"}`, "a.txt\none\ntwo"},
		{"edit_file", `{"path":"a","old":"x\ny","new":"z"}`, "a\n- x\n- y\n+ z"},
		{"other", `{"b":[1,2],"a":"text"}`, "a: text\nb: [1,2]"},
		{"shell", `not json`, "not json"},
		{"shell", ``, ""},
		{"shell", `{"command":7}`, "$ \ncommand: 7"},
	} {
		if got := arguments(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestSealWords(t *testing.T) {
	box := exampleBox()
	s := newStory()
	want := func(words string) {
		t.Helper()
		if got := s.sealWords(false); got != words {
			t.Errorf("%q, want %q", got, words)
		}
	}
	want("○ no box yet")
	s.apply(store.Event{Seq: 1, Body: box})
	want("● sealed: network data execution")
	s.apply(store.Event{Seq: 2, Body: store.BoxDiff{}})
	if last := s.items[len(s.items)-1].body.(*note); last.said != "changed: nothing" {
		t.Errorf("what changed is shown as %+v", last)
	}
	s.apply(store.Event{Seq: 3, Body: store.BoxDestroyed{}})
	want("○ box destroyed")
	box.Seal[0].Verdict = "INCONCLUSIVE"
	s.apply(store.Event{Seq: 3, Body: box})
	want("✗ NOT sealed: network")
	box.Seal = box.Seal[1:2]
	s.apply(store.Event{Seq: 4, Body: box})
	want("✗ NOT sealed: network execution")
	box.Seal = nil
	s.apply(store.Event{Seq: 5, Body: box})
	want("✗ NOT sealed: network data execution")
}

// TestStreamIsLaidOutLikeAWhole: however text is cut into pieces, it looks
// like the whole text.
func TestStreamIsLaidOutLikeAWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("ab é世🚀\n\t\x1b\u202e ")))).Draw(t, "pieces")
		w := rapid.IntRange(2, 30).Draw(t, "w")
		s := &stream{}
		for _, p := range pieces {
			s.add(p)
			s.lines(w)
		}
		whole := &stream{}
		whole.add(strings.Join(pieces, ""))
		if got, want := strings.Join(s.lines(w), "\n"), strings.Join(whole.lines(w), "\n"); got != want {
			t.Fatalf("piece by piece\n%q\nas a whole\n%q", got, want)
		}
	})
}

// The meters show what was spent, and of how much; what is nearly used up stands out.
func TestMeters(t *testing.T) {
	a := newTestApp(120, 24)
	started := exampleStarted()
	started.Config = json.RawMessage(`{"limits":{"turns":50,"tokens":200000,"cost_usd":1}}`)
	openLive(a, started, store.ModelRequest{Turn: 3},
		store.ModelResponse{Turn: 3, Text: "x", Charge: &store.Charge{Input: 12_000, Output: 2000, PicoUSD: 850_000_000_000}})
	if text := shown(a); !strings.Contains(text, "$0.85/$1.00 · 3/50 turns · 14k/200k tokens") {
		t.Errorf("%s", text)
	}
	if !strings.Contains(a.content(), a.th.bad.Render("$0.85/$1.00")) {
		t.Error("85% does not stand out")
	}
	mustFit(t, a)
}

// Where no model takes part nothing thinks, and there are no turns to count.
func TestWithoutAModelNothingThinks(t *testing.T) {
	for model, want := range map[string]string{"rerun": "at work", "script:demo": thinking} {
		s := newStory()
		for _, b := range []store.Body{
			store.SessionStarted{Model: model},
			store.ToolCall{CallID: "c1", Tool: "shell", Arguments: []byte(`{}`)},
			store.ToolResult{CallID: "c1"},
		} {
			s.update(agent.Update{Event: &store.Event{Seq: 1, At: noon, Body: b}})
		}
		turns := len((&pane{story: s, desk: &desk{th: newTheme(true)}}).meters())
		if s.doingWords() != want || turns > 0 != (want == thinking) {
			t.Errorf("%s: %q, %d meters", model, s.doingWords(), turns)
		}
	}
}

// While a question waits for the person, the status line says so.
func TestWaitingForThePersonIsTold(t *testing.T) {
	s := newStory()
	for _, c := range []struct {
		body store.Body
		want string
	}{
		{exampleTurn()[0], starting},
		{store.Decision{CallID: "c1", Tool: "shell", Verdict: "ask"}, asking},
		{store.Decision{CallID: "c1", Tool: "shell", Verdict: "allow", By: "user"}, thinking},
		{store.Decision{CallID: "c1", Tool: "shell", Verdict: "ask"}, asking},
		{store.Interrupted{By: "user"}, idle},
	} {
		if s.update(agent.Update{Event: &store.Event{Seq: 1, At: noon, Body: c.body}}); s.doingWords() != c.want {
			t.Errorf("after %+v: %q, want %q", c.body, s.doingWords(), c.want)
		}
	}
}
