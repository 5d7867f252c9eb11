package main

import (
	"context"
	"iter"
	"slices"

	"glovebox/agent"
	"glovebox/agent/tripwire"
	"glovebox/fakedata"
)

// wiredRows is of how many rows of a table, evenly spread, the values are
// recognised. Canaries are, all of them.
const wiredRows = 20_000

// tripwires are what to recognise of the dataset at path.
func tripwires(ctx context.Context, c config, p plan, path string) (agent.Tripwires, error) {
	t := agent.Tripwires{Network: c.Trips.Network, Stubs: c.Trips.Stubs, Paths: c.Trips.Paths, Values: c.Trips.Values}
	if t.Network == agent.TripOff && t.Stubs == agent.TripOff && t.Paths == agent.TripOff {
		return t, nil
	}
	var planted []fakedata.Canary
	var err error
	if p.masked == nil { // what is masked was not generated: nothing is planted there
		if planted, err = fakedata.Canaries(p.schema, p.recipe); err != nil {
			return t, err
		}
	}
	var canaries []tripwire.Value
	for _, c := range planted {
		canaries = append(canaries, tripwire.Value{Table: c.Table, Column: c.Column, Text: c.Value})
	}
	var values iter.Seq[tripwire.Value] = func(yield func(tripwire.Value) bool) {
		if t.Values == agent.TripOff {
			return
		}
		err = fakedata.Texts(ctx, p.schema, path, wiredRows, func(table, column string, text []byte) {
			yield(tripwire.Value{Table: table, Column: column, Text: string(text)}) // New takes all
		})
	}
	t.Wires = tripwire.New(slices.Values(canaries), values)
	return t, err
}

// inspect looks at what anybody on its way could read of a request.
func (s *session) inspect(n int64, part string) func([]byte) error {
	stream := tripwire.Stream{Wires: s.trips.Wires}
	told := map[string]bool{}
	return func(piece []byte) error {
		found, stop := s.trips.At("network", stream.Next(piece))
		for _, f := range found {
			if f.N, f.Part = n, part; told[f.Table+"."+f.Column] {
				continue // the end of one piece is looked at again with the next
			}
			told[f.Table+"."+f.Column] = true
			if err := s.record(context.Background(), f); err != nil {
				return err
			}
		}
		if stop == nil {
			return nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.halt != nil {
			s.halt(stop)
		}
		return stop
	}
}
