package store_test

import (
	"testing"

	"glovebox/store"
)

// Reruns are found by what differed in them; a session that merely speaks of
// drift is not.
func TestDriftIsFound(t *testing.T) {
	s := newLog(t)
	first := begin(t, s)
	add(t, first, store.Prompt{Text: "what of drift?"})
	var reruns []*store.Session
	for range 3 {
		ses, err := s.Begin(t.Context(), store.SessionStarted{Model: "rerun", Reruns: &store.Resumes{Session: first.ID(), Through: 2}}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		add(t, ses, store.ToolResult{CallID: "1", Tool: "shell", Stdout: "needle"})
		reruns = append(reruns, ses)
	}
	add(t, reruns[0], store.Drift{Of: 2, Now: 2, What: "stdout", How: "times", Detail: "line 1:\n- a\n+ b"})
	add(t, reruns[1], store.Drift{Of: 2, What: "call", Unknown: true, Detail: "it was not run"})
	want := map[string]bool{reruns[0].ID(): true, reruns[1].ID(): true}
	found, err := s.Sessions(t.Context(), store.Filter{Drift: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range found {
		if !want[sum.ID] || sum.Title != "rerun of "+first.ID() || sum.CostUSD == nil || *sum.CostUSD != 0 {
			t.Errorf("%+v", sum)
		}
	}
	hits, err := s.Search(t.Context(), store.Query{Text: "needle", Filter: store.Filter{Drift: true}})
	if err != nil || len(found) != 2 || len(hits) != 2 || !want[hits[0].Session] || !want[hits[1].Session] {
		t.Errorf("%d sessions, hits %+v, %v", len(found), hits, err)
	}
	// What was removed is not found any more, and was just indexed.
	add(t, reruns[0], store.SessionEnded{Status: "done"})
	if err := s.Remove(t.Context(), reruns[0].ID(), "test"); err != nil {
		t.Fatal(err)
	}
	if found, err = s.Sessions(t.Context(), store.Filter{Drift: true}); err != nil || len(found) != 1 || found[0].ID != reruns[1].ID() {
		t.Errorf("after the removal: %+v, %v", found, err)
	}
}

func TestComparedInWords(t *testing.T) {
	for want, c := range map[string]store.Compared{
		"1 call: 1 the same": {Calls: 1, Same: 1},
		"9 calls: 4 the same, 3 drifted, 2 not known, 1 other difference": {Calls: 9, Same: 4, Drifted: 3, Unknown: 2, Other: 1},
		"3 calls": {Calls: 3},
	} {
		if got := c.String(); got != want || c.Proven() != (c.Drifted+c.Unknown+c.Other == 0) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
