package tui

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
)

// frameTime is how long updates are gathered before they are drawn together.
const frameTime = 16 * time.Millisecond

// backstage makes the commands that call the Backend. It knows which of them
// are under way and which sessions are open, so that nothing outlives Run: a
// program that quits drops the messages of its commands, and a box whose
// message was dropped must still be destroyed.
type backstage struct {
	ctx     context.Context // ends with Run
	backend Backend

	mu     sync.Mutex
	shut   bool
	under  sync.WaitGroup
	open   map[Live]bool
	queues []*mailbox
}

// brokeMsg is a panic in a command.
type brokeMsg struct {
	what  any
	stack []byte
}

// do makes a command of f. Its panic becomes a message, because one that is
// left to the program would be printed before the terminal is restored.
func (b *backstage) do(f func() tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		b.mu.Lock()
		if b.shut {
			b.mu.Unlock()
			return nil
		}
		b.under.Add(1)
		b.mu.Unlock()
		defer b.under.Done()
		defer func() {
			if r := recover(); r != nil {
				msg = brokeMsg{what: r, stack: debug.Stack()}
			}
		}()
		return f()
	}
}

// keep sees to it that a queue ends with Run, at the latest.
func (b *backstage) keep(q *mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queues = append(b.queues, q)
	if b.shut {
		q.close()
	}
}

// next waits for updates and hands them to a screen or dialog.
func (b *backstage) next(q *mailbox, to interface{ handle(tea.Msg) (bool, tea.Cmd) }) tea.Cmd {
	return b.do(func() tea.Msg {
		<-q.ready
		<-time.After(frameTime)
		batch, open := q.take()
		return sessionMsg{to, updatesMsg{batch, open}}
	})
}

// start begins a session, or goes on with one, and its updates go to q.
func (b *backstage) start(ctx context.Context, resume string, q *mailbox) (Live, error) {
	b.keep(q)
	live, err := b.backend.Start(ctx, resume, func(u agent.Update) { q.put(u) })
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.open[live] = true
	b.mu.Unlock()
	return live, nil
}

// end closes one session.
func (b *backstage) end(live Live) error {
	b.mu.Lock()
	was := b.open[live]
	delete(b.open, live)
	b.mu.Unlock()
	if !was {
		return nil
	}
	return live.Close(context.WithoutCancel(b.ctx))
}

// closeAll waits for what is under way (b.ctx has ended) and closes what is open.
func (b *backstage) closeAll(ctx context.Context) error {
	b.mu.Lock()
	b.shut = true
	for _, q := range b.queues {
		q.close()
	}
	b.mu.Unlock()
	b.under.Wait()
	var errs []error
	for live := range b.open {
		if err := live.Close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("ending session %s: %w", live.ID(), err))
		}
	}
	return errors.Join(errs...)
}
