package redact

import (
	"bytes"
	"encoding/json"
	"strings"
)

// eachText calls do with each text of a JSON value, and with those of the JSON
// in them, so many times deep.
func eachText(value []byte, deep int, do func(string)) {
	texts(value, func(start, end int) {
		text := unquote(value[start:end])
		do(text)
		if deep > 0 && isJSON(text) {
			eachText([]byte(text), deep-1, do)
		}
	})
}

// isJSON says of a text whether it is JSON with texts in it: arguments are
// that, as a model wrote them, and much of what commands print.
func isJSON(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) > 4 && (text[0] == '{' || text[0] == '[') && strings.IndexByte(text, '\\') >= 0 && json.Valid([]byte(text))
}

// texts finds the strings of a JSON value, and its long numbers.
func texts(value []byte, do func(start, end int)) {
	for i := 0; i < len(value); i++ {
		start := i
		switch c := value[i]; {
		case c == '"':
			for i++; i < len(value) && value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
			do(start, min(i+1, len(value)))
		case c == '-' || c >= '0' && c <= '9':
			whole := true
			for ; i < len(value) && bytes.IndexByte([]byte("+-.eE0123456789"), value[i]) >= 0; i++ {
				whole = whole && value[i] >= '0' && value[i] <= '9'
			}
			if whole && i-start >= 8 {
				do(start, i)
			}
			i--
		}
	}
}

func unquote(token []byte) string {
	if token[0] != '"' {
		return string(token)
	}
	if bytes.IndexByte(token, '\\') < 0 && len(token) >= 2 {
		return string(token[1 : len(token)-1])
	}
	var s string
	if json.Unmarshal(token, &s) != nil {
		return string(token)
	}
	return s
}
