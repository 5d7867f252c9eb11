package mask

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// triesPerGrowth is after how many refused pseudonyms the next may be longer;
// maxTries is after how many the value is given up.
const (
	triesPerGrowth = 60
	triesPerRange  = 8 // the same for phones and addresses, whose first range is soon full
	maxTries       = 40 * triesPerGrowth
	enoughBits     = 80    // drawn at random: no two values will meet
	maxCached      = 50000 // pseudonyms at hand
	farthest       = 1e15  // whole numbers up to here are exact in floating point
)

// masker gives pseudonyms. It is not safe for concurrent use.
type masker struct {
	key       *Key
	plan      *plan
	originals *bloom
	ledger    *ledger
	cache     map[string]string
	kinds     map[string]string // of names in JSON
	retries   int64             // pseudonyms that were refused
	longer    int64             // values whose pseudonym had to be longer
	unmoved   int64             // numbers, not zero, that were moved by nothing
}

// value is what v, in column c of a row that belongs to owner, becomes. It is
// of v's storage class, or nil.
func (m *masker) value(c *column, v any, owner string) (any, error) {
	if b, ok := v.([]byte); ok && b == nil {
		v = []byte{} // as the driver reads an empty blob; nil would be written as NULL
	}
	if v == nil || c.method == methodKeep {
		return v, nil
	}
	if c.method == methodNull {
		return nil, nil
	}
	if c.fixed {
		owner = ""
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return v, nil
		}
		return m.text(c, v, owner)
	case int64:
		return m.whole(c, v, owner)
	case float64:
		return m.real(c, v, owner)
	case []byte:
		return m.bytes(v)
	}
	return nil, fmt.Errorf("column %s holds a value of an unknown kind", c.name())
}

func (m *masker) text(c *column, v, owner string) (string, error) {
	switch c.method {
	case methodKey:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && wholeNumber(v) {
			return strconv.FormatInt(m.keyed(c, n), 10), nil
		}
	case methodNumber:
		if wholeNumber(v) || decimalNumber(v) {
			return m.shiftedText(c, v, owner), nil
		}
	case methodDate:
		if d, ok := readMoment(v); ok {
			return m.moved(c.table, d, owner).String(), nil
		}
	case methodPhone:
		if isPhone(v) {
			return m.phone(v)
		}
	case methodJSON:
		if isObject(v) {
			return m.json(c, v, owner)
		}
	}
	if out, ok, err := m.byLook(v); ok || err != nil {
		return out, err
	}
	switch {
	case isObject(v) && !c.exact:
		return m.json(c, v, owner)
	case c.method == methodText || isLong(v):
		return m.prose(v)
	case c.method == methodName:
		return m.words(v)
	}
	return m.code(v)
}

func (m *masker) whole(c *column, v int64, owner string) (any, error) {
	switch c.method {
	case methodKey:
		return m.keyed(c, v), nil
	case methodNumber:
		if v > -farthest && v < farthest {
			if n, err := strconv.ParseInt(m.shiftedText(c, strconv.FormatInt(v, 10), owner), 10, 64); err == nil {
				return n, nil
			}
		}
		return m.permuted(v), nil // no measure is that large
	case methodDate:
		if n, ok := m.movedEpoch(c.table, v, owner); ok {
			return n, nil
		}
	}
	text := strconv.FormatInt(v, 10)
	var err error
	if c.method == methodPhone && isPhone(text) {
		text, err = m.phone(text)
		text = strings.TrimPrefix(text, "+")
	} else {
		text, err = m.code(text)
	}
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	return m.permuted(v), nil // of nineteen digits, not each is a number
}

func (m *masker) real(c *column, v float64, owner string) (any, error) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return v, nil
	}
	switch {
	case c.method == methodDate && v > 1_700_000 && v < 3_000_000: // Julian days
		days, clock := m.shift(c.table, owner)
		return v + float64(days) + clock.Hours()/24, nil
	case (c.method == methodNumber || c.method == methodDate) && !c.exact:
		return strconv.ParseFloat(m.shiftedText(c, strconv.FormatFloat(v, 'f', -1, 64), owner), 64)
	}
	return m.otherReal(v)
}

// otherReal is another number of as many digits and the same magnitude.
func (m *masker) otherReal(v float64) (float64, error) {
	if v == 0 {
		return v, nil
	}
	text := strconv.FormatFloat(math.Abs(v), 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	power, err := strconv.Atoi(exponent)
	if err != nil {
		return 0, err
	}
	out, err := m.pick("real", text, func(s *stream, grow int) string {
		n := string(rune('1'+s.n(9))) + "." + drawDigits(s, len(digits(mantissa))-1+grow)
		f, _ := strconv.ParseFloat(fmt.Sprintf("%se%d", n, max(min(power, 300), -300)), 64) // the nearest there is
		return strconv.FormatFloat(f, 'e', -1, 64)
	})
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(out, 64)
	return math.Copysign(f, v), err
}

// keyed is permuted, or a permutation of what lies between the bounds of a
// column that nothing refers to.
func (m *masker) keyed(c *column, v int64) int64 {
	if !c.bounded || !(c.least <= float64(v) && float64(v) <= c.most && c.most-c.least < 1e15) {
		return m.permuted(v)
	}
	least := int64(c.least)
	return least + int64(m.key.permute(uint64(v-least), uint64(int64(c.most)-least)+1))
}

// permuted is the key method: another number of as many digits. It is a
// permutation, the same one in every column, so whatever refers to a number
// goes on referring to it.
func (m *masker) permuted(v int64) int64 {
	x := uint64(v)
	if v < 0 {
		x = -x
	}
	least, next := uint64(1), uint64(10) // numbers of as many digits
	for next <= x && next < 1e19 {
		least, next = next, next*10
	}
	if x == 0 {
		return 0
	}
	next = min(next, 1<<63)
	x = least + m.key.permute(x-least, next-least)
	if v < 0 {
		return -int64(x)
	}
	return int64(x)
}

// shiftedText is the number method: v moved by up to so many percent, with as
// many decimals and the same sign, within the bounds of its column. All numbers
// of one owner move alike, so what was more stays more. Zero stays.
func (m *masker) shiftedText(c *column, v, owner string) string {
	x, err := strconv.ParseFloat(v, 64)
	if err != nil || x == 0 {
		return v
	}
	_, part, _ := strings.Cut(v, ".")
	places := min(len(part), 15)
	unit := math.Pow10(-places)
	s := m.key.stream("number", owner)
	e := float64(int64(s.n(2_000_001))-1_000_000) / 1e6
	share := float64(m.plan.percent) / 100
	step := func(of float64) float64 { return max(unit, float64(math.Abs(of)*share)) }
	if c.most-c.least < 2*step(c.most) { // bounds so narrow would pin it down
		e = -math.Abs(e)
	}
	y := x + float64(e*step(x)) // the conversions keep machines from rounding once where others round twice
	if c.most-c.least >= 2*step(c.most) {
		// The least and the largest are somebody's, too: they do not stay where they are.
		y = min(y, c.most-float64(math.Abs(e)*step(c.most)))
		y = max(y, c.least+float64(math.Abs(e)*step(c.least)))
	}
	if math.IsInf(y, 0) || math.IsNaN(y) {
		y = float64(x * (1 - float64(math.Abs(e)*share)))
	}
	if x > 0 {
		y = max(y, min(unit, x))
	} else {
		y = min(y, max(-unit, x))
	}
	if c.lo != nil {
		y = max(y, *c.lo)
	}
	if c.hi != nil {
		y = min(y, *c.hi)
	}
	out := strconv.FormatFloat(math.Round(y/unit)*unit, 'f', places, 64)
	if out == v {
		m.unmoved++
	}
	return out
}

func (m *masker) bytes(v []byte) ([]byte, error) {
	if len(v) == 0 {
		return v, nil
	}
	if len(v)*8 >= enoughBits {
		out := make([]byte, len(v))
		m.key.stream("bytes", string(v)).fill(out)
		return out, nil
	}
	out, err := m.pick("bytes", string(v), func(s *stream, grow int) string {
		b := make([]byte, len(v)+grow)
		s.fill(b)
		return string(b)
	})
	return []byte(out), err
}

// pick draws pseudonyms for value until one is nobody else's in its domain and
// no original. draw may go further afield as grow gets larger. So the same
// value has the same pseudonym, and two never share one.
func (m *masker) pick(domain, value string, draw func(s *stream, grow int) string) (string, error) {
	id := domain + "\x00" + value
	if out, ok := m.cache[id]; ok {
		return out, nil
	}
	mine := m.key.hash("value", domain, value)
	patience := triesPerGrowth
	if domain == "phone" || domain == "ip" {
		patience = triesPerRange
	}
	for try := range maxTries {
		s := m.key.stream(domain, value, strconv.Itoa(try))
		out := draw(s, try/patience)
		if out == value || m.survives(out) {
			m.retries++
			continue
		}
		if s.bits < enoughBits {
			owner, err := m.ledger.claim(m.key.hash("pseudonym", domain, out), mine)
			if err != nil {
				return "", err
			}
			if owner != mine {
				m.retries++
				continue
			}
		}
		if try >= patience {
			m.longer++
		}
		if m.cache == nil || len(m.cache) >= maxCached {
			m.cache = map[string]string{}
		}
		m.cache[id] = out
		return out, nil
	}
	return "", fmt.Errorf("there are too many values of the form %s to give each a pseudonym of its own: choose another method in the plan (--show-plan)", form(value))
}

// survives says that text, or a word in it, is, or might be, an original.
func (m *masker) survives(text string) bool {
	found := false
	check := func(s string) {
		found = found || telling(s) && m.originals.has(fingerprint(s))
	}
	text = foldText(text)
	check(text)
	eachWord(text, func(w string) {
		if w != text && !scaffold(w) {
			check(w)
		}
	})
	return found
}

// scaffold are the words that pseudonyms of URLs and hosts are built with.
func scaffold(w string) bool { return w == "http" || w == "https" || w == "test" }

// form tells what a value looks like, and nothing of what it is.
func form(v string) string {
	return oneLine(strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '9'
		case hidden(r):
			return 'a'
		}
		return r
	}, v))
}
