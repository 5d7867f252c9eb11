package scan

import (
	"regexp"
	"strconv"
	"strings"
)

const pairOfDegrees = `(-?\d{1,3}\.\d{4,15}\s?[, ]\s?-?\d{1,3}\.\d{4,15})(?:[^\d.]|$)`

// places are rules for where somebody is. Four decimals of a degree are ten
// metres; made-up data has two.
var places = []rule{
	{id: "coordinates", kind: Personal, keywords: []string{"lat", "latitude", "lng", "lon", "long", "longitude"}, reach: 40, group: 1, anchored: true, apart: true, assigned: true, re: regexp.MustCompile(`^(?i)(?:lat(?:itude)?|lng|long?(?:itude)?)\\*["']?\s{0,3}[:=]\s{0,3}\\*["']?(-?\d{1,3}\.\d{4,15})(?:[^\d.]|$)`), valid: degrees},
	{id: "coordinates", kind: Personal, keywords: []string{"coordinates", "coords", "gps", "position", "location"}, reach: 60, group: 1, anchored: true, assigned: true, re: regexp.MustCompile(`^(?i)[a-z]+\\*["']?\s{0,3}[:=]\s{0,3}\\*["'\[(]{0,2}\s?` + pairOfDegrees), valid: degrees},
	{id: "coordinates", kind: Personal, keywords: []string{"geo:", "/@", "?q=", "&q=", "?ll=", "&ll=", "point("}, reach: 60, group: 1, anchored: true, re: regexp.MustCompile(`^(?i)(?:geo:|/@|[?&](?:q|ll)=|point\(\s?)` + pairOfDegrees), valid: degrees},
	{id: "coordinates", kind: Personal, keywords: []string{"°"}, read: one(minutes)},
}

var minute = regexp.MustCompile(`^\d{1,3}°\s?\d{1,2}['′’]\s?\d{1,2}(?:\.\d+)?(?:["″”]|'')\s?[NSEWO]\b`)

// minutes reads degrees, minutes and seconds around the sign text[start:end].
func minutes(text string, start, _ int) (from, to int) {
	for from = start; from > 0 && start-from < 3 && digit(text[from-1]); {
		from--
	}
	return from, from + len(minute.FindString(text[from:min(len(text), start+40)]))
}

// degrees says of one or two numbers whether they can be degrees.
func degrees(s string) bool {
	for i, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		if v, err := strconv.ParseFloat(f, 64); err != nil || v == 0 || v > 180 || v < -180 || i > 1 {
			return false
		}
	}
	return true
}

// couple reads a latitude and a longitude at text[i] that stand alone: in a list
// of numbers, or in a drawing, two are no place.
func couple(text string, i int) (end int) {
	lat, at := degree(text, i, 90)
	if lat == 0 || at >= len(text) || text[at] != ',' {
		return 0
	}
	at++
	for n := 0; at < len(text) && text[at] == ' ' && n < 2; n++ {
		at++
	}
	lon, end := degree(text, at, 180)
	if lon == 0 || beside(text[max(0, i-16):i], true) || beside(text[end:min(len(text), end+16)], false) {
		return 0
	}
	return end
}

// degree reads a number with five to eight decimals; 0: there is none up to most.
func degree(text string, i int, most float64) (v float64, end int) {
	end = i
	if end < len(text) && text[end] == '-' {
		end++
	}
	whole := end
	for end < len(text) && digit(text[end]) && end-whole < 4 {
		end++
	}
	if end == whole || end-whole > 3 || end >= len(text) || text[end] != '.' {
		return 0, 0
	}
	decimals := end + 1
	for end++; end < len(text) && digit(text[end]) && end-decimals < 9; end++ {
	}
	if n := end - decimals; n < 5 || n > 8 || end < len(text) && (alnum(text[end]) || text[end] == '_') {
		return 0, 0
	}
	if v, _ = strconv.ParseFloat(text[i:end], 64); v > most || v < -most || v > -1 && v < 1 {
		return 0, 0
	}
	return v, end
}

// beside says whether the next word to a number, before or after, is another
// one, or a sign of drawings and formulas.
func beside(s string, before bool) bool {
	s = strings.Trim(s, " \t")
	if s == "" {
		return false
	}
	c, next := s[0], byte(' ')
	if len(s) > 1 {
		next = s[1]
	}
	if before {
		c, next = s[len(s)-1], ' '
		if len(s) > 1 {
			next = s[len(s)-2]
		}
	}
	switch {
	case digit(c):
		return true
	case strings.IndexByte(",;|[({*/+-=<>^\"", c) >= 0:
		return c != ',' || !before && (next == ' ' || next == '-' || digit(next)) && strings.ContainsAny(s, "0123456789") || before && strings.ContainsAny(s, "0123456789")
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return !alnum(next)
	}
	return false
}

// spelled is an e-mail address as people write it for people.
var spelled = []rule{
	{id: "email", kind: Personal, keywords: []string{"[at]", "(at)", "{at}", "<at>", "[@]"}, reach: 80, re: regexp.MustCompile(`(?i)[\w.+-]{1,64} ?[\[({<](?:at|@)[\])}>] ?[\w-]{1,60}(?: ?(?:[\[({<](?:dot|\.|punkt)[\])}>]|\.) ?[a-z][\w-]{1,60}){1,4}`)},
	{id: "email", kind: Personal, keywords: []string{" dot "}, reach: 20, re: regexp.MustCompile(`(?i)(?:[\w+-]{1,40}[._0-9][\w.+-]{0,40} at [\w-]{1,60}|[\w+-]{1,40} at (?:gmail|googlemail|outlook|hotmail|live|yahoo|gmx|web|icloud|proton|protonmail|posteo|aol))(?: dot [\w-]{1,60})* dot (?:com|org|net|edu|de|uk|fr|io|ch|at|it|es|nl|pl|eu|us|ca|me)\b`)},
}
