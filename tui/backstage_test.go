package tui

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"glovebox/agent"
	"glovebox/store"
)

// slowBackend starts sessions when it is told to, and counts those that are open.
type slowBackend struct {
	Backend // nothing else is asked for

	began, finish chan struct{}
	mu            sync.Mutex
	open          int
}

func (b *slowBackend) Sessions(context.Context) ([]store.Summary, error) { return nil, nil }

func (b *slowBackend) Events(context.Context, string) iter.Seq2[store.Event, error] {
	return func(func(store.Event, error) bool) {}
}

func (b *slowBackend) Start(context.Context, string, func(agent.Update)) (Live, error) {
	close(b.began)
	<-b.finish
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	return slowLive{b}, nil
}

type slowLive struct{ b *slowBackend }

func (l slowLive) ID() string                                 { return "slow" }
func (l slowLive) Prompt(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }

func (l slowLive) Close(ctx context.Context) error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.open--
	return ctx.Err()
}

// TestBoxThatComesTooLateIsDestroyed: the workbench is left while a session
// starts, and the start succeeds all the same.
func TestBoxThatComesTooLateIsDestroyed(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // other tests' highlighting keeps a clock for a moment
	ctx, stop := context.WithCancel(context.Background())
	b := &slowBackend{began: make(chan struct{}), finish: make(chan struct{})}
	work := &backstage{ctx: ctx, backend: b, open: map[Live]bool{}}
	s := &session{pane: newPane(&desk{work: work, th: newTheme(true)}), updates: newMailbox()}
	done := make(chan struct{}, 2)
	for _, cmd := range []func(){func() { s.begin()() }, func() { s.pump()() }} {
		go func() { cmd(); done <- struct{}{} }()
	}
	<-b.began
	stop()
	closed := make(chan error)
	go func() { closed <- work.closeAll(context.Background()) }()
	close(b.finish)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	<-done
	<-done
	if b.open != 0 {
		t.Errorf("%d sessions are still open", b.open)
	}
	if msg := work.do(func() tea.Msg { t.Error("a command ran after the end"); return nil })(); msg != nil {
		t.Errorf("a command after the end says %v", msg)
	}
}

func TestSessionIsClosedOnce(t *testing.T) {
	b := &slowBackend{began: make(chan struct{}), finish: make(chan struct{})}
	close(b.finish)
	work := &backstage{ctx: context.Background(), backend: b, open: map[Live]bool{}}
	live, err := work.start(work.ctx, "", newMailbox())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := work.end(live); err != nil {
			t.Error(err)
		}
	}
	if err := work.closeAll(work.ctx); err != nil || b.open != 0 {
		t.Errorf("open count %d, %v; want every session closed exactly once", b.open, err)
	}
}

func TestErrorsOfClosingAreReported(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	work := &backstage{ctx: ctx, open: map[Live]bool{slowLive{&slowBackend{}}: true}}
	if err := work.closeAll(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "ending session slow") {
		t.Errorf("closing says %v", err)
	}
}

func TestPanicInACommandBecomesAMessage(t *testing.T) {
	work := &backstage{ctx: context.Background(), open: map[Live]bool{}}
	msg := work.do(func() tea.Msg { panic("the backend broke") })()
	broke, ok := msg.(brokeMsg)
	if !ok || broke.what != "the backend broke" || !strings.Contains(string(broke.stack), "backstage_test.go") {
		t.Fatalf("the message is %v", msg)
	}
	a := newTestApp(80, 24)
	if _, cmd := a.Update(broke); cmd == nil || a.broke == nil {
		t.Error("the workbench goes on after a panic")
	}
}

// TestMailboxLosesNothing: pieces are joined, but all of them arrive, those of
// one text in order.
func TestMailboxLosesNothing(t *testing.T) {
	const senders, pieces = 4, 2000
	m := newMailbox()
	var wg sync.WaitGroup
	for id := range senders {
		wg.Go(func() {
			for i := range pieces {
				m.put(agent.Update{Output: &agent.Output{CallID: fmt.Sprint(id), Chunk: fmt.Sprintf("%d ", i)}})
			}
		})
	}
	go func() { wg.Wait(); m.close() }()
	got := map[string]string{}
	for open := true; open; {
		<-m.ready
		var batch []agent.Update
		batch, open = m.take()
		for _, u := range batch {
			got[u.Output.CallID] += u.Output.Chunk
		}
	}
	var want strings.Builder
	for i := range pieces {
		fmt.Fprintf(&want, "%d ", i)
	}
	for id := range senders {
		if got[fmt.Sprint(id)] != want.String() {
			t.Errorf("sender %d: %d bytes arrived in order, want %d", id, len(got[fmt.Sprint(id)]), want.Len())
		}
	}
	m.put(agent.Update{Delta: &agent.Delta{Text: "late"}})
	if batch, open := m.take(); len(batch) != 0 || open {
		t.Error("a closed mailbox took something")
	}
}

func TestMailboxJoinsOnlyWhatBelongsTogether(t *testing.T) {
	text := func(s string) agent.Update { return agent.Update{Delta: &agent.Delta{Text: s}} }
	thought := func(s string) agent.Update { return agent.Update{Delta: &agent.Delta{Reasoning: s}} }
	out := func(id, s string, stderr bool) agent.Update {
		return agent.Update{Output: &agent.Output{CallID: id, Chunk: s, Stderr: stderr}}
	}
	event := agent.Update{Event: &store.Event{Seq: 1}}
	m := newMailbox()
	for _, u := range []agent.Update{
		text("a"), text("b"), thought("c"), thought("d"), text("e"), event, text("f"),
		{Delta: &agent.Delta{Tool: "x"}},
		{Delta: &agent.Delta{Tool: "y"}},
		out("1", "g", false), out("1", "h", false), out("1", "i", true), out("2", "j", true),
	} {
		m.put(u)
	}
	var got []string
	batch, _ := m.take()
	for _, u := range batch {
		switch {
		case u.Event != nil:
			got = append(got, "event")
		case u.Delta != nil:
			got = append(got, u.Delta.Text+"|"+u.Delta.Reasoning+"|"+u.Delta.Tool)
		default:
			got = append(got, u.Output.CallID+u.Output.Chunk)
		}
	}
	if want := "ab|| |cd| e|| event f|| ||x ||y 1gh 1i 2j"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", strings.Join(got, " "), want)
	}
}
