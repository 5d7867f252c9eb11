package tui

import (
	"context"
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"glovebox/agent"
	"glovebox/store"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// noon is the time in these tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sizes are those at which the screens have goldens.
var sizes = [][2]int{{80, 24}, {40, 12}, {200, 50}}

// newTestApp is the root model without a terminal; its commands are not run.
func newTestApp(w, h int) *app {
	a := newApp(Options{Clock: func() time.Time { return noon }, Formats: []Format{{"gbx", "bundle: everything, signed, for import and check"}, {"html", "one page that needs nothing else"}, {"md", "Markdown"}}},
		&backstage{ctx: context.Background(), open: map[Live]bool{}})
	a.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return a
}

// openLive shows a new session that has seen the events, the last of them half a minute ago.
func openLive(a *app, bodies ...store.Body) *session {
	s, _ := newSession(a.desk, newMsg{})
	a.sessions = append(a.sessions, s)
	a.show(s)
	for _, e := range record(bodies...) {
		a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Event: &e}}, true}})
	}
	a.Update(sessionMsg{s, startedMsg{}})
	return s
}

// openRecorded shows the playback of the events.
func openRecorded(a *app, events []store.Event) *playback {
	p, _ := newPlayback(a.desk, openMsg{id: "abc"})
	a.show(p)
	a.Update(sessionMsg{p, eventsMsg{events: events}})
	return p
}

// record makes events of bodies, one every 100 ms, ending half a minute before noon.
func record(bodies ...store.Body) []store.Event {
	var out []store.Event
	for i, b := range bodies {
		at := noon.Add(-30*time.Second - time.Duration(len(bodies)-1-i)*100*time.Millisecond)
		out = append(out, store.Event{Session: "abc", Seq: int64(i + 1), At: at, Body: b})
	}
	return out
}

// example is a whole session's events.
func example() []store.Body {
	bodies := []store.Body{
		exampleStarted(), exampleBox(),
		store.FilePut{Path: "/data/shop.db", Bytes: 81920},
		store.Prompt{Text: "What is in /data?"},
		store.ModelRequest{Turn: 1, Through: 4},
	}
	bodies = append(bodies, exampleTurn()...)
	return append(bodies, exampleResult(), store.ModelRequest{Turn: 2, Through: 9}, exampleAnswer(),
		store.BoxDestroyed{Box: "glovebox-1", Reason: "done"}, store.SessionEnded{Status: "done"})
}

func press(a *app, keys ...string) (cmds []tea.Cmd) {
	codes := map[string]tea.Key{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "space": {Code: tea.KeySpace, Text: " "},
		"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
		"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
		"backspace": {Code: tea.KeyBackspace}, "f1": {Code: tea.KeyF1}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl},
		"ctrl+o": {Code: 'o', Mod: tea.ModCtrl}, "ctrl+j": {Code: 'j', Mod: tea.ModCtrl},
		"shift+enter": {Code: tea.KeyEnter, Mod: tea.ModShift}, "alt+enter": {Code: tea.KeyEnter, Mod: tea.ModAlt},
	}
	for _, k := range keys {
		code, ok := codes[k]
		if !ok {
			code = tea.Key{Code: []rune(k)[0], Text: k}
		}
		_, cmd := a.Update(tea.KeyPressMsg(code))
		cmds = append(cmds, cmd)
	}
	return cmds
}

func typed(a *app, text string) {
	for _, r := range text {
		press(a, string(r))
	}
}

// shown is the screen as plain text.
func shown(a *app) string { return ansi.Strip(a.content()) }

// mustFit checks that the screen has exactly the terminal's size.
func mustFit(t *testing.T, a *app) {
	t.Helper()
	lines := strings.Split(a.content(), "\n")
	if len(lines) != a.h {
		t.Errorf("%d lines on a screen of %d", len(lines), a.h)
	}
	for i, l := range lines {
		if w := ansi.StringWidth(l); w > a.w {
			t.Errorf("line %d has %d cells, the screen %d: %q", i, w, a.w, cut(l, 300))
		}
	}
}

func golden(t *testing.T, name string, a *app) {
	t.Helper()
	mustFit(t, a)
	var b strings.Builder
	for l := range strings.SplitSeq(shown(a), "\n") {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	path := filepath.Join("testdata", fmt.Sprintf("%s_%dx%d.txt", name, a.w, a.h))
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the screen differs from %s (-want +got):\n%s", path, diff)
	}
}

// screens are those with goldens, and how one gets there.
func screens() map[string]func(a *app) {
	one := 1
	failing := []store.Body{
		exampleStarted(), exampleBox(),
		store.Prompt{Text: "Reach the internet, please.\nThen delete everything."},
		store.ModelRequest{Turn: 1},
		store.ModelResponse{Turn: 1, Text: "I will try.", ToolCalls: []store.CallSpec{
			{ID: "1", Name: "shell", Arguments: `{"command":"curl https://example.org"}`},
			{ID: "2", Name: "shell", Arguments: `{"command":"git push origin"}`},
			{ID: "3", Name: "fly", Arguments: `{"to":"moon","speed":3}`},
			{ID: "4", Name: "shell", Arguments: `{"command":"sleep 100"}`},
		}, Usage: &store.Usage{Input: 812, Output: 99}},
		store.Decision{CallID: "1", Tool: "shell", Verdict: "allow", By: "policy"},
		store.ToolCall{CallID: "1", Tool: "shell", Arguments: []byte(`{"command":"curl https://example.org"}`)},
		store.ToolResult{CallID: "1", Tool: "shell", Exit: &one, Stderr: "curl: (6) Could not resolve host: example.org\n", DurationMS: 31},
		store.Decision{CallID: "2", Tool: "shell", Verdict: "deny", Rule: "push", Reason: "nothing leaves the box", By: "policy"},
		store.ToolResult{CallID: "2", Tool: "shell", Error: "nothing leaves the box"},
		store.Decision{CallID: "3", Tool: "fly", Verdict: "invalid", Reason: "there is no tool fly", By: "policy"},
		store.ToolResult{CallID: "3", Tool: "fly", Error: "there is no tool fly"},
		store.Decision{CallID: "4", Tool: "shell", Verdict: "allow", By: "policy"},
		store.ToolCall{CallID: "4", Tool: "shell", Arguments: []byte(`{"command":"sleep 100"}`)},
	}
	return map[string]func(a *app){
		"home_empty": func(a *app) { a.Update(sessionMsg{a.home, summariesMsg{}}) },
		"home":       func(a *app) { a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}}) },
		"home_filter": func(a *app) {
			a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
			typed(a, "/wcust done")
		},
		"home_sorted": func(a *app) {
			a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
			typed(a, "ssS")
		},
		"find_empty": func(a *app) { a.Update(searchMsg{}) },
		"find_none":  func(a *app) { finds(a, "", "unicorn") },
		"find_wrong": func(a *app) { finds(a, "", "exit:x") },
		"find":       func(a *app) { finds(a, "", "customers", hits()...); press(a, "down", "down") },
		"find_here":  func(a *app) { finds(a, "a2", "customers", hits()[2:]...) },
		"mark": func(a *app) {
			a.Update(newMarking(a.desk, summaries()[1], 0))
		},
		"mark_step": func(a *app) {
			a.Update(newMarking(a.desk, summaries()[1], 12))
			typed(a, "p")
			typed(a, "help")
			press(a, "enter")
		},
		"export": func(a *app) { a.Update(newExporting(a.desk, "a2")); press(a, "down") },
		"exported": func(a *app) {
			reports(a, "Export session a2 as html", Report{Said: "wrote /home/ada/a2.html", More: []string{"taken out, in 2 places:", "step 4, text: aws-access-token (2 times)", "session, title: email"}})
		},
		"import": func(a *app) { a.Update(newImporting(a.desk)); typed(a, "~/tuesday.gbx") },
		"broken": func(a *app) {
			reports(a, "Is session a2 intact?", Report{Bad: true, Said: "not intact: session a2, event 7: its hash is not the one that was signed"})
		},
		"rerunning": func(a *app) { rerunning(a, 40) },
		"rerun": func(a *app) {
			r := rerunning(a, 3)
			a.Update(sessionMsg{r, reportMsg{Report: Report{Bad: true, Said: "3 calls: 2 the same, 1 drifted", Session: "a7"}}})
		},
		"checking":        func(a *app) { a.Update(newCheck(a.desk, "a2")) },
		"session_new":     func(a *app) { openLive(a) },
		"session_answer":  func(a *app) { openLive(a, example()[:11]...) },
		"session_running": func(a *app) { openLive(a, failing...) },
		"session_limit": func(a *app) {
			openLive(a, append(failing[:len(failing):len(failing)], store.LimitReached{Limit: "wall", Value: 900, Max: 900})...)
			press(a, "tab")
		},
		"session_ended": func(a *app) {
			s := openLive(a, append(example(), store.Note{By: "ada", Step: 9, Text: "why not SQL?", Tags: []string{"odd"}, Star: ptr(true)})...)
			a.Update(sessionMsg{s, endedMsg{}})
		},
		"session_open": func(a *app) {
			openLive(a, example()[:11]...)
			press(a, "tab", "ctrl+o")
		},
		"playback_end":  func(a *app) { openRecorded(a, record(example()...)) },
		"playback_call": func(a *app) { openRecorded(a, record(example()...)); press(a, "g", "t") },
		"help_home":     func(a *app) { press(a, "?") },
		"help_session":  func(a *app) { openLive(a); press(a, "?") },
		"help_playback": func(a *app) { openRecorded(a, record(example()...)); press(a, "?") },
	}
}

func TestScreens(t *testing.T) {
	for name, show := range screens() {
		t.Run(name, func(t *testing.T) {
			for _, size := range sizes {
				a := newTestApp(size[0], size[1])
				show(a)
				golden(t, name, a)
			}
		})
	}
}

// Whatever is shown, it fits whatever size the terminal gets, and is as it was
// when the size is.
func TestResizeOnEveryScreen(t *testing.T) {
	for name, show := range screens() {
		t.Run(name, func(t *testing.T) {
			a := newTestApp(80, 24)
			show(a)
			before := shown(a)
			for _, size := range [][2]int{{30, 10}, {200, 50}, {5, 3}, {31, 60}, {120, 11}, {80, 24}} {
				a.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				if !a.small() {
					mustFit(t, a)
				}
				a.Update(tea.BackgroundColorMsg{Color: color.White})
				if got := a.View(); got.Cursor != nil && (got.Cursor.X >= a.w || got.Cursor.Y >= a.h) {
					t.Errorf("%v: the cursor is at %+v", size, got.Cursor)
				}
			}
			if diff := cmp.Diff(before, shown(a)); diff != "" {
				t.Errorf("it is not as it was (-want +got):\n%s", diff)
			}
		})
	}
}

// finds shows the page that finds, with what was typed and what came of it.
func finds(a *app, in, text string, hits ...store.Hit) {
	a.Update(searchMsg{in})
	typed(a, text)
	a.Update(sessionMsg{a.search, hitsMsg{in: in, text: text[:1]}}) // only now the rest is looked for
	if a.search.busy {
		a.Update(sessionMsg{a.search, hitsMsg{in: in, text: text, hits: hits}})
	}
}

func hits() []store.Hit {
	at := noon.Add(-3 * time.Hour)
	return []store.Hit{
		{Session: "a1", Seq: 4, Kind: "prompt", At: at, Title: "Which customers buy most?", Snippet: "Which ⟦customers⟧ buy most, and what do the ⟦customers⟧ have in common?"},
		{Session: "a1", Seq: 18, Kind: "tool.result", At: at, Title: "Which customers buy most?", Snippet: "…id,name,city from ⟦customers⟧ where 试着联系互联网 🚀 …"},
		{Session: "a2", Seq: 1234, Kind: "model.response", At: at, Snippet: "The ⟦customers⟧ table has 1,000 rows."},
	}
}

// reports shows what came of something.
// rerunning opens the dialog of a rerun that has told of so many calls.
func rerunning(a *app, calls int) *reporting {
	m := newRerun(a.desk, "a2")
	a.Update(m)
	tell := func(text string) {
		a.Update(sessionMsg{m.dialog, updatesMsg{[]agent.Update{{Output: &agent.Output{Chunk: text + "\n"}}}, true}})
	}
	tell("session a2: Find orders without a customer\nrun again as session a7: 40 calls\nsame           2  the box")
	for i := range calls {
		tell(fmt.Sprintf("same       %5d  sql: SELECT count(*) FROM orders WHERE customer_id IS NULL AND id > %d", 10+3*i, i))
	}
	tell("drift        133  shell: date: stdout, in nothing but times: line 1:\n                    - Wed Nov 25 18:22:03 UTC 2026\n                    + Wed Nov 25 18:22:04 UTC 2026")
	return m.dialog.(*reporting)
}

func reports(a *app, title string, r Report) {
	m := newReporting(a.desk, title, nil)
	a.Update(m)
	a.Update(sessionMsg{m.dialog, reportMsg{Report: r}})
}

func summaries() []store.Summary {
	at := func(d time.Duration) time.Time { return noon.Add(-d) }
	return []store.Summary{
		{ID: "a1", Title: "Which customers buy most, and what do they have in common?", Model: "script:demo", StartedAt: at(20 * time.Second), Status: "running", Steps: 3, Tokens: 2100},
		{ID: "a2", Title: "Find orders without a customer", Model: "openai/gpt-5-mini", StartedAt: at(57 * time.Minute), Status: "done", Steps: 12, Tokens: 48_210, CostUSD: ptr(0.0312), Tags: []string{"odd", "refunds"}, Starred: true},
		{ID: "a3", Title: "试着联系互联网 🚀 and report", Model: "ollama/qwen3:8b", StartedAt: at(3 * time.Hour), Status: "failed", Steps: 4, Tokens: 999, CostUSD: ptr(1.5)},
		{ID: "a4", Title: "", Model: "script:demo", StartedAt: at(50 * time.Hour), Status: "interrupted"},
		{ID: "a5", Title: "The tour", Model: "script:demo", StartedAt: at(300 * time.Hour), Status: "done", Steps: 22, Tokens: 3_200_000},
		{ID: "a6", Title: "Push it to production", Model: "openrouter/anthropic/claude-sonnet-4.5", StartedAt: at(400 * time.Hour), Status: "denied", Steps: 1, Tokens: 10},
	}
}
