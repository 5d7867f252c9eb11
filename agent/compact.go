package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"glovebox/agent/budget"
	"glovebox/store"
)

const (
	keptWhole     = 6    // latest messages that compaction leaves as they are
	compactOver   = 600  // bytes of a message that is shortened
	compactHead   = 300  // of it that stay: the beginning …
	compactTail   = 100  // … and the end
	answerRoom    = 4096 // tokens that are kept free for an answer, at most a quarter of the window
	bytesPerToken = 3    // for what the server has not counted yet; a guess, corrected by its refusal
)

// tooLarge says whether the server refused a request because of its length.
func tooLarge(err error) bool {
	var e *ModelError
	return errors.As(err, &e) && e.Code == "too_large"
}

// fit makes room in the model's context window before a request: earlier
// results are shortened in what the model is told. The log keeps them whole.
func (a *Agent) fit(ctx context.Context) error {
	window := a.cfg.Cost.Context
	if window <= 0 {
		return nil
	}
	room := window - min(answerRoom, window/4)
	for kept := keptWhole; a.expected() > room; kept /= 2 {
		if kept == 0 {
			return &LimitError{Over: budget.Over{Limit: "context", Value: float64(a.expected()), Max: float64(window)}}
		}
		if _, err := a.compact(ctx, kept); err != nil {
			return err
		}
	}
	return nil
}

// expected is how many tokens the next request will about have.
func (a *Agent) expected() int64 {
	now := Conversation(a.events)
	if s := a.spent; s.known > 0 {
		return s.known + max(size(now)-size(Conversation(a.events[:s.through])), 0)/bytesPerToken
	}
	return (int64(len(a.cfg.System)) + size(now)) / bytesPerToken
}

// compact records that all but the latest kept messages are told shortened from
// now on, if that helps.
func (a *Agent) compact(ctx context.Context, kept int) (helps bool, err error) {
	before := Conversation(a.events)
	after := shortened(before, kept)
	if size(after) >= size(before) {
		return false, nil
	}
	return true, a.record(ctx, store.Compacted{Kept: kept, Before: size(before), After: size(after)})
}

// shortened leaves out the middle of every long result, and long arguments,
// but for the latest messages and what persons said.
func shortened(messages []Message, kept int) []Message {
	out := append([]Message(nil), messages...)
	for i := range out[:max(len(out)-kept, 0)] {
		m := &out[i]
		if m.Role == "tool" && len(m.Text) > compactOver {
			cut := len(m.Text) - compactHead - compactTail
			m.Text = fmt.Sprintf("%s\n[%d bytes of this result were left out here to make room; call again if you need them]\n%s",
				strings.ToValidUTF8(m.Text[:compactHead], ""), cut, strings.ToValidUTF8(m.Text[len(m.Text)-compactTail:], ""))
		}
		calls := m.ToolCalls
		m.ToolCalls = nil
		for _, c := range calls {
			if len(c.Arguments) > compactOver {
				c.Arguments = fmt.Sprintf(`{"left_out":"%d bytes, to make room"}`, len(c.Arguments))
			}
			m.ToolCalls = append(m.ToolCalls, c)
		}
	}
	return out
}
