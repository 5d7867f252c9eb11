package bundle

import (
	"iter"

	"glovebox/store"
)

// ahead reads a sequence in a goroutine of its own, at most some hundred events
// before they are asked for, so that reading and writing each have a processor.
func ahead(events iter.Seq2[store.Disclosure, error]) iter.Seq2[store.Disclosure, error] {
	type item struct {
		d   store.Disclosure
		err error
	}
	return func(yield func(store.Disclosure, error) bool) {
		pieces := make(chan []item, 4)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			defer close(pieces)
			var piece []item
			size := 0
			send := func() bool {
				select {
				case pieces <- piece:
				case <-stop:
					return false
				}
				piece, size = nil, 0
				return true
			}
			for d, err := range events {
				piece = append(piece, item{d, err})
				for _, f := range d.Fields {
					size += len(f.Value)
				}
				if (len(piece) >= 128 || size > 1<<20) && !send() {
					return
				}
			}
			send()
		}()
		defer func() {
			close(stop)
			<-done
		}()
		for piece := range pieces {
			for _, it := range piece {
				if !yield(it.d, it.err) {
					return
				}
			}
		}
	}
}
