package fakedata

import "math/bits"

// key names one source of randomness, such as a column.
type key uint64

// newKey derives a key from the recipe's seed and a path of names. Keys of
// different paths are unrelated, so that one more column disturbs no other.
func newKey(seed int64, path ...string) key {
	h := mix(uint64(seed) ^ 0x9e3779b97f4a7c15)
	for _, p := range path {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 0x100000001b3
		}
		h = mix(h ^ uint64(len(p)))
	}
	return key(h)
}

// sub is the key of something below k.
func (k key) sub(name string) key { return newKey(int64(k), name) }

// at is the stream of row i.
func (k key) at(i int64) stream { return stream{mix(uint64(k) ^ mix(uint64(i)+0x632be59bd9b4e019))} }

// mix is the finaliser of splitmix64: a bijection in which every bit of the
// input reaches every bit of the output.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// stream is a short sequence of random numbers (splitmix64). Only integers
// come out of it: floating point may round differently on other machines.
type stream struct{ state uint64 }

// Uint64 makes a stream a math/rand/v2 Source.
func (s *stream) Uint64() uint64 {
	s.state += 0x9e3779b97f4a7c15
	return mix(s.state)
}

// n returns a number in [0, n); 0 where n < 1.
func (s *stream) n(n int64) int64 {
	if n < 1 {
		return 0
	}
	hi, _ := bits.Mul64(s.Uint64(), uint64(n))
	return int64(hi)
}

// between returns a number in [lo, hi].
func (s *stream) between(lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	span := uint64(hi) - uint64(lo) + 1
	if span == 0 { // all of int64
		return int64(s.Uint64())
	}
	x, _ := bits.Mul64(s.Uint64(), span)
	return int64(uint64(lo) + x)
}

// chance is true in percent of 100 cases.
func (s *stream) chance(percent int64) bool { return s.n(100) < percent }

// skew returns a number in [0, n) with the long tail of Zipf's law: x is about
// as likely as 1/(x+1).
func (s *stream) skew(n int64) int64 {
	if n <= 1 {
		return 0
	}
	levels := int64(bits.Len64(uint64(n)))
	for {
		size := int64(1) << s.n(levels)
		if x := size - 1 + s.n(size); x < n {
			return x
		}
	}
}

// choose returns one of list, each as likely.
func choose[T any](s *stream, list []T) T { return list[s.n(int64(len(list)))] }

// permute is a bijection of [0, n): a Feistel network over the next power of
// four, walked until it lands inside.
func permute(k key, i, n int64) int64 {
	if n <= 1 {
		return 0
	}
	half := uint(bits.Len64(uint64(n-1))+1) / 2
	mask := uint64(1)<<half - 1
	x := uint64(i)
	for {
		l, r := x>>half, x&mask
		for round := range uint64(4) {
			l, r = r, l^(mix(uint64(k)^mix(r+round<<56))&mask)
		}
		if x = l<<half | r; x < uint64(n) {
			return int64(x)
		}
	}
}
