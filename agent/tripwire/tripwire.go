// Package tripwire recognises values of a dataset in what is about to leave a
// box, however they are written: percent-encoded, in base64, base32 or hex,
// compressed, in other case, cut up by separators.
//
// What it promises: a value that was wired is found in every form that
// views.go can undo. What it does not: to see through encryption, or a code
// that two sides have agreed on. Begin with New; Wires.Find looks.
package tripwire

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	least      = 8       // bytes of the shortest value that is wired, as norm leaves it
	most       = 64      // of the longest; longer text is free text, and has canaries
	maxWired   = 500_000 // values at most: 12 MB
	often      = 3       // what a column has more often is no trace of one row
	maxHits    = 8       // that one Find tells
	filterBits = 22
)

// Value is a text of a dataset and where it stands.
type Value struct{ Table, Column, Text string }

// Hit is a value that was found.
type Hit struct {
	Canary        bool
	Table, Column string
	Unseen        bool   // more is packed in the text than can be looked through: it may hold anything
	As            string // how it was written: escaped, base64, base32, hex, compressed, reversed; "": as it is
}

// Wires are the values that are recognised. They are immutable and safe for
// concurrent use; nil finds nothing.
type Wires struct {
	places []place
	wires  []wire // by first, size, hash
	some   []uint64
	seed   maphash.Seed
}

type place struct {
	table, column string
	canary        bool
	as            string
}

// wire is a value: its first bytes, and a hash of the whole.
type wire struct {
	first, hash uint64
	place       uint16
	size        uint8
}

// New wires canaries, all of them, and of values those that are distinctive: a
// mail address, a phone or account number, a code, a full name, but no date, no
// word that many rows have, and no text longer than 64 characters.
func New(canaries, values iter.Seq[Value]) *Wires {
	w := &Wires{seed: maphash.MakeSeed(), some: make([]uint64, 1<<filterBits/64)}
	known := map[place]uint16{}
	at := func(v Value, canary bool, as string) (uint16, bool) {
		p := place{v.Table, v.Column, canary, as}
		i, ok := known[p]
		if !ok && len(w.places) < 1<<16-1 {
			i, ok = uint16(len(w.places)), true
			known[p] = i
			w.places = append(w.places, p)
		}
		return i, ok
	}
	for v := range canaries {
		for as, text := range map[string]string{"": v.Text, "reversed": reversed(v.Text)} {
			if i, ok := at(v, true, as); ok {
				w.add(norm(nil, text), i)
			}
		}
	}
	var buf []byte
	for v := range values {
		if buf = norm(buf[:0], v.Text); len(w.wires) < maxWired && distinctive(v.Text, buf) {
			if i, ok := at(v, false, ""); ok {
				w.add(buf, i)
			}
		}
	}
	w.sort()
	return w
}

func (w *Wires) add(n []byte, place uint16) {
	if len(n) >= least && len(n) <= most {
		w.wires = append(w.wires, wire{binary.LittleEndian.Uint64(n), maphash.Bytes(w.seed, n), place, uint8(len(n))})
	}
}

// sort drops what is there too often, and makes the rest fit to be searched.
func (w *Wires) sort() {
	slices.SortFunc(w.wires, func(a, b wire) int { return cmp.Or(compare(a, b), cmp.Compare(a.place, b.place)) })
	kept := w.wires[:0]
	for i := 0; i < len(w.wires); {
		end := i + 1
		for end < len(w.wires) && compare(w.wires[i], w.wires[end]) == 0 {
			end++
		}
		if end-i <= often || w.places[w.wires[i].place].canary {
			kept = append(kept, w.wires[i])
		}
		i = end
	}
	w.wires = slices.Clip(kept)
	for _, x := range w.wires {
		s := slot(x.first)
		w.some[s/64] |= 1 << (s % 64)
	}
}

func compare(a, b wire) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.size, b.size), cmp.Compare(a.hash, b.hash))
}

func slot(first uint64) uint64 { return first * 0x9e3779b97f4a7c15 >> (64 - filterBits) }

// Len is how many values are wired.
func (w *Wires) Len() int { return len(w.wires) }

// Find looks for values in a text, at most one of each column; canaries come
// first, and last comes that not all could be looked through.
func (w *Wires) Find(text []byte) []Hit {
	if w == nil || len(w.wires) == 0 {
		return nil
	}
	var out []Hit
	var buf []byte
	unseen := false
	for as, view := range views(text, &unseen) {
		buf = norm(buf[:0], view)
		out = w.find(out, buf, as)
	}
	slices.SortStableFunc(out, func(a, b Hit) int {
		if a.Canary == b.Canary {
			return 0
		}
		if a.Canary {
			return -1
		}
		return 1
	})
	out = out[:min(len(out), maxHits)]
	if unseen {
		canaries := slices.ContainsFunc(w.places, func(p place) bool { return p.canary })
		out = append(out, Hit{Canary: canaries, Unseen: true})
	}
	return out
}

// find looks in a text that norm has made.
func (w *Wires) find(out []Hit, n []byte, as string) []Hit {
	for i := 0; i+least <= len(n); i++ {
		first := binary.LittleEndian.Uint64(n[i:])
		if s := slot(first); w.some[s/64]>>(s%64)&1 == 0 {
			continue
		}
		for size := least; i+size <= len(n); size++ { // of those that begin alike, each length once
			at, _ := slices.BinarySearchFunc(w.wires, wire{first: first, size: uint8(size)}, compare)
			if at == len(w.wires) || w.wires[at].first != first {
				break
			}
			if size = int(w.wires[at].size); i+size > len(n) {
				break
			}
			sought := wire{first, maphash.Bytes(w.seed, n[i:i+size]), 0, uint8(size)}
			if at, found := slices.BinarySearchFunc(w.wires, sought, compare); found {
				out = w.hit(out, w.wires[at], as)
			}
		}
	}
	return out
}

func (w *Wires) hit(out []Hit, x wire, as string) []Hit {
	p := w.places[x.place]
	h := Hit{Canary: p.canary, Table: p.table, Column: p.column, As: cmp.Or(as, p.as)}
	if len(out) == 1000 || slices.ContainsFunc(out, func(o Hit) bool { return o.Canary == h.Canary && o.Table == h.Table && o.Column == h.Column }) {
		return out
	}
	return append(out, h)
}

// norm leaves letters and digits, in lower case: how a text is spaced, dotted
// or spelt out is no matter.
func norm[T string | []byte](to []byte, text T) []byte {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			to = append(to, c)
		case c >= 'A' && c <= 'Z':
			to = append(to, c+'a'-'A')
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
			if r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				to = utf8.AppendRune(to, unicode.ToLower(r))
			}
			i += n - 1
		}
	}
	return to
}

var date = regexp.MustCompile(`^\s*\d{4}-\d\d-\d\d([T ][\d:.]+ ?(Z|[+-][\d:]+)?)?\s*$`)

// distinctive says whether a value points to the dataset it is from. n is what
// norm makes of it.
func distinctive(text string, n []byte) bool {
	if len(n) < least || len(n) > most {
		return false
	}
	digits := 0
	for _, c := range n {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	switch {
	case date.MatchString(text):
		return false
	case strings.Contains(text, "@"):
		return true
	case digits == len(n):
		return digits >= 10
	case digits > 0:
		return len(n) >= 10
	}
	return len(n) >= 12 && strings.ContainsAny(strings.TrimSpace(text), " -")
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
