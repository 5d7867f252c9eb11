package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glovebox/store"

	"github.com/google/go-cmp/cmp"
)

func TestCostOfModels(t *testing.T) {
	for name, c := range map[string]struct {
		model, endpoint, config string
		want                    store.Price
		says                    string // of the error
	}{
		"in the list":             {"openai/gpt-5-mini", "https://api.openai.com/v1", "", store.Price{Input: 250_000, Cached: 25_000, Output: 2_000_000, Source: "catwalk v0.52.1"}, ""},
		"a dated name":            {"openai/gpt-5-mini-2025-08-07", "https://api.openai.com/v1", "", store.Price{Input: 250_000, Cached: 25_000, Output: 2_000_000, Source: "catwalk v0.52.1"}, ""},
		"through a local proxy":   {"openai/gpt-5-mini", "http://127.0.0.1:4000/v1", "", store.Price{Input: 250_000, Cached: 25_000, Output: 2_000_000, Source: "catwalk v0.52.1"}, ""},
		"local":                   {"ollama/qwen3", "http://127.0.0.1:11434/v1", "", store.Price{Source: "local"}, ""},
		"in the own network":      {"openai/qwen3", "http://192.168.1.7:8000/v1", "", store.Price{Source: "local"}, ""},
		"local, at another price": {"ollama/qwen3", "http://127.0.0.1:11434/v1", "[[price]]\nmodel = 'ollama/*'\nlike = 'openai/gpt-5-mini'", store.Price{Input: 250_000, Cached: 25_000, Output: 2_000_000, Source: "catwalk v0.52.1, as openai/gpt-5-mini", Notional: true}, ""},
		"own price":               {"acme/x", "https://models.example/v1", "[[price]]\nmodel = 'acme/x'\ninput = 0.0375\noutput = 3.0", store.Price{Input: 37_500, Cached: 37_500, Output: 3_000_000, Source: "configuration"}, ""},
		"unknown":                 {"acme/x", "https://models.example/v1", "", store.Price{}, "what acme/x costs is not known"},
		"unknown, no cap":         {"acme/x", "https://models.example/v1", "[limits]\ncost_usd = 0", store.Price{Source: "unknown"}, ""},
		"unknown, cap of the day": {"acme/x", "https://models.example/v1", "[limits]\ncost_usd = 0\nday = {cost_usd = 1.0}", store.Price{}, "is not known"},
	} {
		cfg, err := configured(t, map[string]string{"project": c.config}, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, got, err := cfg.cost(c.model, c.endpoint)
		if c.says != "" {
			var e *exitError
			if !errors.As(err, &e) || e.code != exitUsage || !strings.Contains(err.Error(), c.says) || !strings.Contains(e.hint, "[[price]]") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// What all sessions of a day have cost comes out of the log, the open request included.
func TestSpentOfTheDay(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	charge := func(in, out, pico int64) *store.Charge { return &store.Charge{Input: in, Output: out, PicoUSD: pico} }
	for range 2 {
		s, err := db.Begin(t.Context(), store.SessionStarted{Model: "m"}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []store.Body{
			store.ModelRequest{Turn: 1, Reserved: charge(100, 100, 100)},
			store.ModelResponse{Turn: 1, Charge: charge(3, 4, 5)},
			store.ModelResponse{Turn: 1, Charge: &store.Charge{Input: 1, PicoUSD: 1000, Notional: true}},
			store.ModelResponse{Turn: 1}, // of an older program
			store.ModelRequest{Turn: 2, Reserved: charge(10, 20, 30)},
		} {
			if _, err := s.Append(t.Context(), body); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Killed in a request, which may have to be paid: as Recover ends it.
	s, err := db.Begin(t.Context(), store.SessionStarted{Model: "m"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []store.Body{store.ModelRequest{Turn: 1, Reserved: charge(10, 20, 30)}, store.Interrupted{By: "crash"}, store.SessionEnded{Status: "interrupted"}} {
		if _, err := s.Append(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Spent(context.Background(), time.Now().Add(-time.Hour))
	if diff := cmp.Diff(store.Spent{Turns: 7, Input: 38, Output: 68, PicoUSD: 100}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, err = db.Spent(t.Context(), time.Now().Add(time.Hour)); err != nil || got != (store.Spent{}) {
		t.Errorf("%+v, %v", got, err)
	}
}
