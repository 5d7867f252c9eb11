package tui

import (
	"sync"

	"glovebox/agent"
)

// mailbox carries updates from the session's goroutines to the screen. Putting
// never waits, and pieces of the same text are joined while they lie there, so
// that neither a slow terminal holds up the agent nor a fast agent floods the
// screen with frames.
type mailbox struct {
	mu     sync.Mutex
	queue  []agent.Update
	ready  chan struct{} // holds a token while there is something to take
	closed bool
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (m *mailbox) put(u agent.Update) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	if n := len(m.queue); n == 0 || !join(&m.queue[n-1], u) {
		m.queue = append(m.queue, u)
	}
	m.signal()
}

// take returns what is there now; open is false when there will be no more.
// ready says when it is worth it.
func (m *mailbox) take() (batch []agent.Update, open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	batch = m.queue
	m.queue = nil
	return batch, !m.closed
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.signal()
}

func (m *mailbox) signal() {
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// join appends u to last where both are pieces of the same text. What is
// joined is copied first: the pieces belong to whoever sent them.
func join(last *agent.Update, u agent.Update) bool {
	switch {
	case last.Output != nil && u.Output != nil &&
		last.Output.CallID == u.Output.CallID && last.Output.Stderr == u.Output.Stderr:
		o := *last.Output
		o.Chunk += u.Output.Chunk
		last.Output = &o
		return true
	case last.Delta != nil && u.Delta != nil:
		a, b := *last.Delta, *u.Delta
		switch {
		case a == (agent.Delta{Text: a.Text}) && b == (agent.Delta{Text: b.Text}):
			a.Text += b.Text
		case a == (agent.Delta{Reasoning: a.Reasoning}) && b == (agent.Delta{Reasoning: b.Reasoning}):
			a.Reasoning += b.Reasoning
		default:
			return false
		}
		last.Delta = &a
		return true
	}
	return false
}
