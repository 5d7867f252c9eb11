package main

import "sync/atomic"

// outputMeter counts what a command says on both outputs together.
type outputMeter struct {
	max  int64  // bytes; 0: no limit
	end  func() // called once, when the command has said too much
	said atomic.Int64
	over atomic.Bool
}

// take returns how much of n bytes may still pass.
func (m *outputMeter) take(n int) int {
	said := m.said.Add(int64(n))
	if m.max <= 0 || said <= m.max {
		return n
	}
	if !m.over.Swap(true) {
		m.end()
	}
	return int(max(0, m.max-(said-int64(n))))
}
