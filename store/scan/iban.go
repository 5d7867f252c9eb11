package scan

import (
	"slices"
	"strings"
	"sync"
)

// ibans are how long a country's are, and where its account numbers may have letters.
var ibans = sync.OnceValue(func() map[string]int {
	all := map[string]int{}
	for f := range strings.FieldsSeq("al28 ad24 at-20 az28 bh22 by28 be-16 ba-20 br29 bg22 cr-22 hr-21 cy28 cz-24 dk-18 do28 eg-29 ee-20 fo-18 fi-18 fr27 ge22 de-22 gi23 gr27 gl-18 gt28 hu-28 is-26 iq23 ie22 il-23 it27 jo30 kz20 xk-20 kw30 lv21 lb28 ly-25 li21 lt-20 lu20 mt31 mr-27 mu30 md24 mc27 me-22 nl18 mk19 no-15 pk24 ps29 pl-28 pt-25 qa29 ro24 lc32 sm27 sa24 rs-22 sc31 sk-24 si-19 es-24 se-24 ch21 tn-24 tr26 ua29 ae-23 gb22 va-22 vg24 st-25 sv28 dj-27 bi-27 fk18 mn-20 ni28 om23 ru-33 so-23 sd-18 tl-23 ye30 hn28") {
		n, digits := 0, 1
		for _, c := range f[2:] {
			if c == '-' {
				digits = -1
			} else {
				n = n*10 + int(c-'0')
			}
		}
		all[f[:2]] = n * digits
	}
	return all
})

func lowered(c byte) bool { return 'a' <= c && c <= 'z' }

// iban reads one at text[i], in any case: much in hex and base64 begins like
// one, so its country must be one, and its length and letters as they are there.
func iban(text string, i int) (end int) {
	if i+4 > len(text) || !digit(text[i+2]) || !digit(text[i+3]) {
		return 0
	}
	long, known := ibans()[strings.ToLower(text[i:i+2])]
	if !known {
		return 0
	}
	n := max(long, -long)
	var space [34]byte
	s := space[:0]
	for end = i; end < len(text) && len(s) < n; end++ {
		c := text[end]
		if c == ' ' && len(s)%4 == 0 && len(s) > 0 {
			continue
		}
		if lowered(c) {
			c -= 'a' - 'A'
		}
		if !digit(c) && (!upper(c) || long < 0 && len(s) > 1) {
			return 0
		}
		s = append(s, c)
	}
	if len(s) < n || end < len(text) && (alnum(text[end]) || text[end] == '_') || !mod97(s) {
		return 0
	}
	return end
}

// pesels are Polish people's numbers that stand alone. One in two hundred other
// numbers of eleven digits looks like one: where any of a text does not, none is.
type pesels struct {
	found []Finding
	other bool
}

func (p *pesels) read(d []byte, at int) {
	year, month, day := number2(string(d[:2])), number2(string(d[2:4])), number2(string(d[4:6]))
	born := month >= 1 && month <= 12 || month >= 21 && month <= 32 && year <= 40 // from 1900 on, and from 2000 on
	if p.other = p.other || !born || day < 1 || day > 31 || !weighted(10, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)(string(d)); p.other {
		p.found = nil
		return
	}
	p.found = append(p.found, Finding{at, at + 11, Personal, "polish-pesel"})
}

// maestro are the numbers with which cards of that name begin, of those that
// begin like no other.
func maestro(d []byte) bool {
	return slices.Contains([]string{"5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"}, string(d[:4]))
}
