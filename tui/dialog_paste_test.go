package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// What looks real is let in only by a key that says so, and not by one that
// was pressed before the question could be read.
func TestPasteOfRealData(t *testing.T) {
	look := func(text string) (string, string) {
		if !strings.Contains(text, "ada@") {
			return "", text
		}
		return "email (1)", strings.ReplaceAll(text, "ada@example.com", "[redacted: email]")
	}
	const text = "write to ada@example.com"
	for name, c := range map[string]struct {
		keys []string
		want string
	}{
		"yes": {[]string{"y"}, text}, "marks": {[]string{"m"}, "write to [redacted: email]"}, "no": {[]string{"esc"}, ""},
		"other keys": {[]string{"enter", "space", "x", "esc"}, ""},
	} {
		for kind, msg := range map[string]tea.Msg{"paste": pasteOf(text), "editor": editedMsg{text}} {
			t.Run(name+" "+kind, func(t *testing.T) {
				now := time.Now()
				a := newApp(Options{Clock: func() time.Time { return now }, Inspect: look}, &backstage{ctx: t.Context()})
				s := &session{pane: newPane(a.desk), composer: newComposer(a.desk), writing: true, updates: newMailbox()}
				a.front = s
				a.resize(80, 24)
				_, cmd := s.handle(msg)
				got := cmd().(sessionMsg)
				if s.composer.value() != "" {
					t.Fatal("it was in before anybody looked")
				}
				s.handle(got.msg)
				if view := shown(a); !strings.Contains(view, "Is this real data?") || !strings.Contains(view, "email (1)") {
					t.Fatalf("nothing is asked:\n%s", view)
				}
				press(a, "y") // too early
				if s.composer.value() != "" || len(s.bringing) == 0 {
					t.Fatal("a key counted that was pressed before")
				}
				now = now.Add(2 * approvalGrace)
				for _, k := range c.keys {
					press(a, k)
				}
				if s.composer.value() != c.want || len(s.bringing) > 0 {
					t.Errorf("%q is in, want %q", s.composer.value(), c.want)
				}
			})
		}
	}
	a := newApp(Options{Clock: time.Now, Inspect: look}, &backstage{ctx: t.Context()})
	s := &session{pane: newPane(a.desk), composer: newComposer(a.desk), writing: true, updates: newMailbox()}
	_, cmd := s.handle(pasteOf("harmless"))
	s.handle(cmd().(sessionMsg).msg)
	if s.composer.value() != "harmless" || len(s.bringing) > 0 {
		t.Errorf("%q", s.composer.value())
	}
}
