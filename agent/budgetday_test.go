package agent

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"glovebox/agent/budget"
	"glovebox/store"
)

// Sessions that ask at the very same time do not pass the day's limit together,
// and a request that was given up frees what it had reserved.
func TestDayBudgetIsSharedByTheLog(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	spent := func(ctx context.Context) (budget.Spent, error) {
		s, err := db.Spent(ctx, time.Time{}.Add(time.Hour))
		return budget.Spent{Turns: s.Turns, In: s.Input, Out: s.Output, Pico: s.PicoUSD}, err
	}
	srv := newServer(t, sse(delta(`{"content":"x"}`), finish("stop"), `data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}`, "data: [DONE]"))
	const sessions, most = 8, 3
	// All have looked before the first has recorded anything: the worst that can happen.
	var looked sync.WaitGroup
	looked.Add(sessions)
	var all sync.WaitGroup
	errs := make([]error, sessions)
	for i := range sessions {
		log, err := db.Begin(t.Context(), store.SessionStarted{Model: "test"}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		first := true
		a := New(Config{
			Model: newModel(t, srv.URL), ModelName: "m", Box: newLocalBox(t), Log: log, System: "s",
			Budgets: []Budget{{Of: "day", Limits: Limits{Turns: most}, Spent: func(ctx context.Context) (budget.Spent, error) {
				s, err := spent(ctx)
				if first {
					first = false
					looked.Done()
					looked.Wait()
				}
				return s, err
			}}},
		})
		all.Go(func() { errs[i] = a.Prompt(t.Context(), "go") })
	}
	all.Wait()
	for _, err := range errs {
		var limit *LimitError
		if err != nil && (!errors.As(err, &limit) || limit.Of != "day") {
			t.Error(err)
		}
	}
	if n := len(srv.seen()); n > most {
		t.Errorf("%d requests were made, %d are allowed", n, most)
	}
	s, err := spent(t.Context())
	if err != nil || s.Turns != int64(len(srv.seen())) {
		t.Errorf("%d turns are counted, %d were made, %v", s.Turns, len(srv.seen()), err)
	}
}
