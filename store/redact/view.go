package redact

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encodings is how many of them are undone, one in another.
const encodings = 2

// eachView calls do with a text, and with what it says to who decodes it: its
// escapes resolved, what is not seen left out, runs of base64 and hex unpacked,
// so many times deep.
func eachView(text string, deep int, do func(string)) {
	do(text)
	if deep == 0 {
		return
	}
	if seen := unescape(text); seen != text {
		eachView(seen, deep-1, do)
	}
	for at := 0; ; {
		run, ok := nextRun(text, at)
		if !ok {
			return
		}
		at = run.end
		eachView(run.says, deep-1, do)
	}
}

// views cleans a text as eachView shows it. Where something is found only in
// what it says once its escapes are resolved, that takes its place; a run of
// base64 or hex goes whole.
func (r *Redactor) views(text string, look bool, deep int) string {
	out := r.clean(text, look)
	if deep == 0 {
		return out
	}
	if seen := unescape(out); seen != out {
		if clean := r.views(seen, look, deep-1); strings.Count(clean, "[redacted: ") > strings.Count(seen, "[redacted: ") {
			out = clean
		}
	}
	var b strings.Builder
	from := 0
	for at := 0; ; {
		run, ok := nextRun(out, at)
		if !ok {
			break
		}
		at = run.end
		clean := r.views(run.says, look, deep-1)
		if clean == run.says {
			continue
		}
		b.WriteString(out[from:run.start])
		b.WriteString(mark.FindString(clean))
		from = run.end
	}
	return b.String() + out[from:]
}

// unescape resolves the escapes of printable ASCII (\u0041, \x41, %41, &#65;),
// quotes and backslashes excepted, which would make other texts of JSON and
// code, and leaves out what no reader sees: colours, and signs without width.
func unescape(text string) string {
	var b strings.Builder
	from := 0
	for i := 0; i < len(text); {
		n, c := escape(text[i:])
		if n == 0 {
			i++
			continue
		}
		b.WriteString(text[from:i])
		if c != 0 {
			b.WriteByte(c)
		}
		i += n
		from = i
	}
	if from == 0 {
		return text
	}
	return b.String() + text[from:]
}

// escape says how long the escape is that s begins with, 0: it begins with
// none, and which byte it stands for, 0: for nothing.
func escape(s string) (n int, c byte) {
	number := func(from, to, base int) (int, byte) {
		if to > len(s) {
			return 0, 0
		}
		v, err := strconv.ParseUint(s[from:to], base, 32)
		if err != nil || v <= ' ' || v > '~' || v == '"' || v == '\'' || v == '\\' {
			return 0, 0
		}
		return to, byte(v)
	}
	switch {
	case s[0] == '\\' && len(s) > 1 && s[1] == '\n': // a line that goes on
		return 2, 0
	case s[0] == '\\' && len(s) > 1 && s[1] == 'u':
		return number(2, 6, 16)
	case s[0] == '\\' && len(s) > 1 && s[1] == 'x':
		return number(2, 4, 16)
	case s[0] == '%':
		return number(1, 3, 16)
	case s[0] == '&' && len(s) > 2 && s[1] == '#':
		end := strings.IndexByte(s[:min(len(s), 8)], ';')
		if end > 2 && s[2]|0x20 == 'x' {
			n, c = number(3, end, 16)
		} else if end > 2 {
			n, c = number(2, end, 10)
		}
		if n > 0 {
			n = end + 1
		}
		return n, c
	case s[0] == 0x1b && len(s) > 1 && s[1] == '[':
		for n = 2; n < min(len(s), 40); n++ {
			if s[n] >= '@' && s[n] <= '~' {
				return n + 1, 0
			}
		}
	case s[0] >= 0x80:
		switch r, size := utf8.DecodeRuneInString(s); r {
		case 0xad, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2060, 0xfeff:
			return size, 0
		}
	}
	return 0, 0
}

// A run is a part of a text in base64 or hex, and what it says.
type run struct {
	start, end int
	says       string
}

// shortRun is from how many bytes on a run is one: 15 bytes, packed.
const shortRun = 20

// nextRun is the next run at or after a place that says something readable.
func nextRun(text string, at int) (run, bool) {
	for at < len(text) {
		if !packed(text[at]) {
			at++
			continue
		}
		end := runEnd(text, at)
		if end-at >= shortRun {
			if says := unpack(text[at:end]); says != "" {
				return run{at, end, says}, true
			}
		}
		at = end
	}
	return run{}, false
}

// runEnd is where a run ends that begins at a place. One of whole lines goes on
// through them: base64 and xxd write lines of 60 to 76 signs.
func runEnd(text string, at int) int {
	for {
		end := at
		for end < len(text) && packed(text[end]) {
			end++
		}
		for end < len(text) && text[end] == '=' {
			end++
		}
		next := end + 1
		if end-at < 60 || end >= len(text) {
			return end
		}
		if text[end] == '\r' {
			next++
		} else if text[end] != '\n' {
			return end
		}
		line := next
		for line < len(text) && (packed(text[line]) || text[line] == '=') {
			line++
		}
		if next >= len(text) || line == next || line < len(text) && text[line] != '\n' && text[line] != '\r' {
			return end
		}
		at = next
	}
}

// packed says whether a sign is of base64, in either alphabet; those of hex are.
func packed(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// unpack is what a run says; "": nothing that could be read.
func unpack(text string) string {
	text = strings.NewReplacer("\n", "", "\r", "", "-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if says, err := hex.DecodeString(text); err == nil {
		if says = expand(says); readable(says) {
			return string(says)
		}
	}
	if len(text)%4 == 1 { // one sign too many, of what comes after it
		text = text[:len(text)-1]
	}
	if says, err := base64.RawStdEncoding.DecodeString(text); err == nil {
		if says = expand(says); readable(says) {
			return string(says)
		}
	}
	return ""
}

// readable tells text from what only looks packed: of random bytes, and so of
// hashes and paths, more than half cannot be read.
func readable(b []byte) bool {
	n := 0
	for _, c := range b {
		if ' ' <= c && c <= '~' || c == '\n' || c == '\t' {
			n++
		}
	}
	return n*10 >= len(b)*8
}
