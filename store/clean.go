package store

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean makes text from outside fit to be shown: everything that could move
// the cursor, recolour or reorder the screen, or hide, is replaced by a visible
// sign (␛ for escape, ␍ for carriage return, otherwise �). Line feed and tab
// stay, a carriage return before a line feed is dropped. Clean(Clean(s)) is
// Clean(s); text of nothing but printable ASCII costs no allocation.
func Clean(s string) string {
	i := 0
	for i < len(s) && (' ' <= s[i] && s[i] <= '~' || s[i] == '\n' || s[i] == '\t') {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	last := rune(-1) // what was written before
	if i > 0 {
		last = rune(s[i-1])
	}
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if r == '\r' && strings.HasPrefix(s[i:], "\n") {
			continue
		}
		if hidden(r) {
			next, _ := utf8.DecodeRuneInString(s[i:])
			r = shown(r, last, next)
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// CleanLine is Clean for text that must stay on one line: line feeds become ␊,
// tabs spaces.
func CleanLine(s string) string {
	s = Clean(s)
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.NewReplacer("\n", "␊", "\t", " ").Replace(s)
}

// hidden says whether a rune acts instead of being seen.
func hidden(r rune) bool {
	if r < 0x7f {
		return r < ' ' && r != '\n' && r != '\t'
	}
	switch {
	case 0x600 <= r && r <= 0x605, r == 0x6dd, r == 0x70f, r == 0x890, r == 0x891, r == 0x8e2, r == 0x110bd, r == 0x110cd:
		return false // format characters with a shape of their own: Arabic, Syriac and Kaithi number signs
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point)
}

// shown is what stands for a hidden rune between last and next.
func shown(r, last, next rune) rune {
	switch {
	case r < ' ':
		return 0x2400 + r // ␀ to ␟
	case r == 0x7f:
		return '␡'
	case r == 0xfe0e || r == 0xfe0f: // text or emoji style of the sign before it
		if last > ' ' && last != unicode.ReplacementChar && !unicode.Is(unicode.Variation_Selector, last) {
			return r
		}
	case r == 0x200d: // joins emoji, and letters of scripts that have ligatures
		if last == 0xfe0f && pictographic(next) || pictographic(last) && pictographic(next) || ligates(last) && ligates(next) {
			return r
		}
	case r == 0x200c: // keeps such letters apart
		if ligates(last) && ligates(next) {
			return r
		}
	}
	return unicode.ReplacementChar
}

func pictographic(r rune) bool {
	return r != unicode.ReplacementChar && !hidden(r) && (r >= 0x2600 && unicode.Is(unicode.So, r) || 0x1f3fb <= r && r <= 0x1f3ff)
}

func ligates(r rune) bool {
	return r > 0x7f && !hidden(r) && unicode.In(r, unicode.L, unicode.M) &&
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
			unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala)
}

// CleanJSON escapes what a terminal would obey or reorder in the texts of JSON,
// which means the same to a program.
func CleanJSON(text string) string {
	if Clean(text) == text {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if s := string(r); Clean(s) == s {
			b.WriteString(s)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
