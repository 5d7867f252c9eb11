// Package budget bounds what sessions spend: turns, calls, tokens, money, time
// and output. What a call may cost at worst is reserved before it is made, and
// every decision is a pure function of what was recorded, so that the same log
// always decides alike.
//
// Money is counted in whole picodollars (10⁻¹² USD): sums are exact. Begin with
// Limits.Ask.
package budget

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// PicoUSD is how many of the units in which money is counted make a dollar.
const PicoUSD = 1_000_000_000_000

// least is the smallest number of output tokens worth asking a model for.
const least = 64

// Price is what a model costs, in picodollars a token.
type Price struct{ Input, Cached, Output int64 }

// PerMillion makes a price of dollars per million tokens, as price lists have
// it: from 0 to 10,000, rounded up to the sixth digit.
func PerMillion(input, cached, output float64) (Price, error) {
	var p Price
	for usd, to := range map[*float64]*int64{&input: &p.Input, &cached: &p.Cached, &output: &p.Output} {
		if !(*usd >= 0 && *usd <= 10_000) {
			return Price{}, fmt.Errorf("a price of %g USD per million tokens; it must be from 0 to 10000", *usd)
		}
		*to = int64(math.Ceil(*usd*1e6 - 1e-6))
	}
	return p, nil
}

// Cost is exact. cached is a part of input.
func (p Price) Cost(input, cached, output int64) int64 {
	return (input-cached)*p.Input + cached*p.Cached + output*p.Output
}

// worst is the highest price of an input token.
func (p Price) worst() int64 { return max(p.Input, p.Cached) }

// Limits bound what may be spent. Zero means no limit.
type Limits struct {
	Turns       int64 // requests to the model
	ToolCalls   int64 // calls that ran
	Tokens      int64 // input and output
	TokensIn    int64
	TokensOut   int64
	Pico        int64         // money, in picodollars
	Wall        time.Duration // time spent on prompts, waiting for a person included
	Working     time.Duration // without that waiting
	OutputBytes int64         // what tools printed, before it was cut
}

// Spent is what was spent, as recorded.
type Spent struct {
	Turns, ToolCalls, In, Out, Pico, OutputBytes int64
	Wall, Working                                time.Duration
}

// Over says which limit would be passed.
type Over struct {
	Limit string  // its key in the configuration
	Value float64 // spent so far, in the key's unit
	Max   float64
	Needs float64 // what the next call may need at least; 0: the limit is reached already
}

func (e *Over) Error() string { return fmt.Sprintf("%s: %g of %g", e.Limit, e.Value, e.Max) }

// Ask is asked before a request to a model. input is the most tokens that it
// can have, most the longest answer that the model can give. It returns how
// many tokens of answer can be afforded, at most most.
func (l Limits) Ask(s Spent, p Price, input, most int64) (output int64, over *Over) {
	if over := l.time(s); over != nil {
		return 0, over
	}
	if l.Turns > 0 && s.Turns >= l.Turns {
		return 0, &Over{"turns", float64(s.Turns), float64(l.Turns), 0}
	}
	output = most
	fits := func(key string, limit, spent, price, outPrice int64, unit float64) *Over {
		if limit <= 0 {
			return nil
		}
		left := limit - spent - input*price
		if outPrice > 0 {
			output = min(output, left/outPrice)
		}
		if left < 0 || outPrice > 0 && left/outPrice < min(least, most) {
			return &Over{key, float64(spent) / unit, float64(limit) / unit, float64(input*price+min(least, most)*outPrice) / unit}
		}
		return nil
	}
	for _, over := range []*Over{
		fits("tokens", l.Tokens, s.In+s.Out, 1, 1, 1),
		fits("tokens_in", l.TokensIn, s.In, 1, 0, 1),
		fits("tokens_out", l.TokensOut, s.Out, 0, 1, 1),
		fits("cost_usd", l.Pico, s.Pico, p.worst(), p.Output, PicoUSD),
	} {
		if over != nil {
			return 0, over
		}
	}
	return output, nil
}

// Passed says which limit was passed; nil: none. What just reaches one is fine.
func (l Limits) Passed(s Spent) *Over {
	for _, c := range []struct {
		key          string
		spent, limit int64
		unit         float64
	}{
		{"turns", s.Turns, l.Turns, 1},
		{"tokens", s.In + s.Out, l.Tokens, 1},
		{"tokens_in", s.In, l.TokensIn, 1},
		{"tokens_out", s.Out, l.TokensOut, 1},
		{"cost_usd", s.Pico, l.Pico, PicoUSD},
	} {
		if c.limit > 0 && c.spent > c.limit {
			return &Over{c.key, float64(c.spent) / c.unit, float64(c.limit) / c.unit, 0}
		}
	}
	return nil
}

// Call is asked before a tool call.
func (l Limits) Call(s Spent) *Over {
	switch {
	case l.ToolCalls > 0 && s.ToolCalls >= l.ToolCalls:
		return &Over{"tool_calls", float64(s.ToolCalls), float64(l.ToolCalls), 0}
	case l.OutputBytes > 0 && s.OutputBytes >= l.OutputBytes:
		return &Over{"output_bytes", float64(s.OutputBytes), float64(l.OutputBytes), 0}
	}
	return l.time(s)
}

func (l Limits) time(s Spent) *Over {
	switch {
	case l.Wall > 0 && s.Wall >= l.Wall:
		return &Over{"wall", s.Wall.Seconds(), l.Wall.Seconds(), 0}
	case l.Working > 0 && s.Working >= l.Working:
		return &Over{"working", s.Working.Seconds(), l.Working.Seconds(), 0}
	}
	return nil
}

// Pool is one budget that several sessions share, a batch for example. It is
// safe for concurrent use: what one session has reserved no other can spend.
type Pool struct {
	mu     sync.Mutex
	limits Limits
	spent  Spent
	held   Spent
}

// NewPool makes a pool that has spent so much already.
func NewPool(l Limits, s Spent) *Pool { return &Pool{limits: l, spent: s} }

// Reserve is Limits.Ask, and keeps the worst case until settle is called, once,
// with what it came to.
func (p *Pool) Reserve(price Price, input, most int64) (output int64, settle func(Spent), over *Over) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.spent
	all.Turns += p.held.Turns
	all.In += p.held.In
	all.Out += p.held.Out
	all.Pico += p.held.Pico
	output, over = p.limits.Ask(all, price, input, most)
	if over != nil {
		return 0, nil, over
	}
	hold := Spent{Turns: 1, In: input, Out: output, Pico: input*price.worst() + output*price.Output}
	p.held = sum(p.held, hold, 1)
	return output, func(came Spent) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held, p.spent = sum(p.held, hold, -1), sum(p.spent, came, 1)
	}, nil
}

// Spent is what was settled so far.
func (p *Pool) Spent() Spent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spent
}

func sum(a, b Spent, sign int64) Spent {
	a.Turns += sign * b.Turns
	a.ToolCalls += sign * b.ToolCalls
	a.In += sign * b.In
	a.Out += sign * b.Out
	a.Pico += sign * b.Pico
	a.OutputBytes += sign * b.OutputBytes
	return a
}
