package fakedata

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/brianvoe/gofakeit/v7"
)

// benchRows is how many rows each contestant makes; FAKEDATA_ROWS changes it.
func benchRows() int {
	if n, err := strconv.Atoi(os.Getenv("FAKEDATA_ROWS")); err == nil {
		return n
	}
	return 200_000
}

const personSchema = `CREATE TABLE people (id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT NOT NULL,
	phone TEXT, city TEXT, country TEXT, birth_date TEXT, created_at TEXT NOT NULL)`

func personTable(b *testing.B) *Schema {
	b.Helper()
	s, err := Parse(b.Context(), "people", personSchema)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkPersonTable makes the same nine-column table with gofakeit's own
// writers, with a bare loop of inserts, and with this package, in one run. It
// fails where CSV is not three times as quick as gofakeit's, or SQLite slower
// than 0.8 of the bare loop.
func BenchmarkPersonTable(b *testing.B) {
	n := benchRows()
	var used time.Duration
	start := func(*testing.B) { used = cpuTime() }
	rates := map[string]float64{}
	rate := func(b *testing.B) { // processor time too: it says more on a busy machine
		_, name, _ := strings.Cut(b.Name(), "/")
		name, _, _ = strings.Cut(name, "#")
		rates[name] = float64(n) * float64(b.N) / b.Elapsed().Seconds()
		b.ReportMetric(rates[name], "rows/s")
		b.ReportMetric(float64((cpuTime()-used).Nanoseconds())/1000/float64(n)/float64(b.N), "cpu-µs/row")
	}
	b.Run("gofakeit-struct", func(b *testing.B) {
		type person struct {
			First   string    `fake:"{firstname}"`
			Last    string    `fake:"{lastname}"`
			Email   string    `fake:"{email}"`
			Phone   string    `fake:"{phone}"`
			City    string    `fake:"{city}"`
			Country string    `fake:"{country}"`
			Birth   string    `fake:"{year}-{month}-{day}"`
			Created time.Time `fake:"{date}"`
			ID      int
		}
		start(b)
		for b.Loop() {
			f := gofakeit.New(1)
			for range n {
				var p person
				if err := f.Struct(&p); err != nil {
					b.Fatal(err)
				}
			}
		}
		rate(b)
	})
	b.Run("gofakeit-csv", func(b *testing.B) {
		start(b)
		for b.Loop() {
			o := &gofakeit.CSVOptions{Delimiter: ",", RowCount: n, Fields: []gofakeit.Field{
				{Name: "id", Function: "autoincrement"},
				{Name: "first_name", Function: "firstname"},
				{Name: "last_name", Function: "lastname"},
				{Name: "email", Function: "email"},
				{Name: "phone", Function: "phone"},
				{Name: "city", Function: "city"},
				{Name: "country", Function: "country"},
				{Name: "birth_date", Function: "date"},
				{Name: "created_at", Function: "date"},
			}}
			text, err := gofakeit.New(1).CSV(o)
			if err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(b.TempDir(), "x.csv"), text, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	s := personTable(b)
	b.Run("csv", func(b *testing.B) {
		start(b)
		for b.Loop() {
			if err := Generate(b.Context(), s, recipe(n), Target{Path: filepath.Join(b.TempDir(), "x"), Format: FormatCSV}, nil); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("sqlite", func(b *testing.B) {
		start(b)
		for b.Loop() {
			if err := Generate(b.Context(), s, recipe(n), Target{Path: filepath.Join(b.TempDir(), "x.db")}, nil); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("bare-inserts", func(b *testing.B) { bareInserts(b, s, n, func() { start(b) }); rate(b) })
	for _, bar := range []struct {
		ours, theirs string
		least        float64
	}{{"csv", "gofakeit-csv", 3}, {"sqlite", "bare-inserts", 0.8}} {
		if rates[bar.ours] == 0 || rates[bar.theirs] == 0 {
			continue
		}
		ratio := rates[bar.ours] / rates[bar.theirs]
		b.Logf("%s: %.2f times as quick as %s", bar.ours, ratio, bar.theirs)
		if ratio < bar.least {
			b.Errorf("%s is %.2f times as quick as %s, which is less than %g", bar.ours, ratio, bar.theirs, bar.least)
		}
	}
}

// cpuTime is what the process has used of all processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareInserts puts rows that are made already into SQLite, as fast as a plain
// loop over a prepared statement does it.
func bareInserts(b *testing.B, s *Schema, n int, start func()) {
	b.Helper()
	p, err := newPlan(s, recipe(n))
	if err != nil {
		b.Fatal(err)
	}
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = p.tables[0].values(int64(i))
	}
	start()
	for b.Loop() {
		db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "x.db")+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=locking_mode(EXCLUSIVE)")
		if err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(b.Context(), s.DDL); err != nil {
			b.Fatal(err)
		}
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		stmt, err := tx.PrepareContext(b.Context(), p.tables[0].insertSQL())
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range rows {
			if _, err := stmt.ExecContext(b.Context(), row...); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPeakMemory reports the memory that the process came to hold, in a
// process of its own for each size: FAKEDATA_ROWS and FAKEDATA_FORMAT say what
// it makes.
func BenchmarkPeakMemory(b *testing.B) {
	s := personTable(b)
	f := Format(os.Getenv("FAKEDATA_FORMAT"))
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "x")
		if err := Generate(b.Context(), s, recipe(benchRows()), Target{Path: path, Format: f}, nil); err != nil {
			b.Fatal(err)
		}
		_ = os.RemoveAll(path)
	}
	status, err := os.Open("/proc/self/status")
	if err != nil {
		b.Skip("only Linux tells")
	}
	defer status.Close()
	text, err := io.ReadAll(status)
	if err != nil {
		b.Fatal(err)
	}
	var kib int
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(after, &kib); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(kib)/1024, "MiB-peak")
}

// BenchmarkGenerate reports rows written per second, of a whole schema.
func BenchmarkGenerate(b *testing.B) {
	s, err := Builtin("shop")
	if err != nil {
		b.Fatal(err)
	}
	for _, rows := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			var all int64
			for n := range b.N {
				path := filepath.Join(b.TempDir(), fmt.Sprint(n))
				if err := Generate(b.Context(), s, recipe(rows), Target{Path: path}, func(done, _ int64) { all = done }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(all)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
