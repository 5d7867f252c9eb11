package drift

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	shownLines = 3   // of each side of a difference
	shownBytes = 160 // of each line
)

// first shows where two texts begin to differ: the number of the line, and from
// there a few lines of the one, marked -, and of the other, marked +.
func first(was, now string) string {
	a, b := strings.SplitAfter(was, "\n"), strings.SplitAfter(now, "\n")
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	a, b = a[at:], b[at:]
	// What is the same again at the end is no part of the difference.
	for len(a) > 1 && len(b) > 1 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	from := 0 // where in the first line they part
	if len(a) > 0 && len(b) > 0 {
		for from < len(a[0]) && from < len(b[0]) && a[0][from] == b[0][from] {
			from++
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "line %d:", at+1)
	side(&out, "-", a, from)
	side(&out, "+", b, from)
	return out.String()
}

func side(out *strings.Builder, mark string, lines []string, from int) {
	if len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		fmt.Fprintf(out, "\n%s (nothing more)", mark)
	}
	for i, l := range lines {
		if i == shownLines {
			fmt.Fprintf(out, "\n%s … %d lines more", mark, len(lines)-i)
			break
		}
		text, whole := strings.CutSuffix(l, "\n")
		if i > 0 {
			from = 0
		}
		fmt.Fprintf(out, "\n%s %s", mark, window(text, from))
		if !whole && i == len(lines)-1 {
			fmt.Fprintf(out, "\n%s (no newline at the end)", mark)
		}
	}
}

// window is a piece of a long line around byte at. It begins and ends between
// words, if they are not very long: half of a word is not recognised any more
// where secrets and personal data are looked for.
func window(line string, at int) string {
	const longest = 80
	start := 0
	if at > shownBytes/2 && len(line) > shownBytes {
		start = min(at, len(line)) - shownBytes/2
		if blank := strings.LastIndexAny(line[max(start-longest, 0):start], " \t"); blank >= 0 {
			start = max(start-longest, 0) + blank + 1
		}
	}
	end := min(max(start, min(at, len(line))-shownBytes/2)+shownBytes, len(line))
	if blank := strings.IndexAny(line[end:min(end+longest, len(line))], " \t"); blank >= 0 {
		end += blank
	} else if len(line)-end < longest {
		end = len(line)
	}
	text := strings.ToValidUTF8(line[start:end], "") // a character that was cut through is left out
	if start > 0 {
		text = "…" + text
	}
	if end < len(line) {
		text += "…"
	}
	return text
}

var (
	times = regexp.MustCompile(`(?i)\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?` +
		`|\b\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?\b` +
		`|\b(?:mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?\b` +
		`|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b(?: +\d{1,2}\b)?` +
		`|\b(?:19|20)\d\d\b` + // a year
		`|\b1\d{9}(?:[.]\d+|\d{3}|\d{6}|\d{9})?\b` + // seconds, or less, since 1970
		`|\b\d+(?:[.]\d+)?[ ]?(?:ns|µs|us|ms|s|m|h|secs?|seconds?|mins?|minutes?|hours?)\b`)
	names = regexp.MustCompile(`\b(?:tmp|temp)[._-]?[A-Za-z0-9_]{4,}` + // mktemp's, Python's
		`|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b[0-9a-f]{12,}\b`)
	numbers = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
	blanks  = regexp.MustCompile(`[ \t]+`) // columns are as wide as what is in them
)

// how names the one kind that all of a difference is of; "": none of these.
//
//	order    the same lines, in another order
//	times    dates, times, durations
//	names    names of temporary files, identifiers: those and times
//	numbers  numbers of any kind (process IDs, sizes): those, names and times
//
// It is a help for who reads: nothing is taken for the same because of it.
func how(was, now string) string {
	sorted := func(s string) []string {
		lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
		slices.Sort(lines)
		return lines
	}
	if slices.Equal(sorted(was), sorted(now)) {
		return "order"
	}
	if blanks.ReplaceAllString(was, " ") == blanks.ReplaceAllString(now, " ") {
		return ""
	}
	for _, kind := range []struct {
		name string
		is   *regexp.Regexp
	}{{"times", times}, {"names", names}, {"numbers", numbers}} {
		was, now = kind.is.ReplaceAllString(was, "\x00"), kind.is.ReplaceAllString(now, "\x00")
		if blanks.ReplaceAllString(was, " ") == blanks.ReplaceAllString(now, " ") {
			return kind.name
		}
	}
	return ""
}
