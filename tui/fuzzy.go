package tui

import (
	"slices"
	"strings"
	"unicode"
)

// fuzzy looks for the letters of every word of pattern in text, in their order
// but not necessarily together. at are the letters that were found, as indexes
// of runes in order; the lower the score, the closer together they stand.
func fuzzy(text, pattern string) (at []int, score int, ok bool) {
	runes := []rune(strings.ToLower(text))
	for word := range strings.FieldsSeq(strings.ToLower(pattern)) {
		found := closest(runes, []rune(word))
		if found == nil {
			return nil, 0, false
		}
		at = append(at, found...)
		score += 4 * (found[len(found)-1] - found[0] + 1 - len(found)) // what lies between
		if i := found[0]; i > 0 && (unicode.IsLetter(runes[i-1]) || unicode.IsDigit(runes[i-1])) {
			score++ // not the beginning of a word
		}
	}
	slices.Sort(at)
	return slices.Compact(at), score, true
}

// closest is where the letters of word stand in text in the least room; nil: they do not.
func closest(text, word []rune) (best []int) {
	for end, at := 0, 0; end < len(text); end++ {
		if text[end] != word[at] {
			continue
		}
		if at++; at < len(word) {
			continue
		}
		// All are there: from the last one backwards they stand closest.
		found := make([]int, len(word))
		i := end
		for k := len(word) - 1; k >= 0; i-- {
			if text[i] == word[k] {
				found[k] = i
				k--
			}
		}
		if best == nil || end-found[0] < best[len(best)-1]-best[0] {
			best = found
		}
		end, at = found[0], 0
	}
	return best
}
