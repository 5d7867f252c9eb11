package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glovebox/store"
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

// BenchmarkAppend is an append of 2 kB, with its tree and the index, against an
// insert of the same bytes by nothing but SQLite, as durable.
func BenchmarkAppend(b *testing.B) {
	const rows, piece = 3000, 100
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
		b.ReportMetric(theirs.Seconds()/(ours+index).Seconds(), "ratio")
		bare.Close()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
