package agent

import (
	"math"
	"slices"
	"testing"
	"time"

	"glovebox/store"
)

// Nor does what it says was spent wrap around to nothing.
func TestSpentWithoutEnd(t *testing.T) {
	var s spent
	var events []store.Event
	for range 50 {
		for _, body := range []store.Body{
			store.ModelResponse{Charge: &store.Charge{Input: math.MaxInt64, Output: math.MaxInt64, PicoUSD: math.MaxInt64}},
			store.ModelResponse{Usage: &store.Usage{Input: math.MaxInt, Output: math.MaxInt}},
			store.ToolResult{StdoutCut: math.MaxInt64, StderrCut: math.MaxInt64},
		} {
			events = append(events, store.Event{Body: body})
			s.add(events)
			l := Limits{Tokens: 1, TokensIn: 1, TokensOut: 1, Pico: 1, OutputBytes: 1}
			if over := l.Passed(s.Spent); over == nil || len(events) > 2 && l.Call(s.Spent) == nil {
				t.Fatalf("after %d events %+v is within limits", len(events), s.Spent)
			}
			for _, only := range []Limits{{Tokens: 1}, {TokensIn: 1}, {TokensOut: 1}, {Pico: 1}} {
				if only.Passed(s.Spent) == nil {
					t.Fatalf("after %d events %+v is within %+v", len(events), s.Spent, only)
				}
			}
		}
	}
}

// A session from elsewhere may say what it likes of times: what is done here
// afterwards counts all the same.
func TestTimesOfAnotherLog(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, past := range map[string][]store.Event{
		"a wait of years":     {{At: at, Body: store.Prompt{}}, {At: at.Add(time.Minute), Body: store.Decision{WaitMS: 1e300}}},
		"a wait of less":      {{At: at, Body: store.Prompt{}}, {At: at.Add(time.Minute), Body: store.Decision{WaitMS: -1e300}}},
		"a clock set back":    {{At: at, Body: store.Prompt{}}, {At: at.AddDate(-50, 0, 0), Body: store.ToolCall{}}},
		"a wait and its time": {{At: at, Body: store.Prompt{}}, {At: at.Add(time.Minute), Body: store.Decision{WaitMS: 60_000}}},
	} {
		t.Run(name, func(t *testing.T) {
			var s spent
			events := slices.Concat(past, []store.Event{{At: at.Add(time.Hour), Body: store.Prompt{}}, {At: at.Add(time.Hour + 10*time.Second), Body: store.ToolCall{}}})
			for i := range events {
				s.add(events[:i+1])
			}
			if s.Working < 10*time.Second || s.Working > 2*time.Minute || s.Wall < s.Working || s.Wall > 2*time.Minute {
				t.Errorf("wall %v, working %v, of 10 s after it", s.Wall, s.Working)
			}
		})
	}
}
