package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"glovebox/store"

	"github.com/google/go-cmp/cmp"
)

func TestSearch(t *testing.T) {
	s := newLog(t)
	exit := func(n int) *int { return &n }
	var ids []string
	for i, model := range []string{"openai/gpt-5", "ollama/qwen3"} {
		ses, err := s.Begin(t.Context(), store.SessionStarted{Model: model}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ses.ID())
		for _, body := range []store.Body{
			store.Prompt{Text: fmt.Sprintf("Which Müller came back, number %d?", i)},                                                                                                // 2
			store.ModelResponse{Text: "I look at the refunds of café customers"},                                                                                                    // 3
			store.ToolCall{CallID: "a", Tool: "shell", Arguments: json.RawMessage(`{"command":"grep -r refunds /data/orders_2024.csv"}`)},                                           // 4
			store.ToolResult{CallID: "a", Tool: "shell", Exit: exit(i), Stdout: strings.Repeat("x ", 9000) + "needle \x1b[31m in the hay\nnext line " + strings.Repeat("y ", 9000)}, // 5
			store.LimitReached{Limit: "turns", Value: 1, Max: 1},                                                                                                                    // 6
			store.SessionEnded{Status: []string{"limited", "done"}[i]},                                                                                                              // 7
			store.Note{By: "ada", Tags: []string{fmt.Sprint("tag", i)}, Text: "remember the marmalade"},                                                                             // 8
		} {
			add(t, ses, body)
		}
	}
	for name, test := range map[string]struct {
		q    store.Query
		want string
	}{
		"a word, newest first":     {store.Query{Text: "refunds"}, "1:4 1:3 0:4 0:3"},
		"any case, any accent":     {store.Query{Text: "MULLER"}, "1:2 0:2"},
		"all words":                {store.Query{Text: "refunds grep"}, "1:4 0:4"},
		"words together":           {store.Query{Text: `"in the hay"`}, "1:5 0:5"},
		"not together":             {store.Query{Text: `"the in hay"`}, ""},
		"a beginning":              {store.Query{Text: "marma*"}, "1:8 0:8"},
		"a file name":              {store.Query{Text: "orders_2024.csv"}, "1:4 0:4"},
		"a tool":                   {store.Query{Tool: "shell", Kind: "tool.result"}, "1:5 0:5"},
		"an exit status":           {store.Query{Exit: exit(1)}, "1:5"},
		"a model":                  {store.Query{Text: "refunds", Filter: store.Filter{Model: "qwen"}}, "1:4 1:3"},
		"a tag":                    {store.Query{Text: "refunds", Filter: store.Filter{Tag: "tag0"}}, "0:4 0:3"},
		"a status":                 {store.Query{Text: "refunds", Filter: store.Filter{Status: "limited"}}, "0:4 0:3"},
		"a limit hit":              {store.Query{Kind: "limit"}, "1:6 0:6"},
		"a date":                   {store.Query{Text: "refunds", Since: time.Now().Add(time.Hour)}, ""},
		"at most":                  {store.Query{Text: "refunds", Limit: 3}, "1:4 1:3 0:4"},
		"what the index would run": {store.Query{Text: `refunds OR NEAR( about:x ^ - ' ) "`}, ""},
		"nothing in it":            {store.Query{Text: "refund"}, ""},
	} {
		hits, err := s.Search(t.Context(), test.q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, h := range hits {
			got = append(got, fmt.Sprintf("%d:%d", map[string]int{ids[0]: 0, ids[1]: 1}[h.Session], h.Seq))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	hits, err := s.Search(t.Context(), store.Query{Text: "needle hay", Limit: 1})
	if err != nil || len(hits) != 1 || !strings.Contains(hits[0].Snippet, "x x ⟦needle⟧ ␛[31m in the ⟦hay⟧␊next line y") {
		t.Errorf("%+v, %v", hits, err)
	}
	if _, err := s.Search(t.Context(), store.Query{Text: " - "}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("without a word: %v", err)
	}
}

// Three index at once while sessions are written and one is removed: each event
// is found, and found once.
func TestIndexAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	var stores []*store.Store
	for range 3 {
		s := openLog(t, path)
		defer s.Close()
		stores = append(stores, s)
	}
	const events, size = 250, 30_000 // more than one piece of the index
	text := strings.Repeat("filler ", size/7)
	gone := begin(t, stores[0])
	for range 20 {
		add(t, gone, store.Prompt{Text: "common " + text})
	}
	add(t, gone, store.SessionEnded{Status: "done"})
	var group sync.WaitGroup
	failed := make(chan error, len(stores))
	for i, s := range stores {
		ses := begin(t, s)
		write := func() error {
			for n := range events / 3 {
				if _, err := ses.Append(t.Context(), store.Prompt{Text: "common " + text}); err != nil {
					return err
				}
				if n%25 == i {
					if err := s.Index(t.Context()); err != nil {
						return err
					}
				}
			}
			if i == 0 {
				if err := s.Remove(t.Context(), gone.ID(), "test"); err != nil {
					return err
				}
			}
			return s.Index(t.Context())
		}
		group.Go(func() { failed <- write() })
	}
	group.Wait()
	for range stores {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	hits, err := stores[1].Search(t.Context(), store.Query{Text: "common", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, h := range hits {
		found[fmt.Sprint(h.Session, h.Seq)] = true
		if h.Session == gone.ID() {
			t.Errorf("event %d of the session that was removed", h.Seq)
		}
	}
	if len(hits) != events/3*3 || len(found) != len(hits) {
		t.Errorf("%d hits, %d events, want %d", len(hits), len(found), events/3*3)
	}
}

func TestNotes(t *testing.T) {
	s := newLog(t)
	ses := begin(t, s)
	yes, no := true, false
	for _, note := range []store.Note{
		{By: "ada", Tags: []string{"b", "a"}, Star: &yes},
		{By: "ada", Title: "A better title", Untags: []string{"b"}},
		{By: "bob", Step: 1, Score: &store.Score{Name: "help", Value: 1}, Text: "good"},
	} {
		if _, err := s.Note(t.Context(), ses.ID(), note); err != nil {
			t.Fatal(err)
		}
	}
	add(t, ses, store.Prompt{Text: "not the title"})
	add(t, ses, store.SessionEnded{Status: "done"})
	if _, err := s.Note(t.Context(), ses.ID(), store.Note{By: "ada", Star: &no, Tags: []string{"late", "late"}}); err != nil {
		t.Fatal(err)
	}
	sum, err := s.Session(t.Context(), ses.ID())
	if err != nil || sum.Title != "A better title" || !cmp.Equal(sum.Tags, []string{"a", "late"}) || sum.Starred || sum.Status != "done" || sum.Events != 7 {
		t.Errorf("%+v, %v", sum, err)
	}
	for name, note := range map[string]store.Note{
		"no such step": {Step: 99, Text: "x"}, "tag of two words": {Tags: []string{"a b"}}, "empty": {By: "ada"}, "control bytes": {Tags: []string{"\x1b"}},
	} {
		if _, err := s.Note(t.Context(), ses.ID(), note); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Note(t.Context(), "nobody", store.Note{Text: "x"}); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if a, err := s.Check(t.Context(), ""); err != nil || !a.Intact() {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestRemove(t *testing.T) {
	path, key := filepath.Join(t.TempDir(), "log.db"), newKey(t)
	s := openLog(t, path)
	s.SignWith(key)
	secret, common := strings.Repeat("Xylophone-4711 ", 1000), strings.Repeat("shared ", 1000)
	var ids []string
	for _, text := range []string{secret, "harmless"} {
		ses := begin(t, s)
		ids = append(ids, ses.ID())
		add(t, ses, store.Prompt{Text: "Xylophone-0815 is what I want to know: " + text})
		add(t, ses, store.ToolResult{Stdout: common})
		if err := s.Remove(t.Context(), ses.ID(), "test"); !errors.Is(err, store.ErrRunning) {
			t.Errorf("a running one: %v", err)
		}
		add(t, ses, store.SessionEnded{Status: "done"})
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), ids[0], "too old"); err != nil {
		t.Fatal(err)
	}
	if hits, err := s.Search(t.Context(), store.Query{Text: "Xylophone*"}); err != nil || len(hits) != 1 || hits[0].Session != ids[1] {
		t.Errorf("found %+v, %v", hits, err)
	}
	if got := events(t, s, ids[1], 0); got[2].Body.(store.ToolResult).Stdout != common {
		t.Error("the other session lost what both had")
	}
	if _, err := s.Session(t.Context(), ids[0]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the removed one: %v", err)
	}
	if err := s.Remove(t.Context(), ids[0], "again"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	a, err := s.Check(t.Context(), "")
	if err != nil || !a.Intact() || a.Sessions[0].Status != "removed" || a.Sessions[0].Events != 4 || !a.Sessions[0].Signed {
		t.Errorf("%+v, %v", a, err)
	}
	if err := s.Remove(t.Context(), ids[1], "test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, err := readFile(path, path+"-wal", path+".index", path+".index-wal"); err != nil || strings.Contains(strings.ToLower(out), "xylophone") {
		t.Errorf("what was removed is still in the file (%v)", err)
	}
}

func TestBackup(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, "log.db")
	signedLog(t, path, key, "prompt ")
	s := openLog(t, path)
	to := filepath.Join(dir, "backup.db")
	if err := s.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if content(t, to) != content(t, path) {
		t.Error("the backup is not what the log is")
	}
	if _, ok := audit(t, to, key); !ok {
		t.Error("the backup is not intact")
	}
	if err := s.Backup(t.Context(), to); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("onto a file: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "no", "dir")); err == nil {
		t.Error("into no directory: accepted")
	}
}
