package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"glovebox/agent/filter"
	"glovebox/store"
)

// PolicyError says that policy ended the work, or did not let it begin.
type PolicyError struct{ Message string }

func (e *PolicyError) Error() string { return e.Message }

// pass sends text through the filters and records what they did, before the
// text goes anywhere. where is prompt, result, answer or call.
func (a *Agent) pass(ctx context.Context, where, callID string, texts ...*string) (held string, err error) {
	if a.cfg.Filter == nil {
		return "", nil
	}
	var all []filter.Hit
	for _, text := range texts {
		passed, hits, blocked := a.cfg.Filter.Pass(filter.Text{Value: *text, Result: where == "result"})
		*text = passed
		all = append(all, hits...)
		if blocked {
			held = filter.Sum(hits)
		}
	}
	for _, h := range all {
		if err := a.record(ctx, store.Filtered{Where: where, CallID: callID, What: h.Kind, Rule: h.Rule, Action: h.Action, Count: h.Count}); err != nil {
			return held, err
		}
	}
	return held, nil
}

// passPrompt is pass for what a person wrote.
func (a *Agent) passPrompt(ctx context.Context, text *string) error {
	held, err := a.pass(ctx, "prompt", "", text)
	if err == nil && held != "" {
		err = &PolicyError{Message: "the prompt was held back: " + held + "; take that out, or change [filters]"}
	}
	return err
}

// passAnswer is pass for a model's answer: what was redacted is neither
// recorded nor run, and a call that is blocked does not run.
func (a *Agent) passAnswer(ctx context.Context, r *store.ModelResponse) error {
	a.held = map[string]string{}
	held, err := a.pass(ctx, "answer", "", &r.Text, &r.Reasoning)
	if err != nil {
		return err
	}
	if held != "" {
		r.Text, r.Reasoning = "[held back by a filter: "+held+"]", ""
	}
	for i := range r.ToolCalls {
		c := &r.ToolCalls[i]
		var tree any
		var held string
		if json.Unmarshal([]byte(c.Arguments), &tree) != nil {
			held, err = a.pass(ctx, "call", c.ID, &c.Arguments)
		} else {
			held, err = a.passTree(ctx, c, tree)
		}
		if err != nil {
			return err
		}
		if held != "" {
			a.held[c.ID] = held
			c.Arguments = "{}"
		}
	}
	return nil
}

// passTree passes every text in arguments as one: what the model has cut in
// pieces is found in none of them, what it has escaped is.
func (a *Agent) passTree(ctx context.Context, c *store.CallSpec, tree any) (held string, err error) {
	var texts []*string
	var out func(any) any
	out = func(v any) any {
		switch v := v.(type) {
		case string:
			texts = append(texts, &v)
			return &v
		case map[string]any:
			for k := range v {
				v[k] = out(v[k])
			}
		case []any:
			for i := range v {
				v[i] = out(v[i])
			}
		}
		return v
	}
	tree = out(tree)
	before := make([]string, len(texts))
	for i, t := range texts {
		before[i] = *t
	}
	if held, err = a.pass(ctx, "call", c.ID, texts...); err != nil || held != "" {
		return held, err
	}
	for i, t := range texts {
		if before[i] != *t {
			data, err := json.Marshal(tree)
			if err == nil {
				c.Arguments = string(data)
			}
			return "", err
		}
	}
	return "", nil
}

// passResult is pass for what a tool printed.
func (a *Agent) passResult(ctx context.Context, r *store.ToolResult) error {
	before, out, errOut := len(a.events), r.Stdout, r.Stderr
	held, err := a.pass(ctx, "result", r.CallID, &r.Stdout, &r.Stderr, &r.Error)
	if err == nil && held != "" {
		r.Stdout, r.Stderr, r.StdoutCut, r.StderrCut = "", "", 0, 0
		r.Error = fmt.Sprintf("the result was held back by a filter: %s", held)
	}
	found := len(a.events) > before // each hit is an event
	r.StdoutWhole = vouched(r.StdoutWhole, found, r.Stdout != out)
	r.StderrWhole = vouched(r.StderrWhole, found, r.Stderr != errOut)
	return err
}

// vouched is what may be recorded of a whole output after a filter looked through it.
func vouched(w *store.Whole, found, changed bool) *store.Whole {
	if w == nil || changed {
		return nil
	}
	w.Clean = w.Clean && !found
	return w
}

// sieve passes a stream on line by line, as far as the screen may see it.
type sieve struct {
	filter         *filter.Filter
	rest           string
	found, changed bool // something, by it
}

func (s *sieve) next(piece string, end bool) string {
	if s.filter == nil {
		return piece
	}
	s.rest += piece
	cut := strings.LastIndexByte(s.rest, '\n') + 1
	if long := len(s.rest)-cut > 8<<10; end || long {
		cut, s.found = len(s.rest), s.found || long // of what is cut in two neither half is found
	}
	if cut == 0 {
		return ""
	}
	text, hits, blocked := s.filter.Pass(filter.Text{Value: s.rest[:cut]})
	s.found, s.changed = s.found || len(hits) > 0, s.changed || blocked || text != s.rest[:cut]
	s.rest = s.rest[cut:]
	if blocked {
		return ""
	}
	return text
}
