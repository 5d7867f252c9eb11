package agent

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Rates bound how quickly a session goes, per minute. Zero means no limit. A
// tenth of a minute's calls may come at once.
type Rates struct{ ModelCalls, ToolCalls int }

func limiter(perMinute int) *rate.Limiter {
	if perMinute <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(float64(perMinute)/60), max(perMinute/10, 1))
}

// pace waits until the next call may come. What waits long says so.
func (a *Agent) pace(ctx context.Context, l *rate.Limiter, what string) error {
	if l == nil {
		return nil
	}
	r := l.Reserve()
	wait := r.Delay()
	if wait == 0 {
		return nil
	}
	if wait > time.Second {
		a.observe(Update{Delta: &Delta{Notice: fmt.Sprintf("waiting %d s: no more %s calls a minute are allowed", int(wait.Round(time.Second).Seconds()), what)}})
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		r.Cancel()
		return ctx.Err()
	}
}
