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

// clean makes foreign text fit for the screen: store.Clean, and tabs, whose
// width depends on where they stand, become spaces.
func clean(s string) string {
	return strings.ReplaceAll(strings.TrimRight(store.Clean(s), "\n"), "\t", "    ")
}

// line is clean for text that must stay on one line.
func line(s string) string {
	return strings.ReplaceAll(store.CleanLine(s), "\t", " ")
}

// wrap breaks cleaned text into lines of at most w cells, at spaces where words is true.
func wrap(s string, w int, words bool) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		switch {
		case len(l) <= w || ansi.StringWidth(l) <= w:
			out = append(out, l)
		case words:
			out = append(out, strings.Split(ansi.Wrap(l, w, ""), "\n")...)
		default:
			out = append(out, strings.Split(ansi.Hardwrap(l, w, true), "\n")...)
		}
	}
	return out
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
	return pad(left, w-r) + right
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
	return t.Local().Format("2006-01-02")
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
