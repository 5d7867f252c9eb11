package tui

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glovebox/agent"
	"glovebox/store"
)

// ask puts a question on the screen and returns where its answer goes and a
// way to let time pass.
func ask(a *app, s *session, q agent.Ask) (answers *[]agent.Answer, pass func(time.Duration)) {
	answers = &[]agent.Answer{}
	q.Reply = func(x agent.Answer) { *answers = append(*answers, x) }
	now := noon
	a.clock = func() time.Time { return now }
	a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Ask: &q}}, true}})
	return answers, func(d time.Duration) { now = now.Add(d) }
}

func push() agent.Ask {
	return agent.Ask{
		CallID: "c1", Tool: "shell", Arguments: json.RawMessage(`{"command":"cd x && git push origin main"}`),
		Rule: `shell "git push *"`, From: "glovebox.toml:21", Reason: "nothing leaves the box", Part: "git push origin main",
	}
}

func TestApprovalShowsWhatAndWhy(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 12}, {200, 50}, {30, 10}} {
		a := newTestApp(size[0], size[1])
		s := openLive(a)
		ask(a, s, push())
		mustFit(t, a)
		for _, want := range []string{"May the agent do this?", "shell", "git push", "glovebox.toml:21"} {
			if size[0] >= 80 && !strings.Contains(shown(a), want) {
				t.Errorf("%v: %q is not shown:\n%s", size, want, shown(a))
			}
		}
	}
	a := newTestApp(80, 24)
	s := openLive(a)
	ask(a, s, push())
	for _, want := range []string{"$ cd x && git push origin main", "nothing leaves the", "a allow", "esc deny"} {
		if !strings.Contains(shown(a), want) {
			t.Errorf("%q is not shown:\n%s", want, shown(a))
		}
	}
}

func TestApprovalAnswers(t *testing.T) {
	for keys, want := range map[string]agent.Answer{
		"a":           {Allow: true, Scope: "once"},
		"s":           {Allow: true, Scope: "session"},
		"p enter":     {Allow: true, Scope: "pattern", Pattern: "git push *"},
		"esc":         {},
		"x":           {Stop: true, Reason: "a person stopped the work"},
		"d n o enter": {Reason: "no"},
		"d esc esc":   {},
	} {
		a := newTestApp(80, 24)
		s := openLive(a)
		answers, pass := ask(a, s, push())
		pass(time.Second)
		press(a, strings.Fields(keys)...)
		mustFit(t, a)
		if diff := cmp.Diff([]agent.Answer{want}, *answers); diff != "" {
			t.Errorf("%s: %s", keys, diff)
		}
		if s.asking != nil {
			t.Errorf("%s: the dialog stays", keys)
		}
	}
	for _, keys := range []string{"enter", "y", "Y", "A", "space", "tab", "enter enter", "d enter", "p backspace backspace backspace backspace backspace backspace backspace backspace backspace backspace enter"} {
		a := newTestApp(80, 24)
		s := openLive(a)
		answers, pass := ask(a, s, push())
		pass(time.Second)
		press(a, strings.Fields(keys)...)
		if len(*answers) > 0 || s.asking == nil {
			t.Errorf("%s answered: %+v", keys, *answers)
		}
	}
}

// Keys that somebody was typing when the question appeared are no answer.
func TestApprovalIgnoresWhatWasMeantForSomethingElse(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a)
	typed(a, "say")
	answers, pass := ask(a, s, push())
	for range 10 {
		press(a, "a", "esc", "s")
		pass(approvalGrace - time.Millisecond)
	}
	a.Update(pasteOf("a"))
	if len(*answers) > 0 {
		t.Fatalf("answered: %+v", *answers)
	}
	pass(approvalGrace)
	press(a, "a")
	if len(*answers) != 1 || s.composer.value() != "say" {
		t.Errorf("%+v, the composer holds %q", *answers, s.composer.value())
	}
}

func TestApprovalEdited(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a)
	answers, pass := ask(a, s, push())
	pass(time.Second)
	a.Update(reviewedMsg{"c1", "not JSON"})
	if len(*answers) > 0 || !strings.Contains(shown(a), "not a JSON object") {
		t.Fatalf("%+v\n%s", *answers, shown(a))
	}
	a.Update(reviewedMsg{"c1", string(s.asking.ask.Arguments)})
	if len(*answers) > 0 || !strings.Contains(shown(a), "nothing was changed") {
		t.Fatalf("to look is to allow: %+v\n%s", *answers, shown(a))
	}
	a.Update(reviewedMsg{"c1", "{\n \"command\": \"ls\"\n}\n"})
	if diff := cmp.Diff([]agent.Answer{{Allow: true, Scope: "once", Arguments: json.RawMessage(`{"command":"ls"}`)}}, *answers); diff != "" {
		t.Error(diff)
	}
}

// A question that nobody waits for any more goes away; one whose text is
// hostile or long shows no more and no less than what would run.
func TestApprovalHostile(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a)
	q := push()
	q.Arguments, _ = json.Marshal(map[string]string{"command": "\x1b[2J\u202eallowed by you\r" + strings.Repeat("x\n", 500)})
	q.Reason, q.Part = "\x1b]0;x\x07"+strings.Repeat("long ", 100), strings.Repeat("y", 5000)
	_, pass := ask(a, s, q)
	mustFit(t, a)
	if text := shown(a); strings.ContainsAny(text, "\x1b\u202e\r\x07") || !strings.Contains(text, "more lines, all of it would run") {
		t.Errorf("%q", text)
	}
	pass(time.Second)
	for range 60 {
		press(a, "pgdown")
	}
	mustFit(t, a)
	if strings.Contains(shown(a), "more lines, all of it") {
		t.Error("the end cannot be reached")
	}
	a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Event: &store.Event{Body: store.Interrupted{By: "signal"}}}}, true}})
	if s.asking != nil {
		t.Error("the dialog stays")
	}
}

func TestLongReasonFits(t *testing.T) {
	for _, size := range sizes {
		a := newTestApp(size[0], size[1])
		s := openLive(a)
		_, pass := ask(a, s, push())
		pass(2 * approvalGrace)
		press(a, "d")
		for range 30 {
			typed(a, "no, 世界 ")
		}
		mustFit(t, a)
	}
}

// A question that comes while something else is shown is told, and what was
// meant for that does not answer it.
func TestQuestionUnderADialog(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a, example()[:11]...)
	s.live = fixedLive{"abc"}
	press(a, "tab", "m", "t")
	answers, pass := ask(a, s, push())
	pass(time.Minute)
	typed(a, "as")
	if !strings.Contains(shown(a), "the agent asks you something") {
		t.Errorf("nothing tells of the question:\n%s", shown(a))
	}
	press(a, "esc", "esc", "esc", "a")
	if len(*answers) > 0 || !strings.Contains(shown(a), "May the agent do this?") {
		t.Fatalf("answered with %+v by keys for the dialog:\n%s", *answers, shown(a))
	}
	pass(2 * approvalGrace)
	s.asking.calm = a.clock().Add(-time.Second)
	a.goHome()
	a.Update(sessionMsg{a.home, summariesMsg{all: []store.Summary{{ID: "abc", Status: "running", StartedAt: noon}}}})
	if !strings.Contains(shown(a), "? asks you") {
		t.Errorf("the list does not say that it asks:\n%s", shown(a))
	}
	press(a, "enter", "a")
	if len(*answers) > 0 {
		t.Error("a key counts before the question can be read")
	}
	pass(2 * approvalGrace)
	press(a, "a")
	if len(*answers) != 1 || !(*answers)[0].Allow {
		t.Errorf("answers %+v", *answers)
	}
}
