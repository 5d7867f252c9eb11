package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
	"glovebox/store"
)

func pasteOf(text string) tea.Msg { return tea.PasteMsg{Content: text} }

func TestComposerWritesSeveralLines(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a)
	typed(a, "one")
	press(a, "ctrl+j")
	typed(a, "two")
	press(a, "alt+enter")
	typed(a, "three")
	press(a, "shift+enter")
	typed(a, "four? q n y")
	if got, want := s.composer.value(), "one\ntwo\nthree\nfour? q n y"; got != want {
		t.Errorf("the composer holds %q, want %q", got, want)
	}
	mustFit(t, a)
	if c := s.cursor(); c == nil || c.Y != 20 || c.X != 13 {
		t.Errorf("the cursor is at %+v, want column 13 of line 20", c)
	}
	a.Update(pasteOf("\r\npasted\x1b[2J\ttext"))
	if got := s.composer.value(); !strings.HasSuffix(got, "y\npasted␛[2J    text") {
		t.Errorf("pasted: %q", got)
	}
}

func TestComposerHistory(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a)
	for _, text := range []string{"first", "second\nline", "second\nline"} {
		s.composer.area.SetValue(text)
		s.composer.take()
	}
	typed(a, "draft")
	for _, step := range []struct{ key, want string }{
		{"up", "second\nline"},
		{"up", "second\nline"}, // moves the cursor to the first line
		{"up", "first"},
		{"up", "first"},
		{"down", "second\nline"},
		{"down", "draft"},
		{"down", "draft"},
	} {
		press(a, step.key)
		if got := s.composer.value(); got != step.want {
			t.Errorf("after %s: %q, want %q", step.key, got, step.want)
		}
	}
}

func TestPromptWaitsForTheSeal(t *testing.T) {
	a := newTestApp(80, 24)
	s, _ := newSession(a.desk, newMsg{})
	a.sessions = append(a.sessions, s)
	a.show(s)
	typed(a, "hello")
	press(a, "enter")
	if s.queued != "hello" || s.busy {
		t.Fatalf("queued %q, busy %v: want the prompt to wait", s.queued, s.busy)
	}
	a.Update(sessionMsg{s, startedMsg{live: &logLive{}}})
	if s.queued != "" || !s.busy {
		t.Errorf("queued %q, busy %v: want the prompt on its way", s.queued, s.busy)
	}
	typed(a, "more")
	press(a, "enter")
	if s.composer.value() != "more" || !strings.Contains(shown(a), "esc interrupts") {
		t.Errorf("a prompt while the agent is at work was taken:\n%s", shown(a))
	}
}

func TestStartThatFailsKeepsThePrompt(t *testing.T) {
	a := newTestApp(80, 24)
	s, _ := newSession(a.desk, newMsg{prompt: "hello"})
	a.sessions = append(a.sessions, s)
	a.show(s)
	a.Update(sessionMsg{s, startedMsg{err: errors.New("no Podman: run glovebox doctor")}})
	if got := shown(a); !strings.Contains(got, "✗ no session: no Podman: run glovebox doctor") || s.composer.value() != "hello" {
		t.Errorf("composer %q, screen:\n%s", s.composer.value(), got)
	}
	press(a, "enter")
	if !s.beginning || s.queued != "hello" {
		t.Errorf("enter does not try again: beginning %v, queued %q", s.beginning, s.queued)
	}
}

func TestInterruptAndLeave(t *testing.T) {
	for _, key := range []string{"esc", "ctrl+c"} {
		a := newTestApp(80, 24)
		s := openLive(a, exampleStarted(), exampleBox())
		ctx, cancel := context.WithCancel(context.Background())
		s.busy, s.cancel = true, cancel
		if cmd := press(a, key)[0]; cmd != nil {
			t.Errorf("%s while the agent is at work does more than interrupt", key)
		}
		if ctx.Err() == nil {
			t.Errorf("%s did not interrupt", key)
		}
		if !strings.Contains(shown(a), "interrupting…") {
			t.Errorf("after %s:\n%s", key, shown(a))
		}
	}
	a := newTestApp(80, 24)
	openLive(a)
	press(a, "ctrl+c")
	if !strings.Contains(shown(a), "ctrl+c again to leave") {
		t.Errorf("the first ctrl+c does not say how to leave:\n%s", shown(a))
	}
	press(a, "x")
	if cmd := press(a, "ctrl+c")[0]; cmd != nil {
		t.Error("ctrl+c, another key, ctrl+c left")
	}
	cmd := press(a, "ctrl+c")[0]
	if cmd == nil || cmd() != (tea.QuitMsg{}) {
		t.Error("the second ctrl+c did not leave")
	}
}

func TestErrorIsShownOnce(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a, exampleStarted(), exampleBox(), store.Prompt{Text: "x"})
	s.busy, s.stops = true, s.story.stops
	failure := store.Event{Session: "abc", Seq: 4, At: noon, Body: store.Failure{Code: "model", Message: "401 wrong key"}}
	s.updates.put(agent.Update{Event: &failure})
	a.Update(sessionMsg{s, turnMsg{errors.New("401 wrong key")}})
	if got := strings.Count(shown(a), "401 wrong key"); got != 1 {
		t.Errorf("the recorded error is shown %d times", got)
	}
	s.busy, s.stops = true, s.story.stops
	a.Update(sessionMsg{s, turnMsg{errors.New("the log is full")}})
	if !strings.Contains(shown(a), "✗ the log is full") {
		t.Errorf("an error that is not in the log is not shown:\n%s", shown(a))
	}
}

func TestLeavingASessionKeepsIt(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a, exampleStarted(), exampleBox())
	s.live = fixedLive{"abc"}
	typed(a, "half a prom")
	press(a, "esc")
	if a.front != a.home {
		t.Fatal("esc does not go to the sessions")
	}
	a.Update(sessionMsg{a.home, summariesMsg{all: []store.Summary{{ID: "z"}, {ID: "abc", Title: "x", Status: "running", StartedAt: noon}}}})
	if s, _ := a.home.selected(); s.ID != "abc" {
		t.Error("the session that one comes from is not selected")
	}
	if !strings.Contains(shown(a), "● open here") {
		t.Errorf("the list does not say that the session is open:\n%s", shown(a))
	}
	press(a, "q")
	if !strings.Contains(shown(a), "ctrl+c to leave and end 1 open session") {
		t.Errorf("q with an open session:\n%s", shown(a))
	}
	press(a, "enter")
	if a.front != screen(s) || s.composer.value() != "half a prom" {
		t.Errorf("enter does not return to the open session")
	}
}

// fixedLive is only an ID: these tests run no command.
type fixedLive struct{ id string }

func (l fixedLive) ID() string                           { return l.id }
func (l fixedLive) Prompt(context.Context, string) error { return nil }
func (l fixedLive) Close(context.Context) error          { return nil }

func TestPlaybackSteps(t *testing.T) {
	one := 1
	bodies := slices.Concat(example()[:11], []store.Body{
		store.Prompt{Text: "again"},
		store.ModelRequest{Turn: 3},
		store.ModelResponse{Turn: 3, ToolCalls: []store.CallSpec{{ID: "c2", Name: "sql", Arguments: `{"query":"x"}`}}},
		store.Decision{CallID: "c2", Tool: "sql", Verdict: "allow"},
		store.ToolCall{CallID: "c2", Tool: "sql", Arguments: []byte(`{"query":"x"}`)},
		store.ToolResult{CallID: "c2", Tool: "sql", Exit: &one, Stderr: "no such column: x"},
		store.SessionEnded{Status: "done"},
	})
	a := newTestApp(80, 24)
	p := openRecorded(a, record(bodies...))
	n := len(p.steps)
	for _, step := range []struct {
		key  string
		want int // 1 is the first
	}{
		{"g", 1},
		{"left", 1},
		{"right", 2},
		{"l", 3},
		{"h", 2},
		{"t", 6},
		{"t", n - 2},
		{"t", n - 2},
		{"e", n - 1},
		{"e", n - 1},
		{"T", n - 2},
		{"T", 6},
		{"T", 6},
		{"G", n},
		{"right", n},
		{"E", n - 1},
		{"E", n - 1},
	} {
		press(a, step.key)
		if p.at+1 != step.want {
			t.Errorf("%s: step %d, want %d", step.key, p.at+1, step.want)
		}
		mustFit(t, a)
	}
	// Whichever way a step is reached, it looks the same.
	var forward []string
	press(a, "g")
	for range p.steps {
		forward = append(forward, shown(a))
		press(a, "right")
	}
	for i := len(p.steps) - 1; i >= 0; i-- {
		if got := shown(a); got != forward[i] {
			t.Errorf("step %d, reached backwards:\n%s\nforwards:\n%s", i+1, got, forward[i])
		}
		press(a, "left")
	}
}

func TestPlaybackOfADamagedRecording(t *testing.T) {
	a := newTestApp(80, 24)
	p, _ := newPlayback(a.desk, openMsg{id: "abc"})
	a.show(p)
	a.Update(sessionMsg{p, eventsMsg{events: record(example()[:4]...), err: errors.New("event 5: disk I/O error")}})
	if got := shown(a); !strings.Contains(got, "cannot be read on: event 5: disk I/O error") || !strings.Contains(got, "What is in /data?") {
		t.Errorf("the screen:\n%s", got)
	}
	press(a, "g", "G", "t", "e")
	mustFit(t, a)

	p, _ = newPlayback(a.desk, openMsg{id: "none"})
	a.show(p)
	a.Update(sessionMsg{p, eventsMsg{err: errors.New("there is no session none")}})
	press(a, "left", "right", "g", "G", "t", "E", "space", "up", "down", "y", "ctrl+o")
	if got := shown(a); !strings.Contains(got, "there is no session none") {
		t.Errorf("the screen:\n%s", got)
	}
}

func TestFolding(t *testing.T) {
	long := store.ToolResult{CallID: "c1", Tool: "shell", Stdout: strings.Repeat("line\n", 30) + "the last line"}
	a := newTestApp(80, 50)
	openLive(a, append(append([]store.Body{store.Prompt{Text: "x"}}, exampleTurn()...), long)...)
	press(a, "tab")
	if got := shown(a); !strings.Contains(got, "… 25 more lines") || strings.Contains(got, "the last line") || strings.Contains(got, "The person wants") {
		t.Errorf("folded:\n%s", got)
	}
	press(a, "space")
	if got := shown(a); !strings.Contains(got, "the last line") || strings.Contains(got, "more lines") {
		t.Errorf("unfolded:\n%s", got)
	}
	press(a, "ctrl+o")
	if got := shown(a); !strings.Contains(got, "The person wants") || !strings.Contains(got, "the last line") {
		t.Errorf("all unfolded:\n%s", got)
	}
	press(a, "ctrl+o")
	if got := shown(a); !strings.Contains(got, "… 25 more lines") || strings.Contains(got, "The person wants") {
		t.Errorf("all folded:\n%s", got)
	}
}

func TestHelpNamesEveryKeyOfItsScreen(t *testing.T) {
	for _, w := range []int{79, 200} {
		testHelp(t, newTestApp(w, 60))
	}
}

func testHelp(t *testing.T, a *app) {
	t.Helper()
	for name, open := range map[string]func(){
		"home": func() { a.show(a.home) }, "session": func() { openLive(a) }, "playback": func() { openRecorded(a, record(example()...)) },
		"search": func() { a.show(a.search) }, "verify": func() { a.show(a.closed) },
	} {
		open()
		press(a, "f1")
		got := shown(a)
		for _, g := range a.front.keyGroups() {
			for _, b := range g.keys {
				if !strings.Contains(got, b.Help().Key) || !strings.Contains(got, b.Help().Desc) {
					t.Errorf("%s: the help does not name %s (%s)", name, b.Help().Key, b.Help().Desc)
				}
			}
		}
		press(a, "x")
		if a.top != nil {
			t.Errorf("%s: the help stays open", name)
		}
	}
}

func TestHomeKeys(t *testing.T) {
	a := newTestApp(80, 24)
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
	at := func(want string) {
		t.Helper()
		if h := a.home; h.at >= len(h.shown) || h.shown[h.at].ID != want {
			t.Errorf("at %d of %d, want session %s", h.at, len(h.shown), want)
		}
	}
	press(a, "down", "j", "k")
	at("a2")
	press(a, "end")
	at("a6")
	press(a, "pgup")
	at("a1")
	press(a, "up")
	at("a1")
	press(a, "down", "down")
	typed(a, "/q n")
	at("a3") // the selected one stays selected: ollama/qwen3:8b, internet
	press(a, "backspace", "backspace", "backspace")
	at("a3")
	press(a, "enter")
	if p, ok := a.front.(*playback); !ok || p.id != "a3" {
		t.Error("enter does not open the session")
	}
	press(a, "esc")
	at("a3")
	press(a, "esc")
	if a.home.filtering || a.home.filter != "" || len(a.home.shown) != 6 {
		t.Error("esc does not end the filter")
	}
	press(a, "n", "n")
	if s, ok := a.front.(*session); !ok || s.composer.value() != "n" {
		t.Error("n does not start a session, or what is typed at once does not reach it")
	}
}

func TestTooSmall(t *testing.T) {
	for w := 0; w < 45; w += 3 {
		for h := range 14 {
			a := newTestApp(w, h)
			openLive(a, example()...)
			openRecorded(a, record(example()...))
			press(a, "?", "esc", "down", "pgup")
			if !a.small() {
				mustFit(t, a)
			}
			a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
			mustFit(t, a)
		}
	}
}
