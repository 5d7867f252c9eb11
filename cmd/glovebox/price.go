package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"glovebox/agent"
	"glovebox/agent/budget"
	"glovebox/store"
)

// priceConfig is a price of the person's own, in USD per million tokens.
type priceConfig struct {
	Model  string  `toml:"model" json:"model"` // provider/model, or a pattern with *
	Input  float64 `toml:"input" json:"input"`
	Cached float64 `toml:"cached" json:"cached,omitempty"` // 0: as input
	Output float64 `toml:"output" json:"output"`
	Like   string  `toml:"like" json:"like,omitempty"` // instead: what this model costs, though nobody is paid
}

func (c config) wrongPrices() (string, string) {
	catalog := budget.NewCatalog()
	for i, p := range c.Prices {
		bad := func(format string, a ...any) (string, string) {
			return "price", fmt.Sprintf("price %d: ", i+1) + fmt.Sprintf(format, a...)
		}
		if _, err := path.Match(p.Model, ""); p.Model == "" || err != nil {
			return bad("it needs a model: provider/model, or a pattern such as ollama/*")
		}
		if _, err := budget.PerMillion(p.Input, p.Cached, p.Output); err != nil {
			return bad("%s", err)
		}
		if p.Like != "" {
			if _, known := catalog.Find(p.Like); !known {
				return bad("no price is known of %q", p.Like)
			}
		}
	}
	return "", ""
}

// cost is what is known of a model's price. Where a money limit is set, not to
// know it is an error.
func (c config) cost(name, endpoint string) (agent.Cost, store.Price, error) {
	known, e := false, budget.Entry{Source: "unknown"}
	catalog := budget.NewCatalog()
	if found, ok := catalog.Find(name); ok {
		known, e = true, found
	}
	switch {
	case strings.HasPrefix(name, "script:"):
		known, e = true, budget.Entry{Source: "local"}
	case !known && local(endpoint):
		known, e = true, budget.Entry{Source: "local"}
	}
	notional := false
	for _, p := range c.Prices {
		if match, err := path.Match(p.Model, name); err != nil || !match {
			continue
		}
		if p.Like != "" {
			like, _ := catalog.Find(p.Like)
			known, notional, e.Price, e.Source = true, true, like.Price, like.Source+", as "+p.Like
			continue
		}
		if p.Cached == 0 {
			p.Cached = p.Input
		}
		price, err := budget.PerMillion(p.Input, p.Cached, p.Output)
		if err != nil {
			return agent.Cost{}, store.Price{}, err
		}
		known, notional, e.Price, e.Source = true, false, price, "configuration"
	}
	if !known && (c.Limits.CostUSD > 0 || c.Limits.Day.CostUSD > 0) {
		return agent.Cost{}, store.Price{}, usageError(
			fmt.Sprintf("what %s costs is not known, and limits.cost_usd bounds the money", name),
			`add [[price]] with model = "`+name+`", input and output (USD per million tokens) to glovebox.toml, or set limits.cost_usd = 0`)
	}
	return agent.Cost{Price: e.Price, Notional: notional, MaxOutput: e.MaxOutput, Context: e.Context},
		store.Price{Input: e.Price.Input, Cached: e.Price.Cached, Output: e.Price.Output, Source: e.Source, Notional: notional}, nil
}

// local says whether a server is on this machine or its own network.
func local(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && (addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast())
}

func pico(usd float64) int64 { return int64(usd * budget.PicoUSD) }

// limits of a session, as the agent takes them.
func (l limitsConfig) limits() agent.Limits {
	return agent.Limits{
		Turns: int64(l.Turns), ToolCalls: int64(l.ToolCalls), Tokens: int64(l.Tokens), TokensIn: int64(l.TokensIn), TokensOut: int64(l.TokensOut),
		Pico: pico(l.CostUSD), Wall: time.Duration(l.Wall), Working: time.Duration(l.Working), OutputBytes: int64(l.OutputBytes),
	}
}

// budgets are the limits beyond one session: the day's, by the clock of UTC.
func (d *desk) budgets() []agent.Budget {
	day := d.cfg.Limits.Day
	if day == (dayConfig{}) {
		return nil
	}
	return []agent.Budget{{
		Of:     "day",
		Limits: agent.Limits{Turns: int64(day.Turns), Tokens: int64(day.Tokens), Pico: pico(day.CostUSD)},
		Spent: func(ctx context.Context) (budget.Spent, error) {
			s, err := d.store.Spent(ctx, time.Now().UTC().Truncate(24*time.Hour))
			return budget.Spent{Turns: s.Turns, In: s.Input, Out: s.Output, Pico: s.PicoUSD}, err
		},
	}}
}
