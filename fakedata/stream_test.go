package fakedata

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPermuteIsABijection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := key(rapid.Uint64().Draw(t, "key"))
		n := rapid.Int64Range(1, 3000).Draw(t, "n")
		seen := make([]bool, n)
		for i := range n {
			x := permute(k, i, n)
			if x < 0 || x >= n || seen[x] {
				t.Fatalf("%d goes to %d: outside [0,%d) or taken", i, x, n)
			}
			seen[x] = true
		}
	})
}

// TestFan: the children of all parents are all rows, each once, in order, and
// asking in any order gives the same answers.
func TestFan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := key(rapid.Uint64().Draw(t, "key"))
		n, m := rapid.Int64Range(1, 2000).Draw(t, "n"), rapid.Int64Range(1, 500).Draw(t, "m")
		f := newFan(k, n, m, rapid.Bool().Draw(t, "flat"))
		next := int64(0)
		for p := range m {
			lo, hi := f.children(p)
			if lo != next || hi < lo || hi-lo > f.most() || n >= m && hi == lo {
				t.Fatalf("parent %d has rows [%d,%d), want them from %d on, at most %d", p, lo, hi, next, f.most())
			}
			next = hi
		}
		if next != n {
			t.Fatalf("%d of %d rows have a parent", next, n)
		}
		fresh := newFan(k, n, m, f.flat)
		for range 50 {
			i := rapid.Int64Range(0, n-1).Draw(t, "row")
			p := fresh.parent(i)
			if lo, hi := f.children(p); i < lo || i >= hi {
				t.Fatalf("row %d has parent %d, whose rows are [%d,%d)", i, p, lo, hi)
			}
		}
	})
}

func TestStreamsStayInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stream{rapid.Uint64().Draw(t, "state")}
		lo, hi := rapid.Int64().Draw(t, "lo"), rapid.Int64().Draw(t, "hi")
		if x := s.between(lo, hi); hi >= lo && (x < lo || x > hi) {
			t.Fatalf("between(%d, %d) = %d", lo, hi, x)
		}
		n := rapid.Int64Range(1, 1<<62).Draw(t, "n")
		if x := s.n(n); x < 0 || x >= n {
			t.Fatalf("n(%d) = %d", n, x)
		}
		if x := s.skew(n); x < 0 || x >= n {
			t.Fatalf("skew(%d) = %d", n, x)
		}
	})
}

func TestDateText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unix := rapid.Int64Range(-62_167_219_200, 253_402_300_799).Draw(t, "unix")
		at := time.Unix(unix, 0).UTC()
		if got, want := dateText(unix, true), at.Format(time.DateTime); got != want {
			t.Fatalf("%d is %s, want %s", unix, got, want)
		}
		if got, want := dateText(unix, false), at.Format(time.DateOnly); got != want {
			t.Fatalf("%d is %s, want %s", unix, got, want)
		}
	})
}
