package fakedata

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token of SQL is.
type tokenKind byte

const (
	tokWord   tokenKind = iota // bare identifier or keyword
	tokIdent                   // quoted identifier; text is without the quotes
	tokString                  // string literal; text is without the quotes
	tokNumber
	tokSymbol // operator or punctuation, also a blob literal's parts
)

// token is one lexical unit of SQL, comments and white space left out.
type token struct {
	kind     tokenKind
	text     string
	pos, end int // byte offsets in the source
}

// is reports whether t is the bare keyword w (upper case).
func (t token) is(w string) bool { return t.kind == tokWord && strings.EqualFold(t.text, w) }

// sym reports whether t is the operator or punctuation s.
func (t token) sym(s string) bool { return t.kind == tokSymbol && t.text == s }

// tokenize splits SQL as SQLite does. It never fails: what SQLite would not
// accept becomes some token, and SQLite says so later.
func tokenize(src string) []token {
	var out []token
	for i := 0; i < len(src); {
		start := i
		switch c := src[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			i++
			continue
		case strings.HasPrefix(src[i:], "--"):
			i = until(src, i, "\n")
			continue
		case strings.HasPrefix(src[i:], "/*"):
			i = until(src, i+2, "*/")
			continue
		case c == '\'' || c == '"' || c == '`' || c == '[':
			text, next := quoted(src, i)
			kind := tokIdent
			if c == '\'' {
				kind = tokString
			}
			out = append(out, token{kind, text, start, next})
			i = next
			continue
		case c >= '0' && c <= '9' || c == '.' && i+1 < len(src) && src[i+1] >= '0' && src[i+1] <= '9':
			i = endOfNumber(src, i)
			out = append(out, token{tokNumber, src[start:i], start, i})
			continue
		case wordByte(c):
			for i < len(src) && wordByte(src[i]) {
				i++
			}
			out = append(out, token{tokWord, src[start:i], start, i})
			continue
		}
		n := 1
		if i+2 <= len(src) {
			switch src[i : i+2] {
			case "<=", ">=", "<>", "!=", "==", "||":
				n = 2
			}
		}
		i += n
		out = append(out, token{tokSymbol, src[start:i], start, i})
	}
	return out
}

// until returns the offset just behind the next end, or the length of src.
func until(src string, from int, end string) int {
	if from > len(src) {
		return len(src)
	}
	if k := strings.Index(src[from:], end); k >= 0 {
		return from + k + len(end)
	}
	return len(src)
}

// quoted reads the quoted token at i and returns its text and end.
func quoted(src string, i int) (string, int) {
	closer := src[i]
	if closer == '[' {
		end := until(src, i, "]")
		return strings.TrimSuffix(src[i+1:end], "]"), end
	}
	var text strings.Builder
	for j := i + 1; j < len(src); j++ {
		if src[j] != closer {
			text.WriteByte(src[j])
			continue
		}
		if j+1 < len(src) && src[j+1] == closer {
			text.WriteByte(closer)
			j++
			continue
		}
		return text.String(), j + 1
	}
	return text.String(), len(src)
}

func endOfNumber(src string, i int) int {
	for i < len(src) {
		c := src[i]
		exp := (c == '+' || c == '-') && (src[i-1] == 'e' || src[i-1] == 'E')
		if !exp && c != '.' && !wordByte(c) {
			break
		}
		i++
	}
	return i
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf ||
		c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// statement is one SQL statement of a script, without its semicolon.
type statement struct {
	text   string
	line   int // 1 is the first
	tokens []token
}

// statements splits a script. A trigger's body belongs to its statement.
func statements(src string) []statement {
	var out []statement
	tokens := tokenize(src)
	first, line, counted := 0, 1, 0
	for i := 0; i <= len(tokens); i++ {
		if i < len(tokens) && (!tokens[i].sym(";") || trigger(tokens[first:i]) && !bodyEnded(tokens[first:i])) {
			continue
		}
		if i > first {
			from, to := tokens[first].pos, tokens[i-1].end
			line += strings.Count(src[counted:from], "\n")
			counted = from
			out = append(out, statement{src[from:to], line, tokens[first:i]})
		}
		first = i + 1
	}
	return out
}

// trigger reports whether the statement that begins like this has a body.
func trigger(tokens []token) bool {
	if len(tokens) < 2 || !tokens[0].is("CREATE") {
		return false
	}
	if tokens[1].is("TEMP") || tokens[1].is("TEMPORARY") {
		tokens = tokens[1:]
	}
	return len(tokens) > 1 && tokens[1].is("TRIGGER")
}

// bodyEnded reports whether a trigger's tokens end in "; END".
func bodyEnded(tokens []token) bool {
	n := len(tokens)
	return n >= 2 && tokens[n-1].is("END") && tokens[n-2].sym(";")
}

// quote makes an SQL identifier of any name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
