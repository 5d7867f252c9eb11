package redact

import (
	"bytes"
	"encoding/json"
	"strings"
)

// eachText calls do with each text of a JSON value and the name that it stands
// under, and with those of the JSON in them, so many times deep.
func eachText(value []byte, deep int, do func(name, text string)) {
	texts(value, func(name []byte, start, end int) {
		text := unquote(value[start:end])
		do(called(name), text)
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

// texts finds the strings of a JSON value, and its numbers of at least four
// digits; name is what a value is called where it is an object's, as it stands,
// nil: it is a name itself, or a list's.
func texts(value []byte, do func(name []byte, start, end int)) {
	var name []byte
	for i := 0; i < len(value); i++ {
		start := i
		switch c := value[i]; {
		case c == '"':
			for i++; i < len(value) && value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
			end := min(i+1, len(value))
			if isName(value, end) {
				do(nil, start, end)
				name = value[start:end]
				continue
			}
			do(name, start, end)
			name = nil
		case c == '-' || c >= '0' && c <= '9':
			whole := true
			for ; i < len(value) && bytes.IndexByte([]byte("+-.eE0123456789"), value[i]) >= 0; i++ {
				whole = whole && value[i] >= '0' && value[i] <= '9'
			}
			if whole && i-start >= 8 || name != nil && i-start >= 4 {
				do(name, start, i)
			}
			name = nil
			i--
		case c == '[' || c == '{':
			name = nil
		}
	}
}

// isName says whether a string that ends at value[at] is the name of what follows.
func isName(value []byte, at int) bool {
	for at < len(value) && (value[at] == ' ' || value[at] == '\n' || value[at] == '\t' || value[at] == '\r') {
		at++
	}
	return at < len(value) && value[at] == ':'
}

// called is a name as a text, "": there is none.
func called(name []byte) string {
	if name == nil {
		return ""
	}
	return unquote(name)
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
