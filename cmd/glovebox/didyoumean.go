package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// alike says how many letters a word is away from one that there is, and
// whether that is near enough to have been meant: one in three may be wrong, or
// two have changed places. Of words far off, a guess is worse than none.
func alike(word, known string) (distance int, near bool) {
	word = strings.ToLower(word)
	d := levenshtein.ComputeDistance(word, known)
	letters := func(s string) []byte { return slices.Sorted(slices.Values([]byte(s))) }
	return d, d <= max(1, max(len(word), len(known))/3) && d < min(len(word), len(known)) ||
		d == 2 && slices.Equal(letters(word), letters(known))
}

// nearest is the word that was probably meant, or "".
func nearest(word string, known []string) string {
	best, at := "", 0
	for _, k := range known {
		if d, near := alike(word, k); near && (best == "" || d < at) {
			best, at = k, d
		}
	}
	return best
}

// oneOf says what is wrong with a word that must be one of a few; "" if it is.
func oneOf(word string, words ...string) string {
	if slices.Contains(words, word) {
		return ""
	}
	why := fmt.Sprintf("cannot be %q; there are %s", word, strings.Join(words, ", "))
	if meant := nearest(word, words); meant != "" {
		why += "; did you mean " + meant + "?"
	}
	return why
}

// didYouMean names the known dotted key that is nearest to a wrong one: the
// same word in another table, or a few letters away.
func didYouMean(key string, known map[string]bool) string {
	table, last, _ := cutLast(key, ".")
	var elsewhere, beside, longer []string
	keys := slices.Sorted(maps.Keys(known))
	for _, k := range keys {
		switch t, l, _ := cutLast(k, "."); {
		case l == strings.ToLower(last):
			elsewhere = append(elsewhere, k)
		case t == table:
			if beside = append(beside, l); len(last) > 2 && strings.HasPrefix(l, strings.ToLower(last)) {
				longer = append(longer, k)
			}
		}
	}
	meant := nearest(last, beside)
	switch {
	case len(elsewhere) > 0:
		meant = elsewhere[0]
	case meant == "" && len(longer) > 0:
		meant = longer[0]
	case meant != "":
		meant = strings.TrimPrefix(table+"."+meant, ".")
	case table == "" || len(beside) == 0: // else what they have in common would be the table
		meant = nearest(key, keys)
	}
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", meant)
}
