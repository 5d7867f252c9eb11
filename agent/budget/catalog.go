package budget

import (
	"math"
	"strings"

	"charm.land/catwalk/pkg/catwalk"
	"charm.land/catwalk/pkg/embedded"
)

// Snapshot names the price list that is built in, for the log.
const Snapshot = "catwalk v0.52.1"

// Entry is what is known of a model.
type Entry struct {
	Price     Price
	Context   int64  // tokens; 0: not known
	MaxOutput int64  // tokens of one answer; 0: not known
	Images    bool   // it takes images
	Source    string // where the price is from
}

// Catalog is the built-in price list. It is immutable after NewCatalog.
type Catalog struct{ models map[string]Entry }

// NewCatalog reads the built-in list.
func NewCatalog() *Catalog {
	c := &Catalog{models: map[string]Entry{}}
	for _, p := range embedded.GetAll() {
		for _, m := range p.Models {
			price, err := PerMillion(m.CostPer1MIn, cached(m), m.CostPer1MOut)
			if err != nil {
				continue // a list that is wrong here is not believed here
			}
			c.models[string(p.ID)+"/"+m.ID] = Entry{
				Price: price, Context: m.ContextWindow, MaxOutput: m.DefaultMaxTokens, Images: m.SupportsImages, Source: Snapshot,
			}
		}
	}
	return c
}

// cached is the price of input that the provider had kept. The list has it
// under one name or the other, and the price of keeping it under the same ones.
func cached(m catwalk.Model) float64 {
	least := m.CostPer1MIn
	for _, p := range []float64{m.CostPer1MInCached, m.CostPer1MOutCached} {
		if p > 0 {
			least = math.Min(least, p)
		}
	}
	return least
}

// Find looks up provider/model. A dated name ("gpt-5-mini-2025-08-07") is also
// found without its date.
func (c *Catalog) Find(name string) (Entry, bool) {
	for n := name; n != ""; n = undated(n) {
		if e, ok := c.models[n]; ok {
			return e, true
		}
	}
	return Entry{}, false
}

func undated(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || strings.Trim(name[i+1:], "0123456789") != "" {
		return ""
	}
	return name[:i]
}
