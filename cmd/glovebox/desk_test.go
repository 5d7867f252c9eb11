package main

import (
	"strings"
	"testing"

	"glovebox/agent"
	"glovebox/agent/budget"
)

// What is suggested after a limit is understood, and is enough.
func TestRaiseHint(t *testing.T) {
	for _, over := range []budget.Over{
		{Limit: "turns", Value: 50, Max: 50},
		{Limit: "tool_calls", Value: 200, Max: 200},
		{Limit: "tokens", Value: 199_000, Max: 200_000, Needs: 6161},
		{Limit: "tokens_in", Max: 1_234_567, Needs: 3_000_001},
		{Limit: "tokens_out", Value: 7, Max: 7},
		{Limit: "cost_usd", Value: 0.0123, Max: 0.01, Needs: 0.0301},
		{Limit: "wall", Value: 900.5, Max: 900},
		{Limit: "working", Value: 60, Max: 60},
		{Limit: "output_bytes", Value: 1 << 40, Max: 1 << 40},
		{Limit: "repeats", Value: 6, Max: 6},
	} {
		for _, of := range []string{"", "day"} {
			l := &agent.LimitError{Over: over, Of: of}
			_, raise, _ := strings.Cut(raiseHint(l), "--raise ")
			c := defaultConfig()
			if of == "day" && over.Limit != "turns" && over.Limit != "tokens" && over.Limit != "cost_usd" {
				continue // there is no such limit
			}
			if err := c.raise([]string{raise}); err != nil {
				t.Errorf("%v: %s: %v", over, raise, err)
				continue
			}
			got := map[string]float64{
				"turns": float64(c.Limits.Turns), "tool_calls": float64(c.Limits.ToolCalls), "tokens": float64(c.Limits.Tokens),
				"tokens_in": float64(c.Limits.TokensIn), "tokens_out": float64(c.Limits.TokensOut), "cost_usd": c.Limits.CostUSD,
				"wall": c.Limits.limits().Wall.Seconds(), "working": c.Limits.limits().Working.Seconds(),
				"output_bytes": float64(c.Limits.OutputBytes), "repeats": float64(c.Limits.Repeats),
			}[over.Limit]
			if of == "day" {
				got = map[string]float64{"turns": float64(c.Limits.Day.Turns), "tokens": float64(c.Limits.Day.Tokens), "cost_usd": c.Limits.Day.CostUSD}[over.Limit]
			}
			if got < over.Value+over.Needs || got < over.Max {
				t.Errorf("%v: %s is %v", over, raise, got)
			}
			if strings.Contains(l.Error(), "e+") {
				t.Errorf("it is told as %s", l)
			}
		}
	}
}
