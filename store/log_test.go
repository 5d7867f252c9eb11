package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"glovebox/store"

	"github.com/google/go-cmp/cmp"
)

func openLog(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newLog(t *testing.T) *store.Store {
	t.Helper()
	return openLog(t, filepath.Join(t.TempDir(), "log.db"))
}

func begin(t *testing.T, s *store.Store) *store.Session {
	t.Helper()
	ses, err := s.Begin(t.Context(), store.SessionStarted{Program: "test", Model: "script:demo", Rigor: "standard"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	return ses
}

func add(t *testing.T, ses *store.Session, body store.Body) store.Event {
	t.Helper()
	e, err := ses.Append(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func events(t *testing.T, s *store.Store, id string, after int64) []store.Event {
	t.Helper()
	var all []store.Event
	for e, err := range s.Events(t.Context(), id, after) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// raw opens the file behind the log's back.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestWhatIsAppendedIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "dir with ?#%41", "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	want := []store.Event{ses.Started()}
	for _, body := range []store.Body{
		store.Prompt{Text: "How many <orders> & refunds?\nsecond line"},
		store.ModelResponse{Turn: 1, Text: "bad \xff byte", Usage: &store.Usage{Input: 10, Output: 5}},
		store.ToolResult{CallID: "1", Tool: "shell", Stdout: "a\x00b\x1b[31m"},
		store.SessionEnded{Status: "done"},
	} {
		want = append(want, add(t, ses, body))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	again := openLog(t, path)
	if diff := cmp.Diff(want, events(t, again, ses.ID(), 0)); diff != "" {
		t.Error("read back (-appended +read):\n" + diff)
	}
	if got := events(t, again, ses.ID(), 3); len(got) != 2 || got[0].Seq != 4 {
		t.Errorf("after event 3 came %v", got)
	}
	if got := want[2].Body.(store.ModelResponse).Text; got != "bad \uFFFD byte" {
		t.Errorf("Append returned %q, which is not what the log holds", got)
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		info, err := os.Stat(name)
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: mode %v, want %v (%v)", name, info.Mode(), mode, err)
		}
	}
}

func TestSummary(t *testing.T) {
	s := newLog(t)
	ses := begin(t, s)
	add(t, ses, store.Prompt{Text: "\n  " + strings.Repeat("é", 90) + "\r\nmore"})
	add(t, ses, store.ModelResponse{Turn: 1, Usage: &store.Usage{Input: 100, Output: 20, Cached: 90}})
	add(t, ses, store.ToolResult{CallID: "1", Tool: "shell"})
	add(t, ses, store.Prompt{Text: "not the title"})
	add(t, ses, store.ModelResponse{Turn: 2})

	got, err := s.Session(t.Context(), ses.ID())
	if err != nil {
		t.Fatal(err)
	}
	want := store.Summary{
		ID: ses.ID(), Title: strings.Repeat("é", 79) + "…", Model: "script:demo",
		StartedAt: ses.Started().At, Status: "running", Steps: 3, Tokens: 120, Events: 6,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("running (-want +got):\n" + diff)
	}
	end := add(t, ses, store.SessionEnded{Status: "limited"})
	want.Status, want.EndedAt, want.Events = "limited", &end.At, 7
	if got, _ = s.Session(t.Context(), "last"); !cmp.Equal(want, got) {
		t.Error("ended (-want +got):\n" + cmp.Diff(want, got))
	}
}

func TestSessionByReference(t *testing.T) {
	s := newLog(t)
	if _, err := s.Session(t.Context(), "last"); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "no session yet") {
		t.Errorf("last of none: %v", err)
	}
	byFirst := map[byte][]string{}
	var newest, shared string
	for shared == "" {
		newest = begin(t, s).ID()
		byFirst[newest[0]] = append(byFirst[newest[0]], newest)
		if len(byFirst[newest[0]]) == 2 {
			shared = newest[:1]
		}
	}
	for ref, want := range map[string]string{"last": newest, newest: newest, strings.ToUpper(newest[:9]): newest} {
		if got, err := s.Session(t.Context(), ref); err != nil || got.ID != want {
			t.Errorf("%q is %q, want %q (%v)", ref, got.ID, want, err)
		}
	}
	_, err := s.Session(t.Context(), shared)
	if !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("ambiguous %q: %v", shared, err)
	}
	for _, id := range byFirst[shared[0]] {
		if !strings.Contains(err.Error(), id) {
			t.Errorf("%q does not name %s", err, id)
		}
	}
	for _, ref := range []string{"", "zzzz%", "\x1b[2J"} {
		if _, err := s.Session(t.Context(), ref); !errors.Is(err, store.ErrNotFound) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", ref, err)
		}
	}
	for _, err := range s.Events(t.Context(), "nobody", 0) {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("events of nobody: %v", err)
		}
	}
}

func TestSessionsNewestFirstAndFiltered(t *testing.T) {
	s := newLog(t)
	for _, prompt := range []string{"Count orders", "Über Kunden", "count refunds"} {
		add(t, begin(t, s), store.Prompt{Text: prompt})
	}
	for _, test := range []struct {
		filter store.Filter
		want   []string
	}{
		{store.Filter{}, []string{"count refunds", "Über Kunden", "Count orders"}},
		{store.Filter{Limit: 2}, []string{"count refunds", "Über Kunden"}},
		{store.Filter{Text: "COUNT", Limit: 5}, []string{"count refunds", "Count orders"}},
		{store.Filter{Text: "über"}, []string{"Über Kunden"}},
		{store.Filter{Text: "%"}, nil},
	} {
		found, err := s.Sessions(t.Context(), test.filter)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, sum := range found {
			got = append(got, sum.Title)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.filter, diff)
		}
	}
}

func TestAppendIsRefused(t *testing.T) {
	s := newLog(t)
	ses := begin(t, s)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ses.Append(done, store.Prompt{Text: "late"}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is done: %v", err)
	}
	if _, err := ses.Append(t.Context(), store.SessionStarted{}); err == nil {
		t.Error("session.started was accepted as event 2")
	}
	if _, err := ses.Append(t.Context(), store.SessionEnded{Status: "splendid"}); err == nil {
		t.Error("a status that does not exist was accepted")
	}
	if _, err := ses.Append(t.Context(), store.ToolCall{Arguments: []byte("{not json")}); err == nil {
		t.Error("arguments that are not JSON were accepted")
	}
	if e := add(t, ses, store.SessionEnded{Status: "done"}); e.Seq != 2 {
		t.Errorf("what was refused left a gap: SessionEnded is event %d", e.Seq)
	}
	if _, err := ses.Append(t.Context(), store.Prompt{Text: "more"}); !errors.Is(err, store.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if got := events(t, s, ses.ID(), 0); len(got) != 2 {
		t.Errorf("the log holds %d events, want 2", len(got))
	}
}

func TestEventsCannotBeChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	add(t, ses, store.Prompt{Text: "original"})
	before := events(t, s, ses.ID(), 0)
	db := raw(t, path)
	for _, stmt := range []string{
		`UPDATE event SET body = '{}' WHERE seq = 2`,
		`DELETE FROM event`,
		`INSERT OR REPLACE INTO event (id, at, kind, body, root) VALUES ((1 << 32) + 2, 0, 'prompt', '{}', x'')`,
		`INSERT INTO event (id, at, kind, body, root) VALUES ((1 << 32) + 9, 0, 'prompt', '{}', x'')`,
		`DELETE FROM session`,
		`UPDATE session SET status = 'removed'`,
		`UPDATE ledger SET entry = '{}'`,
		`DELETE FROM ledger`,
		`INSERT INTO ledger (n, entry, root) VALUES (9, '{}', x'')`,
	} {
		if _, err := db.ExecContext(t.Context(), stmt); err == nil {
			t.Errorf("%s: accepted", stmt)
		}
	}
	if diff := cmp.Diff(before, events(t, s, ses.ID(), 0)); diff != "" {
		t.Error("the log has changed:\n" + diff)
	}
}

func TestAppendFromManyGoroutines(t *testing.T) {
	s := newLog(t)
	ses := begin(t, s)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 25 {
				if _, err := ses.Append(t.Context(), store.Prompt{Text: fmt.Sprint(i, " ", j)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	next := map[string]int{}
	for i, e := range events(t, s, ses.ID(), 0) {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		if p, ok := e.Body.(store.Prompt); ok {
			who, n, _ := strings.Cut(p.Text, " ")
			if n != fmt.Sprint(next[who]) {
				t.Errorf("goroutine %s: append %s came after %d", who, n, next[who])
			}
			next[who]++
		}
	}
	if len(next) != 8 || next["7"] != 25 {
		t.Errorf("events of goroutines: %v", next)
	}
}

// A reader that is slow, or appends while it reads, blocks nobody.
func TestAppendWhileReading(t *testing.T) {
	s := newLog(t)
	ses := begin(t, s)
	for range 5 {
		add(t, ses, store.ToolResult{CallID: "1", Tool: "shell", Stdout: strings.Repeat("x", 1<<19)})
	}
	n := 0
	for _, err := range s.Events(t.Context(), ses.ID(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n <= 3 {
			add(t, ses, store.Prompt{Text: "meanwhile"})
		}
	}
	if n != 9 {
		t.Errorf("saw %d events, want the 6 there were and the 3 appended meanwhile", n)
	}
}

// An event that a newer glovebox wrote without changing the format is named,
// after everything before it has been read.
func TestUnknownKindInTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	if _, err := raw(t, path).ExecContext(t.Context(), `INSERT INTO event (id, at, kind, body, root) VALUES ((1 << 32) + 2, 0, 'telepathy', '{}', x'')`); err != nil {
		t.Fatal(err)
	}
	var seqs []int64
	var failed error
	for e, err := range s.Events(t.Context(), ses.ID(), 0) {
		if failed = err; err == nil {
			seqs = append(seqs, e.Seq)
		}
	}
	if !cmp.Equal(seqs, []int64{1}) || !errors.Is(failed, store.ErrNewer) || !strings.Contains(failed.Error(), `event 2: kind "telepathy"`) {
		t.Errorf("read %v, then %v", seqs, failed)
	}
}

// A session remembers where it left off; another who has gone on from there, or
// ended it, is noticed.
func TestAppendAfterAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s, other := openLog(t, path), openLog(t, path)
	defer s.Close()
	defer other.Close()
	ses := begin(t, s)
	add(t, ses, store.Prompt{Text: "one"})
	if n, err := other.Note(t.Context(), ses.ID(), store.Note{By: "ada", Tags: []string{"b", "a"}}); err != nil || n.Seq != 3 {
		t.Fatalf("%+v, %v", n, err)
	}
	if e := add(t, ses, store.ModelResponse{Text: "two", Usage: &store.Usage{Input: 3, Output: 4}}); e.Seq != 4 {
		t.Errorf("event %d after the other's", e.Seq)
	}
	if _, err := other.Note(t.Context(), ses.ID(), store.Note{By: "ada", Untags: []string{"a"}, Title: "named"}); err != nil {
		t.Fatal(err)
	}
	add(t, ses, store.ModelResponse{Text: "three", Usage: &store.Usage{Input: 3, Output: 4}})
	sum, err := other.Session(t.Context(), ses.ID())
	if err != nil || sum.Events != 6 || sum.Tokens != 14 || sum.Steps != 2 || sum.Title != "named" || strings.Join(sum.Tags, " ") != "b" {
		t.Errorf("%+v, %v", sum, err)
	}
	add(t, ses, store.SessionEnded{Status: "done"})
	if _, err := ses.Append(t.Context(), store.Prompt{Text: "four"}); !errors.Is(err, store.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if err := other.Remove(t.Context(), ses.ID(), "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := ses.Append(t.Context(), store.Note{Text: "five"}); !errors.Is(err, store.ErrEnded) {
		t.Errorf("after it was removed: %v", err)
	}
	if a, err := s.Check(t.Context(), ""); err != nil || !a.Intact() {
		t.Errorf("%+v, %v", a, err)
	}
}
