package fakedata

import "math/bits"

// fan spreads n children over m parents: each gets one (where n ≥ m), and the
// rest go by weights that repeat in blocks, shuffled from block to block. Both
// directions are formulas; a small memory of the last answer makes walking
// along the rows cheap.
type fan struct {
	key  key
	n, m int64
	flat bool // all weights alike

	block, total uint64 // weight of one whole block, of all parents
	last, lo, hi int64  // parent last has the children [lo, hi)
}

const fanBlock = 32

func newFan(k key, n, m int64, flat bool) *fan {
	f := &fan{key: k, n: n, m: m, flat: flat || n == m}
	for r := range int64(fanBlock) {
		f.block += f.ranked(r)
	}
	f.total = f.below(m)
	return f
}

// ranked is the weight of the parent of that rank in its block of 32: most
// have few children, some have many.
func (f *fan) ranked(rank int64) uint64 {
	if f.flat {
		return 1
	}
	return [fanBlock]uint64{
		36, 28, 24, 20, 16, 16, 12, 12, 12, 8, 8, 8, 8, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1,
	}[rank]
}

func (f *fan) weight(p int64) uint64 {
	if f.flat {
		return 1
	}
	shuffle := key(mix(uint64(f.key) + uint64(p/fanBlock)))
	return f.ranked(permute(shuffle, p%fanBlock, fanBlock))
}

// below is the weight of all parents before p.
func (f *fan) below(p int64) uint64 {
	sum := uint64(p/fanBlock) * f.block
	if f.flat {
		return sum + uint64(p%fanBlock)
	}
	for q := p / fanBlock * fanBlock; q < p; q++ {
		sum += f.weight(q)
	}
	return sum
}

// first is the number of p's first child, given the weight before p.
func (f *fan) first(p int64, below uint64) int64 {
	sure, extra := int64(0), f.n
	if f.n >= f.m {
		sure, extra = p, f.n-f.m
	}
	hi, lo := bits.Mul64(below, uint64(extra))
	q, _ := bits.Div64(hi, lo, f.total)
	return sure + int64(q)
}

// children are the rows [lo, hi) of parent p.
func (f *fan) children(p int64) (lo, hi int64) {
	if p == f.last && f.hi > 0 {
		return f.lo, f.hi
	}
	below := f.below(p)
	f.last, f.lo, f.hi = p, f.first(p, below), f.first(p+1, below+f.weight(p))
	return f.lo, f.hi
}

// parent is the one whose children include row i, which is below n.
func (f *fan) parent(i int64) int64 {
	if i >= f.lo && i < f.hi {
		return f.last
	}
	if f.hi > 0 && i == f.hi && f.last+1 < f.m { // the next row: mostly the next parent
		if lo, hi := f.children(f.last + 1); i >= lo && i < hi {
			return f.last
		}
	}
	lo, hi := int64(0), (f.m-1)/fanBlock+1 // blocks
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; f.first(mid*fanBlock, uint64(mid)*f.block) <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	p, below := lo*fanBlock, uint64(lo)*f.block
	for {
		start := f.first(p, below)
		below += f.weight(p)
		if end := f.first(p+1, below); i < end || p+1 >= f.m {
			f.last, f.lo, f.hi = p, start, end
			return p
		}
		p++
	}
}

// most is an upper bound of the children of one parent.
func (f *fan) most() int64 {
	extra := f.n
	if f.n >= f.m {
		extra = f.n - f.m
	}
	hi, lo := bits.Mul64(f.ranked(0), uint64(extra))
	q, _ := bits.Div64(hi, lo, f.total)
	return int64(q) + 2
}
