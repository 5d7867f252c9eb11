package store

import (
	"context"
	"fmt"
)

// Drift says how something in a rerun differs from the session that it runs
// again, or that this cannot be told. What no Drift names is the same, byte for byte.
type Drift struct {
	Of      int64  `json:"of"`                // event of the session that is run again; 0: it has none like that
	Now     int64  `json:"now,omitempty"`     // event of this session that was compared with it; 0: there is none
	What    string `json:"what"`              // image, limits, data, call, decision, exit, stdout, stderr, error, file
	Unknown bool   `json:"unknown,omitempty"` // it cannot be told whether they differ
	How     string `json:"how,omitempty"`     // where all of the difference is: order, times, names, numbers; a help for who reads, no excuse
	Detail  string `json:"detail"`            // the first difference, or why nothing can be told; bounded
}

// Compared ends the comparisons of a rerun that came to its end. It counts the
// tool calls that were recorded as run or refused.
type Compared struct {
	Calls   int `json:"calls"`
	Same    int `json:"same"`
	Drifted int `json:"drifted"`
	Unknown int `json:"unknown"`
	Other   int `json:"other"` // Drift of something else than a call: image, limits, data, files
}

// Kind implements Body.
func (Drift) Kind() string { return "drift" }

// Kind implements Body.
func (Compared) Kind() string { return "compared" }

// Proven says whether everything was compared, and is the same.
func (c Compared) Proven() bool { return c.Drifted+c.Unknown+c.Other == 0 }

// String counts in words.
func (c Compared) String() string {
	calls, other := "calls", "other differences"
	if c.Calls == 1 {
		calls = "call"
	}
	if c.Other == 1 {
		other = "other difference"
	}
	s := fmt.Sprintf("%d %s", c.Calls, calls)
	between := ": "
	for _, part := range []struct {
		n    int
		word string
	}{{c.Same, "the same"}, {c.Drifted, "drifted"}, {c.Unknown, "not known"}, {c.Other, other}} {
		if part.n > 0 {
			s += fmt.Sprintf("%s%d %s", between, part.n, part.word)
			between = ", "
		}
	}
	return s
}

// Head is a drift in a few words, without its detail.
func (d Drift) Head() string {
	s := "drift"
	if d.Unknown {
		s = "not known"
	}
	s += ": " + d.What
	if d.Of > 0 {
		s += fmt.Sprintf(" of event %d", d.Of)
	}
	return s + optional(", in nothing but %s", d.How)
}

// drifters are the sessions that have a Drift.
func (s *Store) drifters(ctx context.Context) (map[string]bool, error) {
	if err := s.Index(ctx); err != nil {
		return nil, err
	}
	rows, err := s.r.QueryContext(ctx, `SELECT id FROM session WHERE n IN (SELECT rowid >> 32 FROM search WHERE search MATCH ?)`, `about : "`+word("kind", Drift{}.Kind())+`"`)
	if err != nil {
		return nil, fmt.Errorf("looking for drift: %w", explain(s.path, err))
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found[id] = true
	}
	return found, rows.Err()
}
