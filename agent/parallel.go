package agent

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"

	"glovebox/agent/policy"
	"glovebox/store"
)

// maxAtOnce is how many calls of one answer run at the same time. A box has one
// processor, as a rule.
const maxAtOnce = 8

// serve serves the calls of an answer, in their order: one after the other,
// but for those next to each other that only read. They run at the same time.
//
// Each call is decided on and recorded before it begins, and their results are
// recorded in the order of the calls, whichever is ready first: what is in the
// log does not depend on how fast a box is.
func (a *Agent) serve(ctx context.Context, resp store.ModelResponse) error {
	calls := make([]decided, len(resp.ToolCalls))
	for i, c := range resp.ToolCalls {
		calls[i].call = c
		calls[i].decision, calls[i].plan = a.cfg.Tools.decide(c)
		calls[i].cut = resp.FinishReason == "length" && i == len(calls)-1
		calls[i].approve = a.cfg.Approve
	}
	return a.serveAll(ctx, calls)
}

// serveAll serves calls that were decided on.
func (a *Agent) serveAll(ctx context.Context, calls []decided) error {
	for len(calls) > 0 {
		n := a.together(calls)
		if err := a.batch(ctx, calls[:n]); err != nil {
			return err
		}
		calls = calls[n:]
	}
	return nil
}

// decided is a call, what policy makes of it, and in the end what came of it.
type decided struct {
	call     store.CallSpec
	decision store.Decision
	plan     plan
	cut      bool     // at the model's output limit
	approve  Approver // who is asked; nil: nobody

	admitted bool
	res      store.ToolResult
	end      error
}

// together is how many of calls, from the first, run at the same time: those
// that read, that policy simply allows, and of which no two are the same. It
// depends on nothing but the calls and what was recorded.
func (a *Agent) together(calls []decided) int {
	if a.cfg.Limits.OutputBytes > 0 { // it is checked before each
		return 1
	}
	seen := map[string]bool{}
	for i, c := range calls {
		key := c.call.Name + "\x00" + c.call.Arguments
		if i == maxAtOnce || c.decision.Verdict != policy.Allow || !c.plan.reads() || seen[key] {
			return max(i, 1)
		}
		seen[key] = true
	}
	return len(calls)
}

// reads says whether a call changes nothing, neither in the box nor elsewhere,
// so that its place among others of its kind is no matter.
func (p plan) reads() bool {
	return p.tool.name == "read_file" || p.tool.name == "sql" && onlySelects(p.args.str("query"))
}

var (
	selects = regexp.MustCompile(`(?i)^\s*(select|values|with|explain)\b`)
	// changes are how a statement that begins so can change something, in
	// SQLite or its shell. They may stand in a text, too: then a query waits for
	// its turn, and no harm is done.
	changes = regexp.MustCompile(`(?i)\b(insert|update|delete|replace\s+into|writefile|edit|load_extension|fts3_tokenizer)\b|(?m:^\s*\.)`)
)

func onlySelects(query string) bool {
	for statement := range strings.SplitSeq(query, ";") {
		if strings.TrimSpace(statement) != "" && !selects.MatchString(statement) {
			return false
		}
	}
	return !changes.MatchString(query)
}

// batch runs calls at the same time.
func (a *Agent) batch(ctx context.Context, calls []decided) (stop error) {
	var going sync.WaitGroup
	for i := range calls {
		c := &calls[i]
		if c.plan, c.admitted, stop = a.admit(ctx, *c); stop != nil {
			break
		}
		if c.admitted {
			going.Go(func() { c.res, c.end = a.run(ctx, c.call, c.plan) })
		}
	}
	going.Wait()
	for _, c := range calls {
		if !c.admitted {
			continue
		}
		if err := a.passResult(ctx, &c.res); err != nil {
			return err
		}
		if err := a.record(ctx, c.res); err != nil {
			return err
		}
		if stop == nil || errors.Is(c.end, ErrBoxLost) {
			stop = errors.Join(stop, c.end)
		}
	}
	return stop
}
