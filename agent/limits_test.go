package agent

import (
	"slices"
	"testing"
	"time"

	"glovebox/store"
)

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
