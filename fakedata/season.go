package fakedata

import (
	"slices"
	"time"
)

// season spreads moments over the years of a dataset as business does: more
// from year to year, less on weekends and at night, a peak before the end of
// the year, and a few days on which everyone comes at once.
type season struct {
	start int64    // Unix seconds of the first hour
	below []uint64 // weight of all hours before each hour; one more than there are hours
}

const hour = int64(3600)

// newSeason covers the window before now. Bursts depend on the seed alone.
func newSeason(seed, now int64) *season {
	s := &season{start: (now - window) / day * day}
	hours := (now-s.start)/hour + 2
	s.below = make([]uint64, 1, hours+1)
	bursts := newKey(seed, "\x00bursts")
	var weight uint64
	for h := range hours {
		at := s.start + h*hour
		if h%24 == 0 {
			t := time.Unix(at, 0).UTC()
			weight = 1000 + 1000*uint64(at-s.start)/uint64(window) // twice as much after the window
			weight = weight * [7]uint64{70, 100, 104, 106, 104, 112, 84}[t.Weekday()] / 100
			weight = weight * [12]uint64{84, 86, 94, 96, 98, 100, 92, 88, 100, 108, 130, 148}[t.Month()-1] / 100
			if b := bursts.at(at / day); b.n(150) == 0 {
				weight *= 4
			}
		}
		ofDay := [24]uint64{4, 2, 1, 1, 1, 3, 8, 18, 34, 48, 56, 54, 50, 50, 52, 50, 46, 44, 44, 46, 44, 36, 22, 10}[h%24]
		s.below = append(s.below, s.below[h]+weight*ofDay)
	}
	return s
}

// weight is that of all time before at, which lies in the window.
func (s *season) weight(at int64) uint64 {
	h := min(max(at-s.start, 0)/hour, int64(len(s.below)-2))
	into := uint64(min(max(at-s.start-h*hour, 0), hour))
	return s.below[h] + (s.below[h+1]-s.below[h])*into/uint64(hour)
}

// at is the moment before which lies that much weight.
func (s *season) at(weight uint64) int64 {
	h, found := slices.BinarySearch(s.below, weight)
	if !found {
		h--
	}
	h = min(max(h, 0), len(s.below)-2)
	return s.start + int64(h)*hour + int64((weight-s.below[h])*uint64(hour)/(s.below[h+1]-s.below[h]))
}

// between draws a moment in [lo, hi]; the more often draws is, the earlier.
func (s *season) between(r *stream, lo, hi int64, draws int) int64 {
	a, b := s.weight(lo), s.weight(hi)
	if b <= a {
		return lo + r.n(hi-lo+1)
	}
	x := r.n(int64(b - a))
	for range draws - 1 {
		x = min(x, r.n(int64(b-a)))
	}
	return min(hi, max(lo, s.at(a+uint64(x))))
}
