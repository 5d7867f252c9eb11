package scan

import "strings"

// halfKey reads what is left of a private key of which only the first lines, or
// only the last ones, are there: head and tail print such. The name of its bounds
// is text[start:end].
func halfKey(text string, start, end int) (from, to int) {
	bound := text[max(0, start-60):start]
	switch {
	case strings.Contains(bound, "-----BEGIN "):
		for from, to = end, end; to < len(text) && to-from < 16<<10 && body(text[to]); to++ {
		}
		if strings.HasPrefix(text[to:], "-----") { // whole
			return 0, 0
		}
	case strings.Contains(bound, "-----END "):
		to = max(0, start-60) + strings.LastIndex(bound, "-----END ")
		for from = to; from > 0 && to-from < 16<<10 && body(text[from-1]); from-- {
		}
		if strings.HasSuffix(text[:from], "-----") {
			return 0, 0
		}
	}
	if s := strings.TrimSpace(text[from:to]); len(s) < 20 || entropy(s) < 4 {
		return 0, 0
	}
	return from, to
}

// body says whether a sign is of such lines, also as they stand in JSON.
func body(c byte) bool {
	return c < 0x80 && alnum(c) || c == '+' || c == '/' || c == '=' || c == '\n' || c == '\r' || c == '\\'
}
