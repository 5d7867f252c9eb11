package fakedata

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
)

// A Mark is a value of a dataset that hardly occurs anywhere else.
type Mark struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Canary bool   `json:"canary"` // one that was planted for this
}

// Marks knows the values by which a dataset can be recognised: its canaries,
// and what stands in columns of e-mail addresses, phone numbers, logins, keys, tokens and
// codes. It is read-only once made and may be used by several goroutines. It
// takes about 40 bytes for each value, and holds maxMarks at most: of larger
// datasets, the first rows of each column.
type Marks struct {
	seed    maphash.Seed
	lengths map[uint64]uint64 // by the first markWindow bytes of a value, as a number: bit n for a length of n
	columns map[uint64]int32  // by the hash of all of it: index into places
	places  []Mark
}

const (
	maxMarks   = 1 << 20
	markWindow = 8  // bytes; a value with fewer marks nothing
	maxMark    = 63 // bytes of a value that are compared
)

// marking kinds of columns.
func marking(kind string) bool {
	return slices.Contains([]string{"email", "phone", "username", "uuid", "hex", "password", "iban", "code", "sku", "barcode", "taxid", "url", "slug"}, kind)
}

// NewMarks reads the marks of r's dataset, in the SQLite file at path.
func NewMarks(ctx context.Context, s *Schema, r Recipe, path string) (_ *Marks, err error) {
	p, err := newPlan(s, r)
	if err != nil {
		return nil, fmt.Errorf("planning schema %q: %w", s.Name, err)
	}
	m := &Marks{seed: maphash.MakeSeed(), lengths: map[uint64]uint64{}, columns: map[uint64]int32{}}
	var columns []*column
	var tables []*table // of columns
	for _, t := range p.tables {
		for _, c := range t.cols {
			if c.canary != "" {
				m.add([]byte(c.canary), m.place(t, c, true))
			}
			if c.class == classText && c.link == nil && c.dom.enum == nil && marking(c.kind) {
				tables, columns = append(tables, t), append(columns, c)
			}
		}
	}
	if len(columns) == 0 {
		return m, nil
	}
	db, err := openToRead(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for i, c := range columns {
		place := m.place(tables[i], c, false)
		rows, err := db.QueryContext(ctx, "SELECT "+quote(c.Name)+" FROM "+quote(tables[i].Name)+" LIMIT ?", maxMarks/len(columns))
		if err != nil {
			return nil, fmt.Errorf("reading table %q: %s", tables[i].Name, sqliteMessage(err))
		}
		for rows.Next() {
			var v any
			if err := rows.Scan(&v); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			if text, ok := v.(string); ok {
				letters, _ := bare(text)
				m.add(letters, place)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("reading table %q: %w", tables[i].Name, err)
		}
	}
	return m, nil
}

func (m *Marks) place(t *table, c *column, canary bool) int32 {
	m.places = append(m.places, Mark{t.Name, c.Name, canary})
	return int32(len(m.places) - 1)
}

// add takes in a value in its bare form; what is too short marks nothing.
func (m *Marks) add(letters []byte, place int32) {
	if letters = letters[:min(len(letters), maxMark)]; len(letters) < markWindow {
		return
	}
	m.lengths[binary.BigEndian.Uint64(letters)] |= 1 << len(letters)
	h := maphash.Bytes(m.seed, letters)
	if _, ok := m.columns[h]; !ok { // canaries come first and stay
		m.columns[h] = place
	}
}

// Find returns the first mark in text. Case and whatever is neither a letter nor a
// digit do not matter, so that (02) 5550-8605 is found as 02 5550 8605 too; a canary is found
// within a word, the others as whole words only. What is encoded, the caller decodes first.
// It takes about a second for 100 MB.
func (m *Marks) Find(text string) (Mark, bool) {
	letters, begins := bare(text)
	whole := func(at int) bool { return at == len(letters) || begins[at] }
	var window uint64
	for end := 1; end <= len(letters); end++ {
		window = window<<8 | uint64(letters[end-1])
		if end < markWindow {
			continue
		}
		start := end - markWindow
		for lengths := m.lengths[window]; lengths != 0; lengths &= lengths - 1 {
			n := bits.TrailingZeros64(lengths)
			if start+n > len(letters) {
				break
			}
			place, ok := m.columns[maphash.Bytes(m.seed, letters[start:start+n])]
			if !ok {
				continue
			}
			if mark := m.places[place]; mark.Canary || whole(start) && (whole(start+n) || n == maxMark) {
				return mark, true
			}
		}
	}
	return Mark{}, false
}

// bare keeps of a text its letters and digits, without case, and tells which of them
// begin a word.
func bare(text string) (letters []byte, begins []bool) {
	letters, begins = make([]byte, 0, len(text)), make([]bool, 0, len(text))
	word := false
	for i := range len(text) {
		b := text[i]
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		if is := b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b >= 0x80; is {
			letters, begins = append(letters, b), append(begins, !word)
			word = true
		} else {
			word = false
		}
	}
	return letters, begins
}
