package agent

import (
	"context"
	"encoding/json"
	"time"

	"glovebox/agent/budget"
	"glovebox/store"
)

// usualOutput is the longest answer that is reckoned with where nothing is
// known of the model.
const usualOutput = 32 << 10

// perMessage is what a message's own marks may take, in tokens.
const perMessage = 16

// Limits bound one session, over all its prompts. Zero means no limit.
type Limits = budget.Limits

// Cost is what is known of the model's price.
type Cost struct {
	Price     budget.Price
	Notional  bool  // nobody is paid
	MaxOutput int64 // tokens of the longest answer; 0: not known
	Context   int64 // tokens that the model can read and write; 0: not known
}

// Budget is one more limit than the session's own, such as the day's.
type Budget struct {
	Of     string // day, batch
	Limits Limits
	Spent  func(ctx context.Context) (budget.Spent, error) // by all sessions, with what they have reserved, this one included, from the log
	Pool   *budget.Pool                                    // instead of Spent: what sessions of this process share
}

// spent is what the session has used up, from recorded values only, so that
// the same log always decides alike.
type spent struct {
	budget.Spent
	begun, last time.Time // of the current prompt
	before      time.Duration
	waited      time.Duration // for a person

	wild    bool  // the server has counted more than there can be: nothing is concluded from it
	known   int64 // tokens that the last answered request and its answer had
	through int   // number of events up to which known counts
	reserve *store.Charge
}

// add counts the last of events.
func (s *spent) add(events []store.Event) {
	e := events[len(events)-1]
	s.last = e.At
	switch b := e.Body.(type) {
	case store.Prompt:
		if len(events) > 1 && !s.begun.IsZero() {
			s.before += max(events[len(events)-2].At.Sub(s.begun), 0)
		}
		s.begun = e.At
	case store.ModelRequest:
		s.Turns++
		s.reserve = b.Reserved
	case store.Compacted:
		s.known = 0
	case store.ToolCall:
		s.ToolCalls++
	case store.ToolResult:
		s.OutputBytes = plus(plus(s.OutputBytes, int64(len(b.Stdout)+len(b.Stderr))), plus(b.StdoutCut, b.StderrCut))
	case store.Decision:
		s.waited += time.Duration(min(max(b.WaitMS, 0), 1e12) * float64(time.Millisecond))
	case store.ModelResponse:
		s.answered(events, b)
	}
	s.Wall = s.before
	if !s.begun.IsZero() {
		s.Wall += max(s.last.Sub(s.begun), 0) // a clock may be set back
	}
	s.waited = min(s.waited, s.Wall) // what a log from elsewhere says beyond that would be taken off what comes
	s.Working = s.Wall - s.waited
}

// plus adds up what was spent. A log from elsewhere may say anything: from a
// point on it is only more than any limit, and does not wrap around to less.
func plus(a, b int64) int64 { return min(a, 1<<60) + min(b, 1<<60) }

func (s *spent) answered(events []store.Event, b store.ModelResponse) {
	if b.Charge != nil && s.reserve != nil && b.Charge.Input > s.reserve.Input {
		s.wild = true
	}
	s.reserve = nil
	switch {
	case b.Charge != nil:
		s.In, s.Out = plus(s.In, b.Charge.Input), plus(s.Out, b.Charge.Output)
		if !b.Charge.Notional {
			s.Pico = plus(s.Pico, b.Charge.PicoUSD)
		}
	case b.Usage != nil:
		s.In, s.Out = plus(s.In, int64(b.Usage.Input)), plus(s.Out, int64(b.Usage.Output))
	default:
		in, out := estimate(Conversation(events[:len(events)-1]), b)
		s.In, s.Out = s.In+in, s.Out+out
	}
	if b.Usage != nil && !b.Partial {
		s.known, s.through = int64(b.Usage.Input+b.Usage.Output), len(events)
	}
}

// estimate stands in for a usage that the server did not report, and that
// nobody is paid for: a quarter of the characters.
func estimate(input []Message, r store.ModelResponse) (in, out int64) {
	return size(input) / 4, size([]Message{{Text: r.Text + r.Reasoning, ToolCalls: r.ToolCalls}}) / 4
}

// imageTokens is more than any known model takes an image for.
const imageTokens = 50_000

// size is the bytes that messages hold. An image counts as what it is at worst
// for a model, not as its file.
func size(messages []Message) int64 {
	n := 0
	for _, m := range messages {
		n += len(m.Text) + len(m.Images)*imageTokens
		for _, c := range m.ToolCalls {
			n += len(c.Name) + len(c.Arguments)
		}
	}
	return int64(n)
}

// charge is what an answer costs. Where the server does not say and money is
// paid, the most that it can be is charged.
func (a *Agent) charge(req store.ModelRequest, r store.ModelResponse) *store.Charge {
	p := a.cfg.Cost.Price
	c := &store.Charge{Notional: a.cfg.Cost.Notional}
	switch {
	case r.Usage != nil:
		c.Input, c.Output = int64(r.Usage.Input), int64(r.Usage.Output)
		c.PicoUSD = p.Cost(c.Input, int64(r.Usage.Cached), c.Output)
		return c
	case p == budget.Price{} || req.Reserved == nil:
		c.Input, c.Output = estimate(Conversation(a.events), r)
	default:
		c.Input = req.Reserved.Input
		c.Output = min(req.Reserved.Output, size([]Message{{Text: r.Text + r.Reasoning, ToolCalls: r.ToolCalls}})+perMessage)
	}
	c.Estimated, c.PicoUSD = true, p.Cost(c.Input, 0, c.Output)
	return c
}

// worst is the most tokens that a request can have: no token is shorter than a
// byte. What the last answered request had is known; it is a part of this one.
func (a *Agent) worst(req Request) int64 {
	if s := a.spent; s.known > 0 && !s.wild {
		before := Conversation(a.events[:s.through])
		more := int64(len(req.Messages) - len(before))
		if last, ok := a.events[s.through-1].Body.(store.ModelResponse); ok { // before has a word on each of its calls
			more += int64(len(last.ToolCalls)) * (1 + int64(len(notRun))/perMessage)
		}
		return s.known + max(size(req.Messages)-size(before), 0) + max(more+1, 1)*perMessage
	}
	tools, err := json.Marshal(req.Tools)
	if err != nil {
		panic(err) // made by us
	}
	return int64(len(req.System)+len(tools)) + size(req.Messages) + int64(len(req.Messages)+len(req.Tools)+1)*perMessage
}

// mayAsk reserves what a request may cost at worst. output is the most tokens
// to ask for, 0: no need to say. settle takes what it came to.
func (a *Agent) mayAsk(ctx context.Context, req Request) (reserved *store.Charge, output int64, settle func(*store.Charge), err error) {
	price, in := a.cfg.Cost.Price, a.worst(req)
	if a.cfg.Cost.Notional { // nobody is paid
		price = budget.Price{}
	}
	most := a.cfg.Cost.MaxOutput
	if most <= 0 {
		most = usualOutput
	}
	output, over := a.cfg.Limits.Ask(a.spent.Spent, price, in, most)
	if over != nil {
		return nil, 0, nil, &LimitError{Over: *over}
	}
	var settles []func(budget.Spent)
	settle = func(c *store.Charge) {
		came := budget.Spent{Turns: 1}
		if c != nil {
			came.In, came.Out, came.Pico = c.Input, c.Output, c.PicoUSD
		}
		for _, s := range settles {
			s(came)
		}
	}
	for _, b := range a.cfg.Budgets {
		var out int64
		switch {
		case b.Pool != nil:
			var done func(budget.Spent)
			if out, done, over = b.Pool.Reserve(price, in, output); over == nil {
				settles = append(settles, done)
			}
		default:
			s, err := b.Spent(ctx)
			if err != nil {
				settle(nil)
				return nil, 0, nil, &logError{err}
			}
			out, over = b.Limits.Ask(s, price, in, output)
		}
		if over != nil {
			settle(nil)
			return nil, 0, nil, &LimitError{Over: *over, Of: b.Of}
		}
		output = min(output, out)
	}
	reserved = &store.Charge{Input: in, Output: output, PicoUSD: price.Cost(in, 0, output), Notional: a.cfg.Cost.Notional, Estimated: true}
	if output == most {
		return reserved, 0, settle, nil
	}
	return reserved, output, settle, nil
}

// stillFits looks at the budgets that other sessions spend as well, once what
// this one may need is recorded: of two that ask at the same time, at least one
// sees the other.
func (a *Agent) stillFits(ctx context.Context) error {
	for _, b := range a.cfg.Budgets {
		if b.Spent == nil {
			continue
		}
		s, err := b.Spent(ctx)
		if err != nil {
			return &logError{err}
		}
		if over := b.Limits.Passed(s); over != nil {
			return &LimitError{Over: *over, Of: b.Of}
		}
	}
	return nil
}

// mayCall is asked before a tool call is spent.
func (a *Agent) mayCall() error {
	if over := a.cfg.Limits.Call(a.spent.Spent); over != nil {
		return &LimitError{Over: *over}
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
	cause := &LimitError{Over: budget.Over{Limit: "wall", Value: limit.Seconds(), Max: limit.Seconds()}}
	return context.WithTimeoutCause(ctx, limit-a.spent.Wall, cause)
}
