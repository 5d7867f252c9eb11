// Package fakedata turns a schema into a SQLite dataset in which nothing was
// ever real.
//
// It promises: the same Recipe gives the same bytes on every machine and every
// day; foreign keys, uniqueness, NOT NULL and CHECK constraints hold; people,
// places and dates within a row and along its references agree; memory does
// not grow with the number of rows. E-mail domains, phone numbers, IP and card
// numbers are taken from the ranges reserved for fiction and documentation.
//
// It never uses the network, a clock (the recipe brings its own) or a shared
// random source, never runs the triggers of a schema, and never carries a
// value found in a schema script into the dataset.
//
// The idea everything rests on: a cell is a pure function of (seed, table,
// column, row number). So a child computes what its parent says instead of
// remembering it, and a preview needs no dataset. Begin in plan.go, which
// decides how each column is made; stream.go holds the randomness, relate.go and
// pick.go the references, parse.go the way a schema comes in.
package fakedata

import (
	"fmt"
	"time"
)

// Generator is the fingerprint of this generator: it changes whenever any
// recipe would give other bytes than before.
// The versions of what shapes those bytes are part of it.
const Generator = "fakedata/3 gofakeit/7.18.1 sqlite/3.54.1"

// MaxRows is the largest accepted Recipe.Rows.
const MaxRows = 100_000_000

// A Recipe reproduces a dataset byte for byte.
type Recipe struct {
	Schema    string           // name of the schema, as in Schema.Name
	DDL       string           // the schema's DDL; "" stands for that of the Schema given along
	Seed      int64            // any value
	Rows      int              // rows of the largest tables, 1 to MaxRows; others follow from it
	Mess      float64          // share of rows with a labelled defect, for each kind of it, 0 to 0.5
	Clock     time.Time        // "now" for every date in the dataset; seconds count, zones do not
	Generator string           // fingerprint; "" stands for the current one
	Plan      string           // text of a plan, see WritePlan; "": all is inferred
	Tables    map[string]int64 // rows of single tables, above what a plan says; each from 1 to MaxRows
	Scale     float64          // factor of the rows of all tables but lookups, from above 0 to MaxRows; 0 stands for 1
}

// check says why r cannot be made with s by this generator, or nil.
func (r Recipe) check(s *Schema) error {
	switch {
	case r.Rows < 1 || r.Rows > MaxRows:
		return fmt.Errorf("rows is %d: it must be between 1 and %d", r.Rows, MaxRows)
	case !(r.Scale >= 0 && r.Scale <= MaxRows):
		return fmt.Errorf("scale is %g: it must be above 0 and at most %d", r.Scale, MaxRows)
	case !(r.Mess >= 0 && r.Mess <= maxMess):
		return fmt.Errorf("mess is %g: it must be from 0 to %g", r.Mess, maxMess)
	case r.Clock.IsZero():
		return fmt.Errorf("the recipe has no clock: set the moment that the dataset takes for now")
	case r.Clock.Year() < 1980 || r.Clock.Year() > 9000:
		return fmt.Errorf("the recipe's clock says %d: the year must be between 1980 and 9000", r.Clock.Year())
	case r.Generator != "" && r.Generator != Generator:
		return fmt.Errorf("the recipe was made for generator %q, this is %q: the bytes would differ; "+
			"clear the recipe's generator to make a new dataset", r.Generator, Generator)
	case r.DDL != "" && r.DDL != s.DDL:
		return fmt.Errorf("the recipe's DDL is not that of schema %q: parse the recipe's own DDL", s.Name)
	}
	return nil
}
