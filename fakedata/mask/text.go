package mask

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	consonants = "bcdfghjklmnprstvwxz"
	vowels     = "aeiou"
)

// hidden says that a rune may carry something of a value. Spaces and
// punctuation do not: they are the format, and stay.
func hidden(r rune) bool {
	switch {
	case r == ' ' || r == '\t' || r == '\n' || r == '\r':
		return false
	case r < 0x80:
		return r < ' ' || r == 0x7f || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return !unicode.IsPunct(r)
}

// eachWord calls fn for each run of letters and digits in text.
func eachWord(text string, fn func(w string)) {
	start := -1
	for i, r := range text {
		switch in := hidden(r); {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			fn(text[start:i])
			start = -1
		}
	}
	if start >= 0 {
		fn(text[start:])
	}
}

// words is the name method: each word gets the pseudonym that it has
// everywhere, so that "Ann" and "Lee" are found again in "LEE, Ann".
func (m *masker) words(v string) (string, error) {
	var b strings.Builder
	var err error
	end := 0
	eachWord(v, func(w string) {
		if err != nil {
			return
		}
		at := end + strings.Index(v[end:], w)
		b.WriteString(v[end:at])
		end = at + len(w)
		var out string
		out, err = m.cased("word", w, drawWord)
		b.WriteString(out)
	})
	b.WriteString(v[end:])
	return b.String(), err
}

// code replaces letter by letter, so that the form stays.
func (m *masker) code(v string) (string, error) {
	rs := []rune(v)
	for i := range m.plan.patterns {
		if p := &m.plan.patterns[i]; p.matches(rs) {
			return m.pick("code", v, func(s *stream, _ int) string { return p.draw(s, rs) })
		}
	}
	return m.cased("code", v, drawShape)
}

// cased gives a text the same pseudonym in whatever case it is written.
func (m *masker) cased(domain, v string, draw func(s *stream, low []rune, grow int) string) (string, error) {
	rs := []rune(v)
	low := make([]rune, len(rs))
	any := false
	for i, r := range rs {
		low[i] = lower(r)
		any = any || hidden(r)
	}
	if !any {
		return v, nil
	}
	out, err := m.pick(domain, string(low), func(s *stream, grow int) string { return draw(s, low, grow) })
	if err != nil {
		return "", err
	}
	cased := recase(out, rs)
	if uppers([]rune(cased), len(rs)) != uppers(rs, len(rs)) { // no room to tell its case by
		return m.pick(domain, "\x01"+v, func(s *stream, grow int) string { return draw(s, low, grow) })
	}
	return cased, nil
}

// lower is the small letter of one that has no other capital.
func lower(r rune) rune {
	if low := unicode.ToLower(r); unicode.ToUpper(low) == r {
		return low
	}
	return r
}

func uppers(rs []rune, n int) int {
	sum := 0
	for i, r := range rs {
		if i < n && unicode.IsUpper(r) && lower(r) != r {
			sum++
		}
	}
	return sum
}

// recase writes text in the cases of like.
func recase(text string, like []rune) string {
	out := []rune(text)
	for i, r := range out {
		if l := like[min(i, len(like)-1)]; unicode.IsUpper(l) && lower(l) != l {
			out[i] = unicode.ToUpper(r)
		}
	}
	return string(out)
}

// drawWord draws a word that can be pronounced, in the script of low.
func drawWord(s *stream, low []rune, grow int) string {
	out := make([]rune, 0, len(low)+grow)
	vowel := s.n(2) == 1
	for i, r := range low {
		switch {
		case unicode.IsDigit(r):
			out = append(out, drawDigit(s, low, i))
		case isLatin(r):
			out = append(out, letter(s, vowel))
			vowel = !vowel
		default:
			out = append(out, drawRune(s, r))
		}
	}
	for range grow {
		out = append(out, letter(s, vowel))
		vowel = !vowel
	}
	return string(out)
}

func letter(s *stream, vowel bool) rune {
	if vowel {
		return rune(vowels[s.n(uint64(len(vowels)))])
	}
	return rune(consonants[s.n(uint64(len(consonants)))])
}

// drawShape draws a text of the shape of low: letters for letters, digits for
// digits, everything else as it is. Check digits of article numbers hold.
func drawShape(s *stream, low []rune, grow int) string {
	hex := isHex(low)
	out := make([]rune, 0, len(low)+grow)
	last := rune('a')
	for i, r := range low {
		switch {
		case !hidden(r):
			out = append(out, r)
			continue
		case unicode.IsDigit(r):
			out = append(out, drawDigit(s, low, i))
		case hex:
			out = append(out, rune("abcdef"[s.n(6)]))
		default:
			out = append(out, drawRune(s, r))
		}
		last = r
	}
	for range grow {
		if unicode.IsDigit(last) {
			out = append(out, rune('0'+s.n(10)))
		} else {
			out = append(out, rune('a'+s.n(26)))
		}
	}
	if grow == 0 && articleNumber(low) {
		fixArticle(out)
	}
	return string(out)
}

// drawDigit draws a digit for that at i: a number keeps its leading zero, or
// that it has none.
func drawDigit(s *stream, low []rune, i int) rune {
	first := i == 0 || !unicode.IsDigit(low[i-1]) && low[i-1] != '.'
	more := i+1 < len(low) && unicode.IsDigit(low[i+1])
	lastPlace := i == len(low)-1 && i > 0 && strings.ContainsRune(string(low[:i]), '.') // 1.50 would lose its zero
	switch {
	case first && more && low[i] == '0':
		return '0'
	case first && more || lastPlace || i > 0 && low[i-1] == '-' && !more: // there is no -0
		return rune('1' + s.n(9))
	}
	return rune('0' + s.n(10))
}

func isLatin(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 0x80 && unicode.Is(unicode.Latin, r)
}

// drawRune draws a rune of r's script; what has none, or one that is not in
// the table, becomes a Latin letter.
func drawRune(s *stream, r rune) rune {
	for _, script := range []struct {
		table       *unicode.RangeTable
		least, most rune
	}{
		{unicode.Han, 0x4e00, 0x9fa5},
		{unicode.Hiragana, 0x3042, 0x308d},
		{unicode.Katakana, 0x30a2, 0x30ed},
		{unicode.Hangul, 0xac00, 0xd7a3},
		{unicode.Cyrillic, 0x0430, 0x044f},
		{unicode.Greek, 0x03b1, 0x03c1},
		{unicode.Arabic, 0x0628, 0x063a},
		{unicode.Hebrew, 0x05d0, 0x05ea},
		{unicode.Devanagari, 0x0915, 0x0939},
		{unicode.Thai, 0x0e01, 0x0e2e},
	} {
		if r >= 0x80 && unicode.Is(script.table, r) && unicode.IsLetter(r) {
			return script.least + rune(s.n(uint64(script.most-script.least+1)))
		}
	}
	return rune('a' + s.n(26))
}

// isHex says that letters and digits are those of a long hexadecimal number.
func isHex(low []rune) bool {
	digits, letters := 0, 0
	for _, r := range low {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'f':
			letters++
		case hidden(r):
			return false
		}
	}
	return digits > 0 && letters > 0 && digits+letters >= 12
}

// prose is the text method: made-up words, as long as v in all, of which
// nothing but the length depends on what v says.
func (m *masker) prose(v string) (string, error) {
	length := utf8.RuneCountInString(v)
	return m.pick("text", v, func(s *stream, grow int) string {
		var b strings.Builder
		sentence := true
		for n := 0; n < length+grow; {
			want := min(2+int(s.n(8)), length+grow-n)
			w := m.newWord(s, want)
			if sentence {
				w = strings.ToUpper(w[:1]) + w[1:]
			}
			b.WriteString(w)
			n += want
			sentence = false
			switch left := length + grow - n; {
			case left == 1:
				b.WriteByte('.')
				n++
			case left > 1 && s.n(9) == 0:
				b.WriteByte('.')
				n++
				if left > 2 {
					b.WriteByte(' ')
					n++
				}
				sentence = true
			case left > 1:
				b.WriteByte(' ')
				n++
			}
		}
		return b.String()
	})
}

// newWord draws a word that is no original; a few draws will do.
func (m *masker) newWord(s *stream, length int) string {
	for range 20 {
		low := make([]rune, length)
		for i := range low {
			low[i] = 'a'
		}
		if w := drawWord(s, low, 0); !m.survives(w) {
			return w
		}
	}
	return strings.Repeat("x", length)
}
