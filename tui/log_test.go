package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"glovebox/agent"
	"glovebox/store"
)

func TestQuery(t *testing.T) {
	one := 1
	for text, want := range map[string]store.Query{
		"refund":                  {Text: "refund*"},
		"refund ":                 {Text: "refund"},
		"refund o":                {Text: "refund"},
		"世":                       {Text: "世*"},
		"refu* tool:sql":          {Text: "refu*", Tool: "sql"},
		"two wor":                 {Text: "two wor*"},
		`"no such table`:          {Text: `"no such table`},
		"exit:1 kind:tool.result": {Exit: &one, Kind: "tool.result"},
		"a model:qwen tag:odd result:limited since:2026-11-01": {
			Text: "a", Filter: store.Filter{Model: "qwen", Tag: "odd", Status: "limited"},
			Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.Local),
		},
		"http://x": {Text: "http://x*"}, // no filter
	} {
		want.Limit, want.Filter.Text = hitsMax, "a2"
		got, err := query("a2", text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, wrong := range []string{"exit:x", "since:yesterday"} {
		if _, err := query("", "a "+wrong+" b"); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// While a search is under way there is no other, and what was typed last counts.
func TestFindWhatWasTypedLast(t *testing.T) {
	a := newTestApp(80, 24)
	a.Update(searchMsg{})
	s := a.search
	typed(a, "a")
	if s.busy {
		t.Error("one letter is looked for")
	}
	typed(a, "b")
	if !s.busy || s.found != "" {
		t.Fatal("typing does not search")
	}
	_, cmd := a.Update(sessionMsg{s, hitsMsg{text: "a", hits: hits()}})
	if cmd == nil || !s.busy || len(s.hits.all) != 3 {
		t.Error("what was typed meanwhile is not looked for, or what was found is not shown")
	}
	stopped := false
	s.stop = func() { stopped = true }
	typed(a, "c")
	press(a, "backspace")
	if !stopped {
		t.Error("what is not wanted any more goes on")
	}
	if _, cmd = a.Update(sessionMsg{s, hitsMsg{text: "ab", err: context.Canceled}}); cmd == nil || s.err != nil || len(s.hits.all) != 3 {
		t.Error("the search that was stopped is shown, or not begun again")
	}
	_, cmd = a.Update(sessionMsg{s, hitsMsg{text: "ab", hits: hits()[:1]}})
	if cmd != nil || s.busy || len(s.hits.all) != 1 {
		t.Error("it searches on, or shows something else")
	}
	press(a, "?")
	if s.field.Value() != "ab?" {
		t.Errorf("? cannot be looked for: %q", s.field.Value())
	}
	// The same words in one session only: what comes late of all is not shown.
	a.Update(searchMsg{session: "a2"})
	a.Update(sessionMsg{s, hitsMsg{text: "ab?", hits: hits()}})
	if len(s.hits.all) != 0 || !s.busy {
		t.Error("hits of other sessions are shown, or it does not look")
	}
	a.Update(sessionMsg{s, hitsMsg{in: "a2", text: "ab?", err: errors.New("the disk is gone")}})
	if !strings.Contains(shown(a), "✗ the disk is gone") {
		t.Errorf("%s", shown(a))
	}
	press(a, "esc")
	if a.front != screen(a.home) {
		t.Error("esc does not go back")
	}
}

// A hit opens at its step, unfolded; esc leads back to the hits, then home.
func TestJumpToAStep(t *testing.T) {
	a := newTestApp(80, 24)
	finds(a, "", "ls", store.Hit{Session: "abc", Seq: 9, Kind: "tool.result"})
	press(a, "enter")
	p, ok := a.front.(*playback)
	if !ok {
		t.Fatal("enter does not open the session")
	}
	a.Update(sessionMsg{p, eventsMsg{events: record(example()...)}})
	if got := p.seq(p.at); got != 9 || !p.list.focused().open {
		t.Errorf("at step %d, unfolded %v; want 9, true\n%s", got, p.list.focused().open, shown(a))
	}
	if !strings.Contains(shown(a), "step 9/13") {
		t.Errorf("%s", shown(a))
	}
	// A word far down in a long output is on the screen.
	long := example()
	result := exampleResult()
	result.Stdout = strings.Repeat("nothing\n", 500) + "the NEEDLE is here\n" + strings.Repeat("nothing\n", 500)
	long[8] = result
	a.Update(openMsg{"abc", 9, "needle"})
	p = a.front.(*playback)
	a.Update(sessionMsg{p, eventsMsg{events: record(long...)}})
	if !strings.Contains(shown(a), "the NEEDLE is here") {
		t.Errorf("what was found is not shown:\n%s", shown(a))
	}
	a.behind = a.search
	press(a, "esc")
	if a.front != screen(a.search) || len(a.search.hits.all) != 1 {
		t.Error("esc does not lead back to the hits")
	}
	press(a, "esc")
	if a.front != screen(a.home) {
		t.Error("esc does not lead home from there")
	}
	// One that is open here is shown as it goes on, and esc leads back the same way.
	s := openLive(a, example()[:11]...)
	s.live = fixedLive{"abc"}
	a.Update(searchMsg{})
	a.search.hits.all = []store.Hit{{Session: "abc", Seq: 9}}
	press(a, "enter")
	if a.front != screen(s) || s.writing || s.list.focused().seq != 9 {
		t.Errorf("the open session is not shown at the step: focus on %d", s.list.focused().seq)
	}
}

// What is noted is about the focused step, is drawn by the same apply as all
// else, and leaves the person where they were.
func TestMark(t *testing.T) {
	a := newTestApp(80, 24)
	p := openRecorded(a, record(example()...))
	press(a, "g", "t", "m")
	m, ok := a.top.(*marking)
	if !ok || m.step != 8 || m.of.ID != "abc" {
		t.Fatalf("m opens %#v", a.top)
	}
	for _, c := range []struct {
		key, text string
		want      store.Note
	}{
		{"t", "odd -even #new", store.Note{Tags: []string{"odd", "new"}, Untags: []string{"even"}}},
		{"c", "why this table? ", store.Note{Text: "why this table?"}},
		{"p", "help = 0.5", store.Note{Score: &store.Score{Name: "help", Value: 0.5}}},
		{"T", "!", store.Note{Title: "What is in /data?!"}},
	} {
		press(a, c.key)
		typed(a, c.text)
		got, wrong := m.note(m.field.Value())
		if diff := cmp.Diff(c.want, got); diff != "" || wrong != "" {
			t.Errorf("%s %q: %s (-want +got):\n%s", c.key, c.text, wrong, diff)
		}
		press(a, "esc")
	}
	press(a, "p")
	typed(a, "0.5")
	press(a, "enter")
	if !strings.Contains(shown(a), "a score is NAME=NUMBER") || m.writing {
		t.Errorf("a wrong score is taken:\n%s", shown(a))
	}
	a.Update(sessionMsg{m, flashMsg("the disk is full")})
	if !strings.Contains(shown(a), "the disk is full") || a.top == nil {
		t.Error("what could not be recorded is not told")
	}
	at := p.at
	note := store.Event{Session: "abc", Seq: 14, At: noon, Body: store.Note{By: "ada", Step: 8, Text: "why this table?"}}
	a.Update(sessionMsg{m, notedMsg{note}})
	if a.top != nil || p.at != at || !strings.Contains(shown(a), "noted: a comment") {
		t.Errorf("step %d, was %d:\n%s", p.at, at, shown(a))
	}
	press(a, "G")
	if !strings.Contains(shown(a), "✎ ada on step 8: a comment") || !strings.Contains(shown(a), "step 14/14") {
		t.Errorf("%s", shown(a))
	}
	press(a, "end", "m")
	if m := a.top.(*marking); m.step != 8 {
		t.Errorf("on a note of step 8, m marks step %d", m.step)
	}
	press(a, "esc")
	press(a, "enter")
	if got := p.seq(p.at); got != 8 || !strings.Contains(shown(a), "step 8/14") {
		t.Errorf("enter on a note goes to step %d", got)
	}
	press(a, "G")
	live := newStory()
	for _, e := range append(record(example()...), note) {
		live.update(agent.Update{Event: &e})
	}
	if picture(live) != picture(p.story) {
		t.Errorf("live:\n%s\nplayed back:\n%s", picture(live), picture(p.story))
	}
}

// Dialogs hear of what is typed at once, and of pastes.
func TestDialogsTakeWhatFollows(t *testing.T) {
	a := newTestApp(80, 24)
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
	press(a, "i", "q", "n")
	a.Update(pasteOf("/a\x1b[2J.gbx "))
	i := a.top.(*importing)
	if got := i.field.Value(); got != "qn/a␛[2J.gbx" {
		t.Errorf("the file is %q", got)
	}
	press(a, "enter")
	r, ok := a.top.(*reporting)
	if !ok || !strings.Contains(shown(a), "working…") {
		t.Fatalf("nothing is going on:\n%s", shown(a))
	}
	a.Update(sessionMsg{r, reportMsg{err: errors.New("it is not a bundle")}})
	if !strings.Contains(shown(a), "✗ it is not a bundle") {
		t.Errorf("%s", shown(a))
	}
	press(a, "esc", "x", "down", "enter")
	if r, ok := a.top.(*reporting); !ok || r.title != "Export session a1 as html" {
		t.Errorf("exports by %#v", a.top)
	}
	press(a, "esc")
	if a.top != nil || a.front != screen(a.home) {
		t.Error("esc does not close the dialog, or more than that")
	}
}

// R goes on with a session that has ended, in a new one.
func TestResumeKey(t *testing.T) {
	a := newTestApp(80, 24)
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
	press(a, "R")
	if !strings.Contains(shown(a), "the session has not ended") {
		t.Errorf("one that runs is resumed:\n%s", shown(a))
	}
	a.Update(sessionMsg{a.home, summariesMsg{all: []store.Summary{{ID: "v", Model: "verify", Status: "done"}}}})
	press(a, "R")
	if !strings.Contains(shown(a), "there is no conversation") {
		t.Errorf("a verification is resumed:\n%s", shown(a))
	}
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
	press(a, "down", "R")
	s, ok := a.front.(*session)
	if !ok || s.resume != "a2" || !s.beginning {
		t.Fatalf("%#v", a.front)
	}
	a.Update(sessionMsg{s, startedMsg{err: errors.New("no Podman")}})
	typed(a, "go on")
	press(a, "enter")
	if !s.beginning || s.resume != "a2" {
		t.Error("the second try is another session")
	}
	first := exampleStarted()
	first.Resumes = &store.Resumes{Session: "a2", Through: 12}
	openRecorded(a, record(first))
	if !strings.Contains(shown(a), "goes on from session a2") {
		t.Errorf("%s", shown(a))
	}
}

// a runs a session that has ended again, whatever it was, and shows how it goes.
func TestRerunKey(t *testing.T) {
	a := newTestApp(80, 24)
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
	press(a, "a")
	if !strings.Contains(shown(a), "the session has not ended") || a.top != nil {
		t.Errorf("one that runs is run again:\n%s", shown(a))
	}
	press(a, "down", "a")
	if _, ok := a.top.(*reporting); !ok || !strings.Contains(shown(a), "Run session a2 again") || !strings.Contains(shown(a), "working…") {
		t.Fatalf("%s", shown(a))
	}
	press(a, "ctrl+c")
	if !strings.Contains(shown(a), "ctrl+c again to leave and stop what goes on here") {
		t.Errorf("%s", shown(a))
	}
	press(a, "esc")

	// The last line is shown, unless a person reads another.
	r := rerunning(a, 40)
	if s := shown(a); !strings.Contains(s, "+ Wed Nov 25") || strings.Contains(s, "the box") {
		t.Errorf("the end is not shown:\n%s", s)
	}
	press(a, "up")
	read := strings.Split(shown(a), "\n")[4:20]
	a.Update(sessionMsg{r, updatesMsg{[]agent.Update{{Output: &agent.Output{Chunk: "one more\n"}}}, true}})
	a.Update(sessionMsg{r, reportMsg{Report: Report{Said: "41 calls: 41 the same", Session: "a3"}}})
	if is := strings.Split(shown(a), "\n")[4:20]; !slices.Equal(read, is) {
		t.Errorf("it moves under the reader's eyes:\n%s", shown(a))
	}
	press(a, "pgdown", "pgdown", "pgdown")
	if !strings.Contains(shown(a), "one more") {
		t.Errorf("%s", shown(a))
	}
	press(a, "esc")
	if a.home.want != "a3" {
		t.Errorf("the rerun is not selected: %q", a.home.want)
	}
}

// What was written and did not go out is never lost on the way.
func TestUnsentTextIsKept(t *testing.T) {
	a := newTestApp(80, 24)
	press(a, "n")
	s := a.front.(*session)
	typed(a, "first")
	press(a, "enter") // waits for the seal
	typed(a, "second")
	press(a, "esc")
	a.Update(sessionMsg{s, startedMsg{err: errors.New("given up")}})
	if got := s.composer.value(); got != "first\nsecond" {
		t.Errorf("the composer has %q", got)
	}
	press(a, "esc") // the session never was: it goes
	press(a, "n")
	if again := a.front.(*session); again == s || again.composer.value() != "first\nsecond" {
		t.Errorf("the next session's composer has %q", again.composer.value())
	}
}

func TestPastesWaitForOneAnother(t *testing.T) {
	now := noon
	a := newApp(Options{Clock: func() time.Time { return now }, Inspect: func(text string) (string, string) { return "email (1)", "[marked]" }}, &backstage{ctx: t.Context()})
	a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	s := openLive(a)
	for _, text := range []string{"one ", "two ", "three "} {
		_, cmd := s.handle(pasteOf(text))
		s.handle(cmd().(sessionMsg).msg)
	}
	for _, k := range []string{"y", "esc", "m"} {
		before := len(s.bringing)
		press(a, k)
		if len(s.bringing) != before {
			t.Errorf("%s counts although the question has only just appeared", k)
		}
		now = now.Add(2 * approvalGrace)
		press(a, k)
	}
	if got := s.composer.value(); got != "one [marked]" || len(s.bringing) > 0 {
		t.Errorf("%q is in, %d wait", got, len(s.bringing))
	}
}

// The list is read again by itself only while something goes on elsewhere.
func TestListFollowsWhatRunsElsewhere(t *testing.T) {
	a := newTestApp(80, 24)
	reads := func(all []store.Summary) (n int) {
		a.Update(sessionMsg{a.home, summariesMsg{all: all}})
		for range 10 {
			if _, cmd := a.home.handle(secondMsg{}); cmd != nil {
				n++
			}
		}
		return n
	}
	if n := reads(summaries()); n != 3 {
		t.Errorf("in ten seconds it is read %d times, want 3", n)
	}
	if n := reads(summaries()[1:]); n != 0 {
		t.Errorf("nothing runs, and it is read %d times", n)
	}
	s := openLive(a)
	s.live = fixedLive{"a1"}
	if n := reads(summaries()); n != 0 {
		t.Errorf("what runs is open here, and it is read %d times", n)
	}
}

// However many hits there are, the chosen one is on the screen with its
// session's heading, and going down moves the page no more than it must.
func TestHitsScroll(t *testing.T) {
	var many []store.Hit
	for i := range 150 {
		many = append(many, store.Hit{Session: fmt.Sprint(i / 3), Title: fmt.Sprintf("session %d", i/3), Seq: int64(i), Kind: "prompt", Snippet: fmt.Sprintf("hit %d.", i)})
	}
	for _, size := range sizes {
		a := newTestApp(size[0], size[1])
		finds(a, "", "hit", many...)
		for i := range many {
			mustFit(t, a)
			if got := shown(a); !strings.Contains(got, fmt.Sprintf("hit %d.", i)) {
				t.Fatalf("%v: hit %d is chosen and not shown:\n%s", size, i, got)
			}
			before := a.search.top
			press(a, "down")
			_ = shown(a)
			if by := a.search.top - before; by < 0 || by > 2 {
				t.Fatalf("%v: from hit %d on the page moved by %d lines", size, i, by)
			}
		}
		press(a, "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup")
		for a.search.hits.at > 0 {
			press(a, "up")
		}
		if got := shown(a); a.search.top != 0 || !strings.Contains(got, "session 0") {
			t.Errorf("%v: the first hit stands without its heading:\n%s", size, got)
		}
	}
}
