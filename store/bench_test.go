package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/store/proof"
)

// prose is n bytes that look like output: words, numbers, lines.
func prose(random *rand.Rand, n int) string {
	words := strings.Fields("order customer refund table select count total price row error warning file path query result status value index shop invoice delivery street garden window")
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%s %d %s\n", words[random.IntN(len(words))], random.IntN(100_000), words[random.IntN(len(words))])
	}
	return b.String()[:n]
}

// BenchmarkAppend is an append of 2 kB, with its tree, and then with the index
// too, against an insert of the same bytes by nothing but SQLite, as durable:
// by turns, since a disk is not as quick in every second.
func BenchmarkAppend(b *testing.B) {
	const rows, piece = 6000, 500
	dir, random := b.TempDir(), rand.New(rand.NewPCG(1, 1))
	bodies := make([]store.ToolResult, rows)
	for i := range bodies {
		bodies[i] = store.ToolResult{CallID: "call_0123456789", Tool: "shell", Stdout: prose(random, 2000)}
	}
	for b.Loop() {
		ctx := b.Context()
		bare, err := sql.Open("sqlite", filepath.Join(dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
		if err != nil {
			b.Fatal(err)
		}
		bare.SetMaxOpenConns(1)
		if _, err := bare.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, at INTEGER, kind TEXT, body TEXT)`); err != nil {
			b.Fatal(err)
		}
		insert, err := bare.PrepareContext(ctx, `INSERT INTO event (at, kind, body) VALUES (?, ?, ?)`)
		if err != nil {
			b.Fatal(err)
		}
		s, err := store.Open(ctx, filepath.Join(dir, "log.db"))
		if err != nil {
			b.Fatal(err)
		}
		ses, err := s.Begin(ctx, store.SessionStarted{Model: "m"}, store.CurrentOwner())
		if err != nil {
			b.Fatal(err)
		}
		var ours, theirs, index time.Duration
		for i := 0; i < rows; i += piece {
			start := time.Now()
			for _, body := range bodies[i : i+piece] {
				if _, err := ses.Append(context.Background(), body); err != nil {
					b.Fatal(err)
				}
			}
			ours += time.Since(start)
			if err := s.Index(ctx); err != nil { // what is left to do of it
				b.Fatal(err)
			}
			index += time.Since(start)
			start = time.Now()
			for _, body := range bodies[i : i+piece] {
				tx, err := bare.BeginTx(ctx, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := tx.StmtContext(ctx, insert).ExecContext(ctx, start.UnixMicro(), body.Kind(), `{"call_id":"call_0123456789","tool":"shell","stdout":"`+body.Stdout+`","duration_ms":0}`); err != nil {
					b.Fatal(err)
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			theirs += time.Since(start)
		}
		b.ReportMetric(rows/ours.Seconds(), "appends/s")
		b.ReportMetric(rows/theirs.Seconds(), "bare/s")
		b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
		b.ReportMetric(theirs.Seconds()/index.Seconds(), "ratio-with-index")
		bare.Close()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// fillLog appends n events of 300 bytes or so each to one session, quickly:
// it takes them in as an import does.
func fillLog(b *testing.B, s *store.Store, id string, n int) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for range 500 {
		texts = append(texts, prose(random, 200))
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	salt := make([]byte, proof.SaltSize)
	events := func(yield func(store.Disclosure, error) bool) {
		for i := range n {
			d := store.Disclosure{Seq: int64(i + 1), At: at.Add(time.Duration(i) * time.Millisecond), Kind: "tool.result"}
			object := fmt.Sprintf(`{"call_id":"call_%d","tool":"shell","exit":0,"stdout":%q,"duration_ms":3}`, i, texts[i%len(texts)])
			switch i {
			case 0:
				d.Kind, object = "session.started", `{"program":"1","model":"m","system":"","tools":[],"config":{},"policy":{},"rigor":"standard"}`
			case n - 1:
				d.Kind, object = "session.ended", `{"status":"done"}`
			case n / 2:
				object = `{"call_id":"call","tool":"shell","stdout":"needle in the hay","duration_ms":3}`
			}
			d.Fields, _ = proof.Split([]byte(object))
			for range d.Fields {
				d.Proofs = append(d.Proofs, store.Proven{Salt: salt})
			}
			if !yield(d, nil) {
				return
			}
		}
	}
	if err := s.Import(b.Context(), store.Import{Session: id, Events: events, Evidence: store.Evidence{Log: "bench"}}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLongSession is what is done with a session of 10,000 events, and
// one ten times as long: costs must grow with its length, and no faster.
func BenchmarkLongSession(b *testing.B) {
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, n := range []int{10_000, 100_000} {
			dir := b.TempDir()
			key, err := store.LoadKey(filepath.Join(dir, "key"))
			if err != nil {
				b.Fatal(err)
			}
			s, err := store.Open(b.Context(), filepath.Join(dir, "log.db"))
			if err != nil {
				b.Fatal(err)
			}
			s.SignWith(key)
			ses, err := s.Begin(b.Context(), store.SessionStarted{Model: "m"}, store.CurrentOwner())
			if err != nil {
				b.Fatal(err)
			}
			body := store.ToolResult{CallID: "call_0123456789", Tool: "shell", Stdout: prose(rand.New(rand.NewPCG(1, 1)), 200)}
			tenth := n / 10 // appends one by one, of which each waits for the disk
			start := time.Now()
			for range tenth {
				if _, err := ses.Append(b.Context(), body); err != nil {
					b.Fatal(err)
				}
			}
			measure := func(name string, do func() error) {
				start := time.Now()
				if err := do(); err != nil {
					b.Fatal(err)
				}
				took[name] = append(took[name], time.Since(start))
			}
			took["append (a tenth)"] = append(took["append (a tenth)"], time.Since(start))
			measure("take in", func() error { fillLog(b, s, "longsession", n); return nil })
			measure("first page", func() error {
				count := 0
				for _, err := range s.Events(b.Context(), "longsession", 0) {
					if count++; err != nil || count == 100 {
						return err
					}
				}
				return nil
			})
			measure("read", func() error {
				for _, err := range s.Events(b.Context(), "longsession", 0) {
					if err != nil {
						return err
					}
				}
				return nil
			})
			if _, err := ses.Append(b.Context(), store.SessionEnded{Status: "done"}); err != nil {
				b.Fatal(err)
			}
			measure("check", func() error { return checked(b, s, "longsession") })
			measure("index", func() error { return s.Index(b.Context()) })
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(took)) {
		var small, large []time.Duration
		for i, d := range took[name] {
			if i%2 == 0 {
				small = append(small, d)
			} else {
				large = append(large, d)
			}
		}
		slices.Sort(small)
		slices.Sort(large)
		few, manyOf := small[len(small)/2], large[len(large)/2]
		fmt.Printf("%-18s 10,000: %8.1f ms   100,000: %8.1f ms   × %.1f\n", name, few.Seconds()*1e3, manyOf.Seconds()*1e3, manyOf.Seconds()/few.Seconds())
	}
}

// checked checks one session, without what proves where it is from: fillLog
// makes that up.
func checked(b *testing.B, s *store.Store, id string) error {
	a, err := s.Check(b.Context(), id)
	if err == nil && len(a.Sessions) == 1 && a.Sessions[0].Events == 0 {
		err = fmt.Errorf("%+v", a)
	}
	return err
}

// BenchmarkSearch is a search over a million events: words that are rare,
// common, absent, two at once, with filters.
func BenchmarkSearch(b *testing.B) {
	const sessions, each = 100, 10_000
	s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "log.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range sessions {
		fillLog(b, s, fmt.Sprintf("session%03d", i), each)
	}
	start := time.Now()
	if err := s.Index(b.Context()); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("indexed %d events in %.0f s\n", sessions*each, time.Since(start).Seconds())
	one := 1
	queries := []store.Query{
		{Text: "needle"},
		{Text: "order"},
		{Text: "order customer"},
		{Text: "absent"},
		{Text: `"needle in the hay"`},
		{Text: "ord*"},
		{Text: "window", Tool: "shell"},
		{Text: "order", Exit: &one},
		{Text: "needle", Filter: store.Filter{Text: "session050"}},
		{Text: "garden 4711"},
		{Text: "order", Filter: store.Filter{Status: "failed"}},
	}
	var took []time.Duration
	for b.Loop() {
		for _, q := range queries {
			start := time.Now()
			if _, err := s.Search(b.Context(), q); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			if os.Getenv("GLOVEBOX_BENCH_EACH") != "" {
				fmt.Printf("  %-24s %.1f ms\n", q.Text, time.Since(start).Seconds()*1e3)
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[len(took)*95/100].Seconds()*1e3, "p95-ms")
}
