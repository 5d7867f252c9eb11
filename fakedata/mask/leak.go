package mask

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"glovebox/fakedata"
)

// The search for originals in the output goes by three rules.
//
// What is looked for: every value, in whatever case, of a column that is
// masked; of columns of names also every word; of texts also the words with a
// digit or an @ in them. Not looked for: values that tell next to nothing
// (tellingBits: four letters, six digits); values that were shifted or exchanged
// among themselves (numbers, dates, keys), because any value is as likely there
// as before; and the exempt: names in the schema, harmless columns' values, and
// those that the plan calls public.
//
// Where: every cell of the output, and every word in its texts, whatever was
// done to the column; what views, triggers and indexes have between quotes. Then every byte of the file, for values of at least eight
// bytes that tell so much that one of them would stand there by chance in fewer
// than one of a thousand files like this one; the proof says how much that is.
//
// What cannot be seen: an original that was written another way (reversed,
// encoded, translated), and what a text says without naming it. The methods do
// not make such things; a plan that keeps a column may let them through.

// ErrLeak says that an original value was found in the output.
var ErrLeak = errors.New("an original value survives")

const (
	tellingBits   = 20
	window        = 8 // bytes of a value that are looked for at each place of the file
	maxCandidates = 1 << 20
	maxPlaces     = 1000    // that are noted of one window
	maxScans      = 2 << 30 // bytes that are read again for values of which no window is rare enough
)

// windows are where a value is looked for: what thousands begin with, as addresses
// do, says nothing of one of them.
func windows(text string) [3]int { return [3]int{0, (len(text) - window) / 2, len(text) - window} }

func foldByte(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func foldText(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' }) < 0 {
		return s
	}
	b := []byte(s)
	for i := range b {
		b[i] = foldByte(b[i])
	}
	return string(b)
}

// tells is how much a text tells, in bits, estimated low.
func tells(text string) float64 {
	sum, last := 0.0, rune(-1)
	for _, r := range text[:min(len(text), 64)] {
		switch {
		case r == last:
			sum += 0.5
		case r >= '0' && r <= '9':
			sum += 3.3
		case r >= 'a' && r <= 'z':
			sum += 4
		case r >= 0x2e80 || r == utf8.RuneError:
			sum += 7
		case r >= 0x80:
			sum += 4
		default:
			sum++
		}
		last = r
	}
	return sum
}

func telling(text string) bool { return tells(text) >= tellingBits }

// originalsOf calls fn for everything in v that must not survive.
func originalsOf(c *column, v any, fn func(text string)) {
	text := ""
	switch v := v.(type) {
	case nil:
		return
	case string:
		text = v
	case []byte:
		text = string(v[:min(len(v), 4096)])
	case int64:
		if c.method == methodKey || c.method == methodNumber || c.method == methodDate {
			return
		}
		text = strconv.FormatInt(v, 10)
	default:
		return
	}
	switch c.method {
	case methodKeep:
		return
	case methodKey:
		if wholeNumber(text) {
			return
		}
	case methodNumber:
		if wholeNumber(text) || decimalNumber(text) {
			return
		}
	case methodDate:
		if _, ok := readMoment(text); ok {
			return
		}
	}
	fn(text)
	switch {
	case isObject(text):
		_ = walkJSON(text, func(key bool, s string) {
			if !key || !c.keys[s] {
				if _, date := readMoment(s); !date && !wholeNumber(s) && !decimalNumber(s) {
					fn(s)
				}
			}
		})
	case isLong(text) || c.method == methodText:
		for w := range strings.FieldsSeq(text) {
			if strings.ContainsAny(w, "@0123456789") {
				if _, date := readMoment(w); !date {
					fn(strings.Trim(w, ".,;:!?()[]{}<>\"'"))
				}
			}
		}
	case c.method == methodName:
		eachWord(text, func(w string) {
			if w != text {
				fn(w)
			}
		})
	}
}

// searcher holds what was found and is not certain yet.
type searcher struct {
	sv      *surveyed
	found   map[uint64]string // fingerprint: where
	windows map[uint64][]int64
	scanned int64 // bytes
	res     Searched
}

// check searches the output for originals.
func check(ctx context.Context, src *source, path string, p *plan, sv *surveyed, progress func(string, int64, int64)) (res *Searched, err error) {
	s := &searcher{sv: sv, found: map[uint64]string{}, windows: map[uint64][]int64{}}
	s.res.Values, s.res.Exempt = sv.values, len(sv.exempt)
	for _, t := range p.tables {
		for _, c := range t.cols {
			if c.method == methodKey || c.method == methodNumber || c.method == methodDate {
				s.res.Shifted = append(s.res.Shifted, c.name())
			}
		}
	}
	out, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("opening the output: %w", err)
	}
	defer func() { err = errors.Join(err, out.close()) }()
	for i := range out.schema.Tables {
		// The tables of the output may be sorted otherwise; a CSV file's goes by another name.
		k := slices.IndexFunc(p.tables, func(t *table) bool { return t.Name == out.schema.Tables[i].Name || len(p.tables) == 1 })
		if k < 0 {
			return nil, fmt.Errorf("the output has a table %q that the source has not", out.schema.Tables[i].Name)
		}
		if err := s.cells(ctx, out, i, p.tables[k], progress); err != nil {
			return nil, err
		}
	}
	for _, o := range out.schema.Objects() {
		if o.Kind == "table" { // what a CHECK or a DEFAULT lists is in every row's way; the bytes are searched for it
			continue
		}
		for _, text := range fakedata.Literals(o.SQL) {
			if err := s.cell(&column{Column: &fakedata.Column{Name: o.Name}, table: &table{Table: &fakedata.Table{Name: o.Kind}}, method: methodKeep}, text); err != nil {
				return nil, err
			}
		}
	}
	s.res.MinBits = math.Ceil(math.Log2(float64(max(out.size, 1))) + math.Log2(float64(max(sv.values, 1))) + 10)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for b, n := range sv.telling {
		if float64(b) < s.res.MinBits {
			s.res.NotBytes += n
		}
	}
	if err := s.bytes(ctx, f, out.size, progress); err != nil {
		return nil, err
	}
	if err := s.confirm(ctx, src, f, p, progress); err != nil {
		return nil, err
	}
	return &s.res, nil
}

func (s *searcher) cells(ctx context.Context, out *source, i int, t *table, progress func(string, int64, int64)) error {
	n := int64(0)
	return out.each(ctx, i, "", "", func(row []any) error {
		if n++; n%8192 == 0 {
			progress("searching "+t.Name, n, 0)
		}
		for c, v := range row {
			s.res.Cells++
			if err := s.cell(t.cols[c], v); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *searcher) cell(c *column, v any) error {
	text := ""
	switch v := v.(type) {
	case string:
		text = foldText(v)
	case []byte:
		text = foldText(string(v))
	case int64:
		text = strconv.FormatInt(v, 10)
	default:
		return nil
	}
	if shifted := c.method == methodKey && wholeNumber(text) || c.method == methodNumber; shifted {
		return nil
	}
	if c.method == methodDate {
		if _, ok := readMoment(text); ok || wholeNumber(text) {
			return nil
		}
	}
	note := func(s1 string) {
		if telling(s1) && s.sv.originals.has(fingerprint(s1)) {
			s.found[fingerprint(s1)] = c.name()
		}
	}
	note(text)
	if _, blob := v.([]byte); !blob {
		eachWord(text, note)
		if c.method == methodKeep {
			for w := range strings.FieldsSeq(text) {
				note(strings.Trim(w, ".,;:!?()[]{}<>\"'"))
			}
		}
	}
	if len(s.found) > maxCandidates {
		return errors.New("the search for originals has too much to look into: the file is too large for it")
	}
	return nil
}

// bytes notes every place of the file at which a window of a value might be.
func (s *searcher) bytes(ctx context.Context, f *os.File, size int64, progress func(string, int64, int64)) error {
	r := bufio.NewReaderSize(f, 1<<20)
	var w uint64
	for at, places := int64(0), 0; ; at++ {
		b, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			s.res.Bytes = at
			return nil
		} else if err != nil {
			return err
		}
		w = w>>8 | uint64(foldByte(b))<<56
		if at%(1<<22) == 0 {
			progress("searching the bytes", at, size)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if at < window-1 {
			continue
		}
		if h := mix(w ^ 0x5bd1e995); s.sv.originals.has(h) {
			if list := s.windows[h]; len(list) < maxPlaces {
				s.windows[h] = append(list, at-window+1)
				if places++; places > maxCandidates {
					return errors.New("the search for originals has too much to look into: the file is too large for it")
				}
			}
		}
	}
}

// confirm goes through the originals again: which of them is what was found?
func (s *searcher) confirm(ctx context.Context, src *source, f *os.File, p *plan, progress func(string, int64, int64)) error {
	if s.sv.values == 0 {
		return nil
	}
	return s.sv.eachOriginal(ctx, src, p, "comparing with", progress, func(c *column, text string) error {
		if where, ok := s.found[fingerprint(text)]; ok {
			return fmt.Errorf("%w: one of %s, %d bytes long, stands in %s of the output; mask that column, too (drop that view, trigger or index), or, if the value is harmless, list it under public in the plan",
				ErrLeak, oneLine(c.name()), len(text), oneLine(where))
		}
		if len(text) < window || math.Floor(tells(text)) < s.res.MinBits {
			return nil
		}
		if there, err := s.stands(f, text); err != nil {
			return err
		} else if there {
			return fmt.Errorf("%w: one of %s, %d bytes long, stands in the bytes of the output; a view, trigger, index or default of the schema "+
				"may name it, or a column that is kept hold it among others: leave that out with drop in the plan, or mask it", ErrLeak, oneLine(c.name()), len(text))
		}
		return nil
	})
}

// stands looks where the rarest window of a value was seen; where each was seen
// too often for all places to be noted, in the whole file.
func (s *searcher) stands(f *os.File, text string) (bool, error) {
	for _, from := range windows(text) {
		places := s.windows[windowPrint(text[from:])]
		if len(places) == maxPlaces {
			continue
		}
		got := make([]byte, len(text))
		for _, at := range places {
			if at < int64(from) {
				continue
			}
			if _, err := f.ReadAt(got, at-int64(from)); err != nil && !errors.Is(err, io.EOF) {
				return false, err
			}
			if foldText(string(got)) == text {
				return true, nil
			}
		}
		return false, nil
	}
	buf, kept := make([]byte, 1<<20+len(text)), 0
	for at := int64(0); ; {
		n, err := f.ReadAt(buf[kept:], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		for i := kept; i < kept+n; i++ {
			buf[i] = foldByte(buf[i])
		}
		at, s.scanned = at+int64(n), s.scanned+int64(n)
		piece := buf[:kept+n]
		switch {
		case bytes.Contains(piece, []byte(text)):
			return true, nil
		case err != nil:
			return false, nil
		case s.scanned > maxScans:
			return false, errors.New("the search for originals has too much to look into: thousands begin and end alike")
		}
		kept = copy(buf, piece[max(len(piece)-len(text), 0):])
	}
}
