package store

import (
	"context"
	"fmt"
	"time"
)

// Spent is what requests to models have cost.
type Spent struct {
	Turns   int64
	Input   int64 // tokens
	Output  int64
	PicoUSD int64 // notional costs are left out
}

// Spent sums up every request that any session has made here since a time, by
// what the log says of it. One that is under way, or was when glovebox was
// killed, counts with what is reserved for it. Imported sessions do not count.
func (s *Store) Spent(ctx context.Context, since time.Time) (Spent, error) {
	var sum Spent
	at := since.UnixMicro()
	err := s.r.QueryRowContext(ctx, `WITH charged(charge) AS (
			SELECT json_extract(e.body, '$.charge') FROM event e JOIN session s ON s.n = e.session
			WHERE e.kind = 'model.response' AND e.at >= ?1 AND (s.ended_at IS NULL OR s.ended_at >= ?1)
				AND s.n NOT IN (SELECT session FROM foreign_session)
			UNION ALL
			SELECT json_extract(e.body, '$.reserved') FROM session s JOIN event e ON e.session = s.n AND e.seq =
				(SELECT max(seq) FROM event WHERE session = s.n AND (kind IN ('model.request', 'model.response', 'error', 'limit') OR kind = 'interrupted' AND body ->> 'by' <> 'crash'))
			WHERE (s.ended_at IS NULL OR s.ended_at >= ?1) AND e.kind = 'model.request' AND e.at >= ?1
				AND s.n NOT IN (SELECT session FROM foreign_session))
		SELECT count(*), coalesce(sum(charge ->> 'input'), 0), coalesce(sum(charge ->> 'output'), 0),
			coalesce(sum(iif(charge ->> 'notional', 0, charge ->> 'pico_usd')), 0) FROM charged WHERE charge IS NOT NULL`,
		at).Scan(&sum.Turns, &sum.Input, &sum.Output, &sum.PicoUSD)
	if err != nil {
		return Spent{}, fmt.Errorf("summing up what was spent: %w", s.explain(err))
	}
	return sum, nil
}
