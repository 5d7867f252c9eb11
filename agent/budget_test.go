package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"glovebox/agent/budget"
	"glovebox/store"
)

// payable is a server that bills as servers do: never more input than bytes
// sent, never more output than was asked for.
type payable struct {
	random *rand.Rand
	share  int64 // tokens for 100 bytes: one text has always as many
	size   int64 // of the longest answer, where nothing is asked for
	bills  []store.Usage
}

func (p *payable) draw(least, most int64) int64 { return least + p.random.Int64N(max(most-least, 0)+1) }

func (p *payable) serve(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Messages  json.RawMessage
			Tools     json.RawMessage
			MaxTokens int64 `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			t.Errorf("%v", err)
		}
		most := p.size
		if req.MaxTokens > 0 {
			most = min(most, req.MaxTokens)
		}
		// A token is at least a byte of what is said; a server adds a little for each message.
		said := int64(0)
		var messages []struct{ Content string }
		if err := json.Unmarshal(req.Messages, &messages); err != nil {
			t.Errorf("%v", err)
		}
		for _, m := range messages {
			said += int64(len(m.Content)) + 4
		}
		in := max((said+int64(len(req.Tools))/2)*p.share/100, 1)
		u := store.Usage{Input: int(in), Output: int(p.draw(0, most)), Cached: int(p.draw(0, in))}
		p.bills = append(p.bills, u)
		events := []string{delta(`{"tool_calls":[{"function":{"name":"shell","arguments":"{\"command\":\"echo x\"}"}}]}`), finish("tool_calls")}
		if p.draw(0, 9) == 0 {
			events = []string{delta(`{"content":"done"}`), finish("stop")}
		}
		sse(append(events, fmt.Sprintf(`data: {"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d}}}`,
			u.Input, u.Output, u.Cached), "data: [DONE]")...)(w, r)
	}
}

// Whatever models cost and servers bill: no limit is passed, the recorded sum
// is exact to the picodollar, and what was recorded decides alike again.
func TestBudgetsAreNeverOverrun(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string, least, most int64) int64 {
			return rapid.Int64Range(least, max(least, most)).Draw(rt, label)
		}
		price := budget.Price{Input: draw("price in", 0, 30e6), Output: draw("price out", 0, 150e6)}
		price.Cached = draw("price cached", 0, price.Input)
		server := &payable{share: draw("tokens for 100 bytes", 1, 100), random: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)), size: draw("longest answer", 1, 5000)}
		limits := Limits{Turns: draw("turns", 1, 12)}
		for _, l := range []*int64{&limits.Tokens, &limits.TokensIn, &limits.TokensOut} {
			*l = draw("limit", 0, 1) * draw("limit", 1, 40_000)
		}
		limits.Pico = draw("money", 0, 1) * draw("money", 1, budget.PicoUSD/2)
		b := newBench(t, newServer(t, server.serve(t)), func(c *Config) {
			c.Limits, c.Cost = limits, Cost{Price: price, MaxOutput: server.size}
		})
		err := b.Prompt(t.Context(), "go")
		var limit *LimitError
		if err != nil && !errors.As(err, &limit) {
			rt.Fatal(err)
		}
		var in, out, pico int64
		for _, u := range server.bills {
			in, out = in+int64(u.Input), out+int64(u.Output)
			pico += price.Cost(int64(u.Input), int64(u.Cached), int64(u.Output))
		}
		got := b.spent.Spent
		if got.In != in || got.Out != out || got.Pico != pico || got.Turns != int64(len(server.bills)) {
			rt.Errorf("recorded %+v, billed %d in, %d out, %d", got, in, out, pico)
		}
		for what, v := range map[string][2]int64{
			"turns": {got.Turns, limits.Turns}, "tokens": {in + out, limits.Tokens}, "tokens in": {in, limits.TokensIn},
			"tokens out": {out, limits.TokensOut}, "money": {pico, limits.Pico},
		} {
			if v[1] > 0 && v[0] > v[1] {
				rt.Errorf("%s: %d of %d", what, v[0], v[1])
			}
		}
		// Again from the log alone.
		var again spent
		events := b.events()
		for i := range events {
			again.add(events[:i+1])
		}
		if diff := cmp.Diff(b.spent.Spent, again.Spent); diff != "" {
			rt.Error(diff)
		}
		for i, e := range events {
			r, ok := e.Body.(store.ModelResponse)
			if !ok {
				continue
			}
			asked := events[i-1].Body.(store.ModelRequest)
			if r.Charge.Input > asked.Reserved.Input || r.Charge.Output > asked.Reserved.Output || r.Charge.PicoUSD > asked.Reserved.PicoUSD {
				rt.Errorf("reserved %+v, charged %+v", asked.Reserved, r.Charge)
			}
		}
	})
}

// Sessions that share a pool never spend more than it has, however they interleave.
func TestPoolIsNeverOverrun(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limits := Limits{
			Turns: rapid.Int64Range(1, 50).Draw(rt, "turns"), Tokens: rapid.Int64Range(1, 100_000).Draw(rt, "tokens"),
			Pico: rapid.Int64Range(1, budget.PicoUSD).Draw(rt, "money"),
		}
		price := budget.Price{Input: rapid.Int64Range(0, 30e6).Draw(rt, "in"), Output: rapid.Int64Range(0, 150e6).Draw(rt, "out")}
		inputs := rapid.SliceOfN(rapid.Int64Range(1, 8000), 1, 40).Draw(rt, "inputs")
		share := rapid.Int64Range(0, 100).Draw(rt, "share")
		pool := budget.NewPool(limits, budget.Spent{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for _, in := range inputs {
					out, settle, over := pool.Reserve(price, in, 4000)
					if over != nil {
						continue
					}
					used := budget.Spent{Turns: 1, In: in, Out: out * share / 100}
					used.Pico = price.Cost(used.In, 0, used.Out)
					settle(used)
				}
			}()
		}
		wg.Wait()
		s := pool.Spent()
		if s.Turns > limits.Turns || s.In+s.Out > limits.Tokens || s.Pico > limits.Pico {
			rt.Errorf("%+v of %+v", s, limits)
		}
	})
}

// The day's budget counts what other sessions have spent.
func TestDayBudget(t *testing.T) {
	srv := newServer(t, says("x"))
	others := budget.Spent{Pico: budget.PicoUSD - 1000}
	price, err := budget.PerMillion(1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, srv, func(c *Config) {
		c.Cost.Price = price
		c.Budgets = []Budget{{Of: "day", Limits: Limits{Pico: budget.PicoUSD}, Spent: func(context.Context) (budget.Spent, error) { return others, nil }}}
	})
	err = b.Prompt(t.Context(), "go")
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Of != "day" || limit.Limit != "cost_usd" || len(srv.seen()) != 0 {
		t.Fatal(err)
	}
	others.Pico = 0
	if err := b.Prompt(t.Context(), "again"); err != nil {
		t.Fatal(err)
	}
}

// More calls than a minute may have wait for their turn, and say so.
func TestRates(t *testing.T) {
	srv := newServer(t, calls("shell", `{"command":"true"}`, "shell", `{"command":"true"}`, "shell", `{"command":"true"}`), says("x"))
	b := newBench(t, srv, func(c *Config) { c.Rates = Rates{ToolCalls: 600, ModelCalls: 30} })
	began := time.Now()
	b.models.Allow() // two of the three that may come at once
	b.models.Allow()
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	requests := pick[store.ModelRequest](b.events())
	var at []time.Time
	for _, e := range b.events() {
		if _, ok := e.Body.(store.ModelRequest); ok {
			at = append(at, e.At)
		}
	}
	if len(requests) != 2 || at[1].Sub(began) < 1900*time.Millisecond { // however long the first took to come
		t.Errorf("%d requests at %s, %s after the begin", len(requests), at, at[1].Sub(began))
	}
	said := ""
	for _, u := range b.updates {
		if u.Delta != nil {
			said += u.Delta.Notice
		}
	}
	if !strings.Contains(said, "no more model calls a minute") {
		t.Errorf("it said %q", said)
	}
}

// What a local model would cost elsewhere is recorded, and bounds nothing.
func TestNotionalPriceBoundsNothing(t *testing.T) {
	srv := newServer(t, sse(delta(`{"content":"x"}`), finish("stop"), `data: {"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":1000}}`, "data: [DONE]"))
	b := newBench(t, srv, func(c *Config) {
		c.Limits.Pico = 1
		c.Cost = Cost{Price: budget.Price{Input: 1000, Cached: 1000, Output: 1000}, Notional: true}
	})
	if err := b.Prompt(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	if c := pick[store.ModelResponse](b.events())[0].Charge; c.PicoUSD != 2_000_000 || !c.Notional || b.spent.Pico != 0 {
		t.Errorf("%+v, spent %d", c, b.spent.Pico)
	}
}
