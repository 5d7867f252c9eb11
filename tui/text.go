package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"glovebox/store"
)

// shownMax bounds what is shown of one text, in bytes; the pager has all of it.
const shownMax = 128 << 10

// clean makes foreign text fit for the screen: store.Clean, and tabs, whose
// width depends on where they stand, become spaces.
func clean(s string) string {
	if len(s) > shownMax {
		s = cut(s, shownMax) + "\n… " + size(int64(len(s)-shownMax)) + " more; o opens all of it"
	}
	return strings.ReplaceAll(strings.TrimRight(store.Clean(s), "\n"), "\t", "    ")
}

// lineMax is more than a screen is wide, in bytes; what stays on one line is
// not looked at beyond it.
const lineMax = 4096

// line is clean for text that must stay on one line.
func line(s string) string { return store.CleanLine(cut(s, lineMax)) }

// wrap breaks cleaned text into lines of at most w cells, between words where words is true.
func wrap(s string, w int, words bool) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		switch {
		case len(l) <= w || ansi.StringWidth(l) <= w:
			out = append(out, l)
		case words:
			out = append(out, strings.Split(wrapWords(l, w), "\n")...)
		default:
			out = append(out, strings.Split(ansi.Hardwrap(l, w, true), "\n")...)
		}
	}
	return out
}

// wrapWords breaks between words. The library forgets the width after hyphens
// that stand alone, so what is too long still is broken anywhere.
func wrapWords(s string, w int) string {
	return ansi.Hardwrap(ansi.Wrap(s, w, ""), w, true)
}

// fit cuts a cleaned or styled line to w cells.
func fit(s string, w int) string {
	if len(s) <= w {
		return s
	}
	return ansi.Truncate(s, max(w, 0), "…")
}

// pad fits s and fills it up to exactly w cells.
func pad(s string, w int) string {
	s = fit(s, w)
	return s + strings.Repeat(" ", max(w-ansi.StringWidth(s), 0))
}

// between puts left and right at the two ends of a line of w cells; when there
// is not enough room, left is cut.
func between(left, right string, w int) string {
	r := ansi.StringWidth(right)
	if r == 0 || r+2 > w {
		return fit(left, w)
	}
	return pad(left, w-r-1) + " " + right
}

// head returns at most n lines of s, taken from at most size bytes, and how
// many lines there are beyond them.
func head(s string, n, size int) (string, int) {
	end := 0
	for range n {
		i := strings.IndexByte(s[end:], '\n')
		if i < 0 {
			end = len(s)
			break
		}
		end += i + 1
	}
	rest := 0
	if end < len(s) {
		rest = strings.Count(strings.TrimRight(s[end:], "\n"), "\n") + 1
	}
	return cut(s[:end], size), rest
}

// tail returns at most the last size bytes of s.
func tail(s string, size int) string {
	if len(s) <= size {
		return s
	}
	s = s[len(s)-size:]
	for i := range min(utf8.UTFMax, len(s)) {
		if utf8.RuneStart(s[i]) {
			return s[i:]
		}
	}
	return s
}

// cut returns at most the first size bytes of s, whole runes.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}

func took(ms float64) string { return short(time.Duration(ms * float64(time.Millisecond))) }

// short writes a duration in at most six characters or so.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return clock(d)
}

// clock writes a duration as 1:05 or 2:03:04.
func clock(d time.Duration) string {
	s := int(max(d, 0).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// count writes 950, 1.2k, 45k, 1.2M.
func count(n int64) string {
	f := float64(n)
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10)
	case n < 9950:
		return fmt.Sprintf("%.1fk", f/1e3)
	case n < 999_500:
		return fmt.Sprintf("%.0fk", f/1e3)
	}
	return fmt.Sprintf("%.1fM", f/1e6)
}

// size writes a number of bytes.
func size(n int64) string {
	if n < 1000 {
		return store.Plural(n, "byte")
	}
	c := count(n)
	return c[:len(c)-1] + " " + c[len(c)-1:] + "B"
}

// ago writes how long before now t was.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "–"
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 7*24*time.Hour:
		return fmt.Sprintf("%d d ago", int(d.Hours()/24))
	}
	if t.Year() == now.Year() {
		return t.Local().Format("2 Jan")
	}
	return t.Local().Format("Jan 2006")
}
