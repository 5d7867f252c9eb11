package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"glovebox/agent/budget"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newModelsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "models",
		Short: "List what the model endpoint offers, with prices where known",
		Long: `List what the model endpoint offers. It is also how to see whether the endpoint
and the key work: it costs nothing. Prices are in USD per million tokens.`,
		Example: `  glovebox models
  glovebox models --model ollama/any
  glovebox models --model groq/any --json`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listModels(cmd.Context()) },
	}
}

// offer is one line of the list.
type offer struct {
	Model   string   `json:"model"`
	Input   *float64 `json:"input_usd_per_million"` // nil: not known
	Output  *float64 `json:"output_usd_per_million"`
	Context int64    `json:"context,omitempty"`
	Source  string   `json:"price_source"`
}

func (a *app) listModels(ctx context.Context) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	name, err := c.modelName()
	if err != nil {
		return err
	}
	m, stop, err := openModel(ctx, name, os.Getenv)
	if err != nil {
		return err
	}
	defer stop()
	asking, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ids, err := m.Models(asking)
	if err != nil {
		return explain(err)
	}
	c.Limits.CostUSD, c.Limits.Day.CostUSD = 0, 0 // to look at a price is not to pay it
	offers := make([]offer, len(ids))
	for i, id := range ids {
		cost, price, err := c.cost(providerOf(name)+"/"+id, m.Endpoint())
		if err != nil {
			return err
		}
		offers[i] = offer{Model: providerOf(name) + "/" + id, Context: cost.Context, Source: price.Source}
		if price.Source != "unknown" {
			in, out := perMillion(price.Input), perMillion(price.Output)
			offers[i].Input, offers[i].Output = &in, &out
		}
	}
	if a.flags.json {
		for _, o := range offers {
			if err := a.printJSON(o); err != nil {
				return err
			}
		}
		return nil
	}
	return a.writeOffers(offers)
}

func perMillion(pico int64) float64 { return float64(pico) / (budget.PicoUSD / 1e6) }

func (a *app) writeOffers(offers []offer) error {
	var t table
	t.add("MODEL", "INPUT", "OUTPUT", "CONTEXT", "PRICE FROM")
	for _, o := range offers {
		in, out, context := "?", "?", "?"
		if o.Input != nil {
			in, out = fmt.Sprintf("$%g", *o.Input), fmt.Sprintf("$%g", *o.Output)
		}
		if o.Context > 0 {
			context = fmt.Sprint(o.Context)
		}
		t.add(store.CleanLine(o.Model), in, out, context, o.Source)
	}
	return t.write(a.out, a.screenWidth())
}
