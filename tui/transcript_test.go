package tui

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"glovebox/agent"
	"glovebox/store"
)

// rows is a body of given lines.
type rows []string

func (r rows) text() string                          { return strings.Join(r, "\n") }
func (r rows) draw(_ int, _ *theme, _ bool) []string { return r }

// listOf makes a transcript of h lines whose items have the given heights.
func listOf(h int, heights ...int) *transcript {
	l := &transcript{th: newTheme(true), follow: true}
	l.setSize(40, h)
	l.setItems(itemsOf(0, heights...), true)
	return l
}

func itemsOf(first int, heights ...int) []*item {
	var items []*item
	for i, n := range heights {
		var r rows
		for k := range n {
			r = append(r, fmt.Sprintf("%d.%d", first+i, k))
		}
		items = append(items, &item{body: r})
	}
	return items
}

// all is every line of the list, as View would show it on an endless screen.
func all(l *transcript) []string {
	var out []string
	for i := range l.items {
		for range l.gap(i) {
			out = append(out, "")
		}
		for _, line := range l.lines(i) {
			out = append(out, "  "+line)
		}
	}
	return out
}

// TestListShowsAWindow drives a list at random and checks after every step
// that it shows consecutive lines of the whole, without a hole at the end.
func TestListShowsAWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heights := rapid.SliceOfN(rapid.IntRange(1, 12), 0, 30).Draw(t, "heights")
		l := listOf(rapid.IntRange(1, 15).Draw(t, "h"), heights...)
		check := func() {
			view, whole := l.view(false), all(l)
			if len(view) != l.h {
				t.Fatalf("%d lines, the room is %d", len(view), l.h)
			}
			for len(whole) < l.h {
				whole = append(whole, "")
			}
			ends := slices.Equal(view, whole[len(whole)-l.h:])
			found := false
			for i := 0; i+l.h <= len(whole) && !found; i++ {
				found = slices.Equal(view, whole[i:i+l.h])
			}
			if !found {
				t.Fatalf("top %d skip %d: not a part of the whole:\n%s\n---\n%s", l.top, l.skip, strings.Join(view, "\n"), strings.Join(whole, "\n"))
			}
			if l.follow && !ends {
				t.Fatalf("follows, but is not at the end")
			}
			if len(l.items) > 0 && l.focus >= len(l.items) {
				t.Fatalf("the focus is on item %d of %d", l.focus, len(l.items))
			}
		}
		check()
		t.Repeat(map[string]func(*rapid.T){
			"scroll": func(t *rapid.T) { l.scroll(rapid.IntRange(-40, 40).Draw(t, "n")); check() },
			"move":   func(t *rapid.T) { l.move(rapid.Bool().Draw(t, "down")); check() },
			"start":  func(*rapid.T) { l.toStart(); check() },
			"end":    func(*rapid.T) { l.toEnd(); check() },
			"focus": func(t *rapid.T) {
				if len(l.items) > 0 {
					l.focusOn(rapid.IntRange(0, len(l.items)-1).Draw(t, "i"))
					check()
				}
			},
			"resize": func(t *rapid.T) { l.setSize(40, rapid.IntRange(1, 15).Draw(t, "h")); check() },
			"more": func(t *rapid.T) {
				l.setItems(append(l.items, itemsOf(len(l.items), rapid.IntRange(1, 9).Draw(t, "height"))...), true)
				check()
			},
			"fewer": func(t *rapid.T) {
				l.setItems(l.items[:rapid.IntRange(0, len(l.items)).Draw(t, "n")], true)
				check()
			},
			"change": func(t *rapid.T) {
				if len(l.items) > 0 {
					it := l.items[rapid.IntRange(0, len(l.items)-1).Draw(t, "i")]
					it.body = itemsOf(99, rapid.IntRange(1, 20).Draw(t, "height"))[0].body
					it.touch()
					l.setItems(l.items, true)
					check()
				}
			},
		})
	})
}

func TestFollowsOnlyAtTheEnd(t *testing.T) {
	l := listOf(5, 3, 3, 3)
	more := func(n int) { l.setItems(append(l.items, itemsOf(len(l.items), n)...), true) }
	lastShown := func() string { return strings.TrimSpace(ansi.Strip(l.view(false)[l.h-1])) }
	more(2)
	if got := lastShown(); got != "3.1" || l.fresh {
		t.Errorf("at the end: the last line is %q, new %v; want the newest line", got, l.fresh)
	}
	l.scroll(-4)
	before := l.view(false)
	more(2)
	if after := l.view(false); !slices.Equal(before, after) || !l.fresh {
		t.Errorf("scrolled up: the screen moved from\n%q to\n%q, new %v", before, after, l.fresh)
	}
	l.scroll(100)
	if got := lastShown(); got != "4.1" || l.fresh || !l.follow {
		t.Errorf("back at the end: the last line is %q, new %v, follows %v", got, l.fresh, l.follow)
	}
}

// TestReadingIsNotDisturbed: who has moved the focus up keeps what they read.
func TestReadingIsNotDisturbed(t *testing.T) {
	l := listOf(8, 3, 3, 3)
	more := func() { l.setItems(append(l.items, itemsOf(len(l.items), 3)...), true) }
	l.reading = true
	l.focus = 2
	more()
	if l.focus != 3 || !l.follow {
		t.Errorf("on the last item: the focus is on %d, follows %v", l.focus, l.follow)
	}
	l.move(false)
	before := l.view(true)
	more()
	if after := l.view(true); !slices.Equal(before, after) || !l.fresh {
		t.Errorf("reading: the screen moved from\n%q to\n%q, new %v", before, after, l.fresh)
	}
}

func TestMoveScrollsThroughATallItem(t *testing.T) {
	l := listOf(6, 2, 30, 2)
	l.toStart()
	for seen := map[string]bool{}; ; l.move(true) {
		for _, line := range l.view(false) {
			seen[strings.TrimSpace(line)] = true
		}
		if l.focus == 2 {
			for k := range 30 {
				if !seen[fmt.Sprintf("1.%d", k)] {
					t.Errorf("line 1.%d was never on the screen on the way down", k)
				}
			}
			return
		}
	}
}

func TestNewLineIsAnnounced(t *testing.T) {
	a := newTestApp(80, 24)
	s := openLive(a, example()[:11]...)
	press(a, "tab", "ctrl+o", "g")
	if strings.Contains(shown(a), "↓ new") {
		t.Fatal("something new is announced before it came")
	}
	e := store.Event{Session: "abc", Seq: 12, At: noon, Body: store.Prompt{Text: "one more\n\n\n\n\nthing"}}
	a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Event: &e}}, true}})
	if !strings.Contains(shown(a), "↓ new") {
		t.Errorf("nothing says that there is something new:\n%s", shown(a))
	}
	press(a, "end")
	if strings.Contains(shown(a), "↓ new") {
		t.Errorf("still announced at the end:\n%s", shown(a))
	}
}

// longSession has n lines, each an item of its own.
func longSession(n int) (*app, *session) {
	a := newTestApp(120, 40)
	s := openLive(a)
	for i := range n {
		s.story.apply(store.Event{Session: "abc", Seq: int64(i + 1), At: noon, Body: store.Prompt{Text: fmt.Sprintf("line %d", i)}})
	}
	s.refresh(noon, true)
	return a, s
}

// TestLongSessionsAreAsQuickAsShortOnes compares frames side by side: each has
// a piece of a streaming answer, a scroll up and down, and the drawing.
func TestLongSessionsAreAsQuickAsShortOnes(t *testing.T) {
	frame := func(a *app, s *session, i int) {
		a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Delta: &agent.Delta{Text: "word "}}}, true}})
		if i%2 == 0 {
			s.list.scroll(-20)
			s.list.scroll(20)
		}
		_ = a.View()
	}
	frames := func(lines int) func() {
		a, s := longSession(lines)
		frame(a, s, 0) // lays out what is on the screen
		return func() {
			for i := range 40 {
				frame(a, s, i)
			}
		}
	}
	few, many := frames(100), frames(22_000)
	short, long := quickest(few, many)
	shortBytes, longBytes := allocated(few), allocated(many)
	t.Logf("40 frames: 100 lines %v, %d kB; 22,000 lines %v, %d kB", short, shortBytes/1000, long, longBytes/1000)
	if long > 3*short {
		t.Errorf("a frame of 22,000 lines takes %.1f times as long as one of 100", float64(long)/float64(short))
	}
	if longBytes > 3*shortBytes {
		t.Errorf("a frame of 22,000 lines allocates %.1f times as much as one of 100", float64(longBytes)/float64(shortBytes))
	}
}

// allocated is what f takes of the heap, in bytes, the least of some times.
func allocated(f func()) uint64 {
	least := uint64(1 << 62)
	for range 7 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// TestAFrameDrawsOnlyWhatIsOnTheScreen counts what was laid out.
func TestAFrameDrawsOnlyWhatIsOnTheScreen(t *testing.T) {
	a, s := longSession(22_000)
	_ = a.View()
	drawn := 0
	for _, it := range s.story.items {
		if it.drawn.lines != nil {
			drawn++
		}
	}
	if drawn > 3*a.h {
		t.Errorf("%d of %d items were laid out for a screen of %d lines", drawn, len(s.story.items), a.h)
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, lines := range []int{100, 22_000} {
		b.Run(fmt.Sprintf("%d_lines", lines), func(b *testing.B) {
			a, s := longSession(lines)
			b.ReportAllocs()
			for b.Loop() {
				a.Update(sessionMsg{s, updatesMsg{[]agent.Update{{Delta: &agent.Delta{Text: "word "}}}, true}})
				_ = a.View()
			}
		})
	}
}
