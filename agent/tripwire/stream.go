package tripwire

import "slices"

// overlap is how much of what went before is looked at again with what comes:
// a value, written as wastefully as views.go can undo, fits into it.
const overlap = 1 << 10

// Stream looks through a text that comes in pieces, of which none is kept. It
// is for one goroutine.
type Stream struct {
	Wires *Wires
	tail  []byte
}

// Next looks at a piece together with the end of what went before.
func (s *Stream) Next(piece []byte) []Hit {
	text := slices.Concat(s.tail, piece)
	hits := s.Wires.Find(text)
	s.tail = append([]byte(nil), text[max(len(text)-overlap, 0):]...)
	return hits
}
