package tui

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"glovebox/store"
)

// What is found spells the word, in the least room there is.
func TestFuzzyFindsTheClosest(t *testing.T) {
	letters := rapid.SampledFrom([]rune("abc世 "))
	rapid.Check(t, func(t *rapid.T) {
		text := []rune(rapid.StringOfN(letters, 0, 12, -1).Draw(t, "text"))
		word := []rune(rapid.StringOfN(letters, 1, 3, -1).Draw(t, "word"))
		least := 0 // the shortest stretch of text that has word's letters in order
		for from := range text {
			n := 0
			for to := from; to < len(text) && n < len(word); to++ {
				if text[to] == word[n] {
					n++
				}
				if n == len(word) && (least == 0 || to+1-from < least) {
					least = to + 1 - from
				}
			}
		}
		at := closest(text, word)
		if (at == nil) != (least == 0) {
			t.Fatalf("found at %v; the least room is %d", at, least)
		}
		for k, i := range at {
			if text[i] != word[k] || k > 0 && i <= at[k-1] {
				t.Fatalf("%v does not spell the word", at)
			}
		}
		if at != nil && at[len(at)-1]+1-at[0] != least {
			t.Fatalf("found in %v, but there is room of %d", at, least)
		}
	})
}

func TestFilterOfTheList(t *testing.T) {
	a := newTestApp(120, 24)
	all := summaries()
	all[4].Tags = []string{"odd"}
	a.Update(sessionMsg{a.home, summariesMsg{all: all}})
	for filter, want := range map[string]string{
		"cust":         "a1 a2 a6", // equals: newest first
		"customer":     "a1 a2",
		"orders":       "a2",
		"OWC":          "a2 a1", // Orders without a customer
		"gpt5":         "a2",
		"denied":       "a6",
		"#odd":         "a2 a5",
		"odd done":     "a2 a5",
		"a3":           "a3", // the ID first
		"联网":           "a3",
		"!done !openr": "a1 a3 a4",
		"!":            "a1 a2 a3 a4 a5 a6",
		"!done":        "a1 a3 a4 a6",
		"zzz":          "",
		"  ":           "a1 a2 a3 a4 a5 a6",
	} {
		a.home.filter = filter
		a.home.narrow()
		var got []string
		for _, s := range a.home.shown {
			got = append(got, s.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", filter, got, want)
		}
		mustFit(t, a)
	}
}

// Each column can be sorted by, both ways; equals stay newest first.
func TestSortOfTheList(t *testing.T) {
	a := newTestApp(200, 24)
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()}})
	order := func() string {
		var ids []string
		for _, s := range a.home.shown {
			ids = append(ids, s.ID)
		}
		return strings.Join(ids, " ")
	}
	for _, want := range []string{
		"When: a1 a2 a3 a4 a5 a6", "Steps: a5 a2 a3 a1 a6 a4", "Tokens: a5 a2 a1 a3 a6 a4", "Cost: a3 a2 a1 a4 a5 a6",
		"Result: a6 a2 a5 a3 a4 a1", "Session: a4 a2 a6 a5 a1 a3", "Model: a3 a2 a6 a1 a4 a5", "When: a1 a2 a3 a4 a5 a6",
	} {
		if got := a.home.sorted + ": " + order(); got != want {
			t.Errorf("sorted by %s, want %s", got, want)
		}
		if !strings.Contains(shown(a), a.home.sorted+"▾") {
			t.Errorf("the heading does not show it:\n%s", shown(a))
		}
		press(a, "s")
	}
	press(a, "S")
	if got := order(); got != "a4 a6 a1 a3 a2 a5" || !strings.Contains(shown(a), "Steps▴") {
		t.Errorf("by steps, the other way round: %s", got)
	}
	a.Update(sessionMsg{a.home, summariesMsg{all: summaries()[1:]}})
	if got := order(); got != "a4 a6 a3 a2 a5" {
		t.Errorf("read again: %s", got)
	}
}

// A key in the filter costs little more than the sessions it looks at.
func TestFilterGrowsWithTheList(t *testing.T) {
	few, many := listOfSessions(500), listOfSessions(20_000)
	short, long := quickest(func() { keyIn(few) }, func() { keyIn(many) })
	t.Logf("a key in the filter: 500 sessions %v, 20,000 %v", short, long)
	if long > 40*4*short {
		t.Errorf("40 times the sessions take %.0f times as long", float64(long)/float64(short))
	}
}

func listOfSessions(n int) *app {
	a := newTestApp(120, 40)
	var all []store.Summary
	for range n/6 + 1 {
		all = append(all, summaries()...)
	}
	a.Update(sessionMsg{a.home, summariesMsg{all: all[:n]}})
	press(a, "/")
	return a
}

func keyIn(a *app) {
	press(a, "c")
	_ = a.View()
	press(a, "backspace")
}

// quickest is the least that each of two took, measured in turn: what else the
// machine does comes to both.
func quickest(one, other func()) (time.Duration, time.Duration) {
	best := [2]time.Duration{time.Hour, time.Hour}
	for range 20 {
		for i, f := range []func(){one, other} {
			start := time.Now()
			f()
			best[i] = min(best[i], time.Since(start))
		}
	}
	return best[0], best[1]
}

// Moving about costs a frame, however many sessions there are.
func TestMovingInALongList(t *testing.T) {
	step := func(a *app) func() {
		press(a, "tab")
		return func() {
			press(a, "down", "pgdown", "up")
			_ = a.View()
		}
	}
	short, long := quickest(step(listOfSessions(100)), step(listOfSessions(20_000)))
	t.Logf("three keys and a frame: 100 sessions %v, 20,000 %v", short, long)
	if long > 4*short {
		t.Errorf("in 20,000 sessions a frame takes %.1f times as long as in 100", float64(long)/float64(short))
	}
}

// What is not known is not shown as nothing.
func TestTokensAndCost(t *testing.T) {
	for _, c := range []struct {
		s            store.Summary
		tokens, cost string
	}{
		{store.Summary{Model: "script:demo"}, "0", "?"},
		{store.Summary{Model: "ollama/x", Steps: 3}, "?", "?"},
		{store.Summary{Model: "ollama/x", Steps: 3, Tokens: 1200, CostUSD: ptr(0.0)}, "1.2k", "$0.00"},
		{store.Summary{Model: "verify", Steps: 1}, "–", "–"},
		{store.Summary{Model: "rerun", Steps: 1, CostUSD: ptr(0.0)}, "–", "–"},
	} {
		if got, paid := tokens(c.s), cost(c.s); got != c.tokens || paid != c.cost {
			t.Errorf("%+v: tokens %s, cost %s; want %s, %s", c.s, got, paid, c.tokens, c.cost)
		}
	}
}
