package dialect

import "strings"

// piece is one statement of a script of MySQL, without what ends it.
type piece struct {
	text string
	line int // 1 is the first
}

// words are the first n bare words, in capitals, "" where there are fewer; the
// /*!50003 of a versioned comment is none.
func (p piece) words(n int) []string {
	out := make([]string, n)
	rest := p.text
	for i := range out {
		for {
			rest = strings.TrimLeft(rest, " \t\r\n(")
			if after, found := strings.CutPrefix(rest, "/*!"); found {
				rest = strings.TrimLeft(after, "0123456789")
				continue
			}
			after, found := strings.CutPrefix(rest, "*/")
			if !found {
				break
			}
			rest = after
		}
		end := strings.IndexAny(rest, " \t\r\n(;*")
		if end < 0 {
			end = len(rest)
		}
		out[i], rest = strings.ToUpper(rest[:end]), rest[end:]
	}
	return out
}

// splitMySQL cuts a script at its delimiter, which DELIMITER may change, as the
// mysql program does. Comments outside statements are left out.
func splitMySQL(text string) []piece {
	var out []piece
	delimiter, start, line, startLine := ";", 0, 1, 1
	emit := func(end int) {
		if t := strings.TrimSpace(text[start:end]); t != "" {
			out = append(out, piece{t, startLine})
		}
	}
	for i := 0; i < len(text); {
		empty := strings.TrimSpace(text[start:i]) == ""
		if empty {
			start, startLine = i, line
		}
		rest := text[i:]
		switch {
		case empty && len(rest) > 10 && strings.EqualFold(rest[:10], "DELIMITER "):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			delimiter = strings.TrimSpace(rest[10:end])
			i += end
			start = i
		case strings.HasPrefix(rest, delimiter):
			emit(i)
			i += len(delimiter)
			start = i
		case strings.HasPrefix(rest, "-- ") || strings.HasPrefix(rest, "--\n") || rest[0] == '#':
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			i += end
			if empty {
				start = i
			}
		case strings.HasPrefix(rest, "/*") && !strings.HasPrefix(rest, "/*!"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				end = len(rest) - 2
			}
			line += strings.Count(rest[:end+2], "\n")
			i += end + 2
			if empty {
				start = i
			}
		case rest[0] == '\'' || rest[0] == '"' || rest[0] == '`':
			n := quoted(rest)
			line += strings.Count(rest[:n], "\n")
			i += n
		default:
			if rest[0] == '\n' {
				line++
			}
			i++
		}
		if delimiter == "" {
			delimiter = ";"
		}
	}
	emit(len(text))
	return out
}

// quoted is the length of the quoted text that s begins with.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			if i+1 < len(s) && s[i+1] == s[0] {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}
