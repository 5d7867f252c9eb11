package fakedata

import (
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkGenerate reports rows written per second.
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
