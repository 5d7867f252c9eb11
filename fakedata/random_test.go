package fakedata

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// randomSchema makes up tables of everyday names that refer to each other, and
// themselves, in any way.
func randomSchema(r *rand.Rand) string {
	tables := strings.Fields("customers orders order_items payments products categories tickets ticket_messages reviews accounts cards loans invoices " +
		"invoice_lines addresses shipments users memberships subscriptions tags staff stores rentals inventory films")
	columns := strings.Fields("name title email phone created_at updated_at status price_cents total quantity description paid_at due_on city country amount rating sku")
	var b strings.Builder
	chosen := r.Perm(len(tables))[:2+r.IntN(7)]
	for _, k := range chosen {
		defs := []string{"id INTEGER PRIMARY KEY"}
		for f := range r.IntN(4) {
			to := tables[chosen[r.IntN(len(chosen))]]
			how := []string{"", " NOT NULL", " UNIQUE", " NOT NULL UNIQUE", ""}[r.IntN(5)]
			defs = append(defs, fmt.Sprintf("%s_%d_id INT%s REFERENCES %s", to, f, how, to))
		}
		for _, c := range r.Perm(len(columns))[:r.IntN(7)] {
			defs = append(defs, columns[c]+[]string{" TEXT", " INT"}[boolInt(slices.Contains([]string{"price_cents", "quantity", "rating"}, columns[c]))])
		}
		fmt.Fprintf(&b, "CREATE TABLE %s (%s);\n", tables[k], strings.Join(defs, ", "))
	}
	return b.String()
}

// TestRandomSchemas: whatever refers to what, there is a dataset whose
// references lead somewhere (Generate proves it), or no key can exist.
func TestRandomSchemas(t *testing.T) {
	for seed := range uint64(200) {
		ddl := randomSchema(rand.New(rand.NewPCG(seed, 5)))
		rec := recipe(60)
		rec.Mess = float64(seed%3) / 20
		err := Generate(t.Context(), parse(t, ddl), rec, Target{Path: filepath.Join(t.TempDir(), "x.db")}, nil)
		if err != nil && !strings.Contains(err.Error(), "copied from itself") {
			t.Errorf("seed %d: %v\n%s", seed, err, ddl)
		}
	}
}
