package agent

import (
	"context"
	"time"

	"glovebox/store"
)

// Limits bound one session, over all its prompts. Zero means no limit.
type Limits struct {
	Turns     int           // requests to the model
	ToolCalls int           // calls that ran; refused and invalid ones do not count
	Tokens    int           // input and output; where the server reports none, a quarter of the characters
	Wall      time.Duration // time spent working on prompts, not waiting for the next one
}

// spent is what the session has used up, from recorded values only, so that
// the same log always decides alike.
type spent struct {
	turns, calls, tokens int
	wall                 time.Duration // of finished prompts
	begun, last          time.Time     // of the current prompt
}

// add counts the last of events.
func (s *spent) add(events []store.Event) {
	e := events[len(events)-1]
	s.last = e.At
	switch b := e.Body.(type) {
	case store.Prompt:
		if len(events) > 1 {
			s.wall += events[len(events)-2].At.Sub(s.begun)
		}
		s.begun = e.At
	case store.ModelRequest:
		s.turns++
	case store.ToolCall:
		s.calls++
	case store.ModelResponse:
		if b.Usage != nil {
			s.tokens += b.Usage.Input + b.Usage.Output
		} else {
			s.tokens += estimate(Conversation(events[:len(events)-1]), b)
		}
	}
}

// estimate stands in for a usage that the server did not report.
func estimate(input []Message, r store.ModelResponse) int {
	chars := len(r.Reasoning)
	for _, m := range append(input, Message{Text: r.Text, ToolCalls: r.ToolCalls}) {
		chars += len(m.Text)
		for _, c := range m.ToolCalls {
			chars += len(c.Name) + len(c.Arguments)
		}
	}
	return chars / 4
}

// mayAsk is asked before a request to the model is spent.
func (a *Agent) mayAsk() error {
	l, s := a.cfg.Limits, a.spent
	switch {
	case l.Turns > 0 && s.turns >= l.Turns:
		return &LimitError{"turns", float64(s.turns), float64(l.Turns)}
	case l.Tokens > 0 && s.tokens >= l.Tokens:
		return &LimitError{"tokens", float64(s.tokens), float64(l.Tokens)}
	}
	return a.inTime()
}

// mayCall is asked before a tool call is spent.
func (a *Agent) mayCall() error {
	l, s := a.cfg.Limits, a.spent
	if l.ToolCalls > 0 && s.calls >= l.ToolCalls {
		return &LimitError{"tool_calls", float64(s.calls), float64(l.ToolCalls)}
	}
	return a.inTime()
}

func (a *Agent) inTime() error {
	used := a.spent.wall + a.spent.last.Sub(a.spent.begun)
	if limit := a.cfg.Limits.Wall; limit > 0 && used >= limit {
		return &LimitError{"wall", used.Seconds(), limit.Seconds()}
	}
	return nil
}

// withWall ends ctx when the session's time is up, so that a hanging request
// or command cannot outlast it.
func (a *Agent) withWall(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := a.cfg.Limits.Wall
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	cause := &LimitError{"wall", limit.Seconds(), limit.Seconds()}
	return context.WithTimeoutCause(ctx, limit-a.spent.wall, cause)
}
