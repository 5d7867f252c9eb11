package tui

import (
	"slices"
	"strings"
	"unicode"

	"glovebox/store"
)

// matches reports whether every word of the filter is in the session's line:
// in its title or model the letters need not stand together. A word after ! must
// not be there as it stands. hits are the runes of the title that were found, in
// order; the lower the score, the better.
func matches(s store.Summary, title, filter string) (hits []int, score int, ok bool) {
	model := line(s.Model)
	rest := strings.ToLower(s.Status + "\n" + strings.Join(s.Tags, "\n") + "\n")
	for word := range strings.FieldsSeq(strings.ToLower(filter)) {
		if not, ok := strings.CutPrefix(word, "!"); ok {
			if not != "" && strings.Contains(strings.ToLower(title+"\n"+model)+"\n"+rest, not) {
				return nil, 0, false
			}
			continue
		}
		at, far, ok := fuzzy(title, word)
		if _, other, in := fuzzy(model, word); in && (!ok || other < far) {
			at, far, ok = nil, other, true
		}
		if !ok || far > 0 {
			if strings.Contains(rest, strings.TrimPrefix(word, "#")) || strings.HasPrefix(s.ID, word) {
				at, far, ok = nil, 0, true
			}
		}
		if !ok {
			return nil, 0, false
		}
		hits, score = append(hits, at...), score+far
	}
	slices.Sort(hits)
	return slices.Compact(hits), score, true
}

// fuzzy looks for the letters of word, which is in lower case, in text: in their
// order, as close together as they can be had. at are their places, as indexes
// of runes; the lower the score, the better.
func fuzzy(text, word string) (at []int, score int, ok bool) {
	runes := []rune(strings.ToLower(text))
	at = closest(runes, []rune(word))
	if at == nil {
		return nil, 0, false
	}
	score = 4 * (at[len(at)-1] - at[0] + 1 - len(at)) // what lies between
	if i := at[0]; i > 0 && (unicode.IsLetter(runes[i-1]) || unicode.IsDigit(runes[i-1])) {
		score++ // not the beginning of a word
	}
	return at, score, true
}

// closest is where the letters of word stand in text in the least room, the
// first such place; nil: nowhere.
func closest(text, word []rune) (best []int) {
	for end, n := 0, 0; end < len(text) && len(word) > 0; end++ {
		if text[end] != word[n] {
			continue
		}
		if n++; n < len(word) {
			continue
		}
		// All are there: from the last one backwards they stand closest.
		found := make([]int, len(word))
		for i, k := end, len(word)-1; k >= 0; i-- {
			if text[i] == word[k] {
				found[k] = i
				k--
			}
		}
		if best == nil || end-found[0] < best[len(best)-1]-best[0] {
			best = found
		}
		end, n = found[0], 0
	}
	return best
}
