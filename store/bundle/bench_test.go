package bundle_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/store/bundle"
	"glovebox/store/redact"
)

// BenchmarkHandOn writes a session of 100,000 events as a bundle, checks it and
// takes it in elsewhere, and the same with one of 10,000.
func BenchmarkHandOn(b *testing.B) {
	ctx := context.Background()
	for b.Loop() {
		for _, n := range []int{10_000, 100_000} {
			dir := b.TempDir()
			s, key := openLog(b, dir)
			// Appended by a log without syncing would not be one: so many appends take
			// a while, and are not what is measured.
			ses, err := s.Begin(ctx, store.SessionStarted{Model: "m"}, store.CurrentOwner())
			if err != nil {
				b.Fatal(err)
			}
			for i := range n - 2 {
				body := store.ToolResult{CallID: fmt.Sprintf("call_%d", i), Tool: "shell", Stdout: "total 12\n-rw-r--r-- 1 root root 4096 2024-01-02 03:04 customers.csv\n-rw-r--r-- 1 root root 4096 2024-01-02 03:04 orders.csv\n", DurationMS: 3}
				if _, err := ses.Append(ctx, body); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := ses.Append(ctx, store.SessionEnded{Status: "done"}); err != nil {
				b.Fatal(err)
			}
			file := filepath.Join(dir, "x.gbx")
			rate := func(name string, do func() error) {
				start := time.Now()
				if err := do(); err != nil {
					b.Fatal(err)
				}
				fmt.Printf("%-22s %7d events: %8.0f ms, %8.0f events/s\n", name, n, time.Since(start).Seconds()*1e3, float64(n)/time.Since(start).Seconds())
			}
			write := func(r *redact.Redactor) error {
				f, err := os.Create(file)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = bundle.Write(ctx, f, s, ses.ID(), key, r)
				return err
			}
			r, err := redact.New()
			if err != nil {
				b.Fatal(err)
			}
			rate("export, redacted", func() error { return write(r) })
			rate("export, whole", func() error { return write(nil) })
			rate("check of the bundle", func() error {
				bu, f, err := openFile(file)
				if err != nil {
					return err
				}
				defer f.Close()
				return bu.Verify(ctx)
			})
			rate("import", func() error {
				bu, f, err := openFile(file)
				if err != nil {
					return err
				}
				defer f.Close()
				other, _ := openLog(b, b.TempDir())
				return other.Import(ctx, store.Import{Session: ses.ID(), Events: bu.Events(ctx), Evidence: bu.Manifest.Evidence})
			})
			rate("check in the log", func() error {
				a, err := s.Check(ctx, ses.ID())
				if err == nil && !a.Intact() {
					err = fmt.Errorf("%+v", a)
				}
				return err
			})
		}
	}
}

func openFile(path string) (*bundle.Bundle, *os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	b, err := bundle.Open(context.Background(), f, info.Size())
	return b, f, err
}
