package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"

	"glovebox/agent"
	"glovebox/store"
)

// logBackend is a Backend on a real log, with a scripted agent: it answers a
// prompt by what stands in it.
type logBackend struct{ log *store.Store }

func (b logBackend) Sessions(ctx context.Context) ([]store.Summary, error) {
	return b.log.Sessions(ctx, store.Filter{})
}

func (b logBackend) Events(ctx context.Context, id string) iter.Seq2[store.Event, error] {
	return b.log.Events(ctx, id, 0)
}

func (b logBackend) Search(ctx context.Context, q store.Query) ([]store.Hit, error) {
	return b.log.Search(ctx, q)
}

func (b logBackend) Note(ctx context.Context, id string, note store.Note) (store.Event, error) {
	note.By = "ada"
	return b.log.Note(ctx, id, note)
}

func (b logBackend) Check(ctx context.Context, id string) (Report, error) {
	audit, err := b.log.Check(ctx, id)
	return Report{Bad: !audit.Intact(), Said: fmt.Sprintf("intact: %v", audit.Intact())}, err
}

func (b logBackend) Export(_ context.Context, id, format string) (Report, error) {
	return Report{}, fmt.Errorf("this backend writes no %s of %s", format, id)
}

func (b logBackend) Import(_ context.Context, path string) (Report, error) {
	_, err := os.Stat(path)
	return Report{Said: "it is there"}, err
}

func (b logBackend) Rerun(_ context.Context, id string, tell func(string)) (Report, error) {
	tell("session " + id + ": " + "looked at again")
	return Report{Said: "1 call: 1 the same"}, nil
}

func (b logBackend) Start(ctx context.Context, resume string, observe func(agent.Update)) (Live, error) {
	first := exampleStarted()
	if resume != "" {
		first.Resumes = &store.Resumes{Session: resume}
	}
	s, err := b.log.Begin(ctx, first, store.CurrentOwner())
	if err != nil {
		return nil, err
	}
	started := s.Started()
	observe(agent.Update{Event: &started})
	observe(agent.Update{Delta: &agent.Delta{Notice: "making the box"}})
	l := &logLive{log: s, observe: observe}
	return l, l.record(ctx, exampleBox())
}

type logLive struct {
	log     *store.Session
	observe func(agent.Update)
}

func (l *logLive) ID() string { return l.log.ID() }

func (l *logLive) record(ctx context.Context, bodies ...store.Body) error {
	for _, body := range bodies {
		e, err := l.log.Append(ctx, body)
		if err != nil {
			return err
		}
		l.observe(agent.Update{Event: &e})
	}
	return nil
}

func (l *logLive) Prompt(ctx context.Context, text string) error {
	if err := l.record(ctx, store.Prompt{Text: text}, store.ModelRequest{Turn: 1, Through: 3}); err != nil {
		return err
	}
	switch {
	case strings.Contains(text, "panic"):
		panic("the backend broke")
	case strings.Contains(text, "unreachable"):
		return errors.New("the model endpoint cannot be reached: connection refused; is it running?")
	case strings.Contains(text, "wait"):
		return l.wait(ctx)
	}
	for _, piece := range strings.SplitAfter("Let me look at the data first.", " ") {
		l.observe(agent.Update{Delta: &agent.Delta{Text: piece}})
	}
	if err := l.record(ctx, exampleTurn()...); err != nil {
		return err
	}
	l.observe(agent.Update{Output: &agent.Output{CallID: "c1", Chunk: "DATA.md\n"}})
	return l.record(ctx, exampleResult(), store.ModelRequest{Turn: 2, Through: 8}, exampleAnswer())
}

// wait runs a tool call that only ends by an interruption.
func (l *logLive) wait(ctx context.Context) error {
	if err := l.record(ctx, exampleTurn()...); err != nil {
		return err
	}
	l.observe(agent.Update{Output: &agent.Output{CallID: "c1", Chunk: "waiting for nothing\n"}})
	<-ctx.Done()
	if err := l.record(context.WithoutCancel(ctx), store.Interrupted{By: "user"}); err != nil {
		return err
	}
	return ctx.Err()
}

func (l *logLive) Close(ctx context.Context) error {
	return l.record(ctx, store.BoxDestroyed{Box: "glovebox-1", Reason: "done"}, store.SessionEnded{Status: "done"})
}

func exampleStarted() store.SessionStarted {
	return store.SessionStarted{
		Program: "test", Model: "script:demo", Rigor: "standard",
		Recipe: &store.Recipe{Schema: "shop", Seed: 42, Rows: 1000},
	}
}

func exampleBox() store.BoxCreated {
	return store.BoxCreated{
		Box: "glovebox-1", Container: "4f1e", Image: "auto", ImageDigest: "sha256:9c1b2d", Runtime: "runc",
		Engine: "podman 4.3.1 rootless", UID: 20001, ReadyMS: 84,
		Seal: []store.Proof{
			{Probe: "loopback only", Layer: "network", Verdict: "PASS", Evidence: "interfaces: lo"},
			{Probe: "no host files", Layer: "data", Verdict: "PASS", Evidence: "no host mount"},
			{Probe: "no capabilities", Layer: "execution", Verdict: "PASS", Evidence: "CapEff 0"},
		},
		Limits: []store.Limit{{Name: "memory", Value: "512 MiB", Enforced: "cgroup"}},
	}
}

func exampleTurn() []store.Body {
	args := `{"command":"ls -la /data"}`
	return []store.Body{
		store.ModelResponse{
			Turn: 1, Text: "Let me look at the data first.", Reasoning: "The person wants customers.\nI should look at the files.",
			ToolCalls:    []store.CallSpec{{ID: "c1", Name: "shell", Arguments: args}},
			FinishReason: "tool_calls", Usage: &store.Usage{Input: 900, Output: 40}, FirstTokenMS: 80, DurationMS: 400,
		},
		store.Decision{CallID: "c1", Tool: "shell", Verdict: "allow", By: "policy"},
		store.ToolCall{CallID: "c1", Tool: "shell", Arguments: json.RawMessage(args)},
	}
}

func exampleResult() store.ToolResult {
	zero := 0
	return store.ToolResult{CallID: "c1", Tool: "shell", Exit: &zero, Stdout: "DATA.md\nshop.db\n", DurationMS: 12.4}
}

func exampleAnswer() store.ModelResponse {
	return store.ModelResponse{
		Turn: 2, Text: "There are **two** files:\n\n- `shop.db`, the database\n- `DATA.md`, what is in it",
		FinishReason: "stop", Usage: &store.Usage{Input: 1100, Output: 60}, FirstTokenMS: 60, DurationMS: 300,
	}
}
