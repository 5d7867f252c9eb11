package mask

import (
	"encoding/binary"
	"math/bits"
)

// Binary logarithms of a bloom's size in bits; 2^28 are 32 MiB.
const (
	leastBloom = 16
	mostBloom  = 28
)

// bloom is a set that never forgets and sometimes takes something for a
// member. Its size is bounded, however much there is.
type bloom struct {
	shift uint // of a hash, to be the number of a bit
	bits  []uint64
}

// newBloom makes room for so many members.
func newBloom(members int64) *bloom {
	size := min(max(bits.Len64(uint64(members)*24), leastBloom), mostBloom)
	return &bloom{uint(64 - size), make([]uint64, 1<<(size-6))}
}

func (b *bloom) each(h uint64, fn func(word *uint64, bit uint64)) {
	step := bits.RotateLeft64(h, 32) | 1
	for range 4 {
		fn(&b.bits[h>>b.shift>>6], 1<<(h>>b.shift&63))
		h = (h + step) * 0x9e3779b97f4a7c15
	}
}

// add says whether h was new.
func (b *bloom) add(h uint64) (fresh bool) {
	b.each(h, func(w *uint64, bit uint64) {
		fresh = fresh || *w&bit == 0
		*w |= bit
	})
	return fresh
}

func (b *bloom) has(h uint64) bool {
	all := true
	b.each(h, func(w *uint64, bit uint64) { all = all && *w&bit != 0 })
	return all
}

func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// fingerprint and windowPrint stand for a folded value, and for a window of it.
func fingerprint(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h)
}

func windowPrint(text string) uint64 {
	return mix(binary.LittleEndian.Uint64([]byte(text[:window])) ^ 0x5bd1e995)
}
