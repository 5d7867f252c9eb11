package fakedata

import (
	"context"
	"runtime"
	"sync"
)

// chunkRows is how many rows one worker makes at a time.
const chunkRows = 1024

// crew makes the rows of a pure plan with every processor there is. A plan
// remembers, so each worker has one of its own.
type crew struct {
	s     *Schema
	r     Recipe
	plans []*plan // one for each worker, made when first needed
}

func newCrew(s *Schema, r Recipe) *crew {
	return &crew{s: s, r: r, plans: make([]*plan, runtime.GOMAXPROCS(0))}
}

// portion is some consecutive rows of a table, in the form that a worker gave them.
type portion[T any] struct {
	made T
	rows int64
	err  error
}

// work calls put with the portions of a table, in order, while the crew makes
// the next ones. What lies ready is bounded by the number of workers.
func work[T any](ctx context.Context, c *crew, table int, rows int64, hand func(t *table, from, to int64) T, put func(T, int64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	chunks := (rows + chunkRows - 1) / chunkRows
	lanes := make([]chan portion[T], min(int64(len(c.plans)), chunks))
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for lane := range lanes {
		lanes[lane] = make(chan portion[T], 1)
		wait.Go(func() { runLane(ctx, c, table, lane, len(lanes), hand, lanes[lane]) })
	}
	for k := range chunks {
		select {
		case p := <-lanes[k%int64(len(lanes))]:
			if p.err != nil {
				return p.err
			}
			if err := put(p.made, p.rows); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// runLane makes every n-th chunk of a table.
func runLane[T any](ctx context.Context, c *crew, table, lane, n int, hand func(t *table, from, to int64) T, out chan<- portion[T]) {
	send := func(p portion[T]) bool {
		select {
		case out <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	if c.plans[lane] == nil {
		p, err := newPlan(c.s, c.r)
		if err != nil {
			send(portion[T]{err: err})
			return
		}
		c.plans[lane] = p
	}
	t := c.plans[lane].tables[table]
	for k := int64(lane); k*chunkRows < t.rows; k += int64(n) {
		from, to := k*chunkRows, min(t.rows, (k+1)*chunkRows)
		if !send(portion[T]{made: hand(t, from, to), rows: to - from}) {
			return
		}
	}
}
