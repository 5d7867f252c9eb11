package tui

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"glovebox/agent"
	"glovebox/store"
)

// TestAnyKeysAnywhere presses keys at random, on every screen and dialog they
// lead to, with what comes back from behind the screens at random moments: it
// never breaks, always fits, and esc and ctrl+c always lead out.
func TestAnyKeysAnywhere(t *testing.T) {
	keys := []string{
		"enter", "esc", "tab", "space", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "backspace", "ctrl+d", "ctrl+o", "f1",
		"n", "/", "r", "q", "v", "s", "S", "R", "d", "f", "i", "m", "x", "c", "C", "t", "T", "p", "y", "g", "G", "e", "E", "H", "?", "a", "1", "=", "世", "!",
	}
	rapid.Check(t, func(t *rapid.T) {
		a := newTestApp(80, 24)
		a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
		fits := func(what string) {
			lines := strings.Split(a.content(), "\n")
			if len(lines) != a.h {
				t.Fatalf("after %s: %d lines on a screen of %d", what, len(lines), a.h)
			}
			for _, l := range lines {
				if w := ansi.StringWidth(l); w > a.w {
					t.Fatalf("after %s: a line of %d cells on a screen of %d: %q", what, w, a.w, l)
				}
			}
			_ = a.View()
		}
		t.Repeat(map[string]func(*rapid.T){
			"key": func(t *rapid.T) {
				k := rapid.SampledFrom(keys).Draw(t, "key")
				if (k == "o" || k == "O" || k == "ctrl+e") && a.top == nil {
					return
				}
				press(a, k)
				fits(k)
			},
			"paste": func(t *rapid.T) { a.Update(pasteOf("pasted\ntext")); fits("paste") },
			"size": func(t *rapid.T) {
				a.Update(tea.WindowSizeMsg{Width: rapid.IntRange(30, 120).Draw(t, "w"), Height: rapid.IntRange(10, 40).Draw(t, "h")})
				fits("resize")
			},
			"back": func(t *rapid.T) { // what was asked for behind the screens
				failed := rapid.Bool().Draw(t, "failed")
				var err error
				if failed {
					err = errors.New("it failed")
				}
				switch s := a.front.(type) {
				case *playback:
					if !s.loaded {
						a.Update(sessionMsg{s, eventsMsg{record(append(example(), store.Note{By: "ada", Step: 3, Text: "x"})...), err}})
					}
				case *search:
					if s.busy {
						s.stop()
						a.Update(sessionMsg{s, hitsMsg{s.in, s.field.Value(), hits(), err}})
					}
				case *session:
					switch {
					case s.beginning && failed:
						a.Update(sessionMsg{s, startedMsg{err: err}})
					case s.beginning:
						for _, e := range record(example()[:4]...) {
							a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Event: &e}}, true}})
						}
						a.Update(sessionMsg{s, startedMsg{live: fixedLive{"abc"}}})
					case s.busy:
						a.Update(sessionMsg{s, turnMsg{err}})
					}
				}
				if r, ok := a.top.(*reporting); ok && r.report == nil {
					a.Update(sessionMsg{r, reportMsg{Report{Said: "done", More: []string{"a", "b"}, Session: "a3"}, err}})
				}
				if m, ok := a.top.(*marking); ok && m.writing {
					a.Update(sessionMsg{m, notedMsg{store.Event{Session: "abc", Seq: 99, At: noon, Body: store.Note{By: "ada", Text: "x"}}}})
				}
				fits("what came back")
			},
		})
		for range 10 {
			if a.front == screen(a.home) && a.top == nil && a.home.filter == "" {
				break
			}
			a.front.interrupt()
			if s, ok := a.front.(*session); ok {
				s.cancel = nil
			}
			press(a, "esc")
		}
		if a.front != screen(a.home) || a.top != nil {
			t.Fatalf("esc does not lead home:\n%s", shown(a))
		}
		cmds := press(a, "ctrl+c", "ctrl+c")
		if cmd := cmds[1]; cmd == nil || cmd() != (tea.QuitMsg{}) {
			t.Fatal("ctrl+c twice does not leave")
		}
	})
}
