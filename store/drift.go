package store

import (
	"context"
	"fmt"
	"strings"
)

// Proven says whether everything was compared, and is the same.
func (c Compared) Proven() bool { return c.Drifted+c.Unknown+c.Other == 0 }

// String counts in words.
func (c Compared) String() string {
	var parts []string
	for _, part := range []struct {
		n  int
		is string
	}{{c.Same, "the same"}, {c.Drifted, "drifted"}, {c.Unknown, "not known"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.is))
		}
	}
	if c.Other > 0 {
		parts = append(parts, Plural(c.Other, "other difference"))
	}
	return Plural(c.Calls, "call") + optional(": %s", strings.Join(parts, ", "))
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

// drifters are the sessions that have a Drift, as far as they are indexed; nil
// where f does not ask for them.
func (s *Store) drifters(ctx context.Context, f Filter) (found map[string]bool, err error) {
	if !f.Drift {
		return nil, nil
	}
	err = s.x.use(ctx, func() error {
		rows, err := s.x.r.QueryContext(ctx, `SELECT DISTINCT indexed.id FROM search JOIN indexed ON indexed.session = search.rowid >> 32 WHERE search MATCH ?`,
			`about : "`+word("kind", Drift{}.Kind())+`"`)
		if err != nil {
			return s.x.explain(err)
		}
		defer rows.Close()
		found = map[string]bool{}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			found[id] = true
		}
		return s.x.explain(rows.Err())
	})
	if err != nil {
		err = fmt.Errorf("looking for drift: %w", err)
	}
	return found, err
}
