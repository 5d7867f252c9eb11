package scan

import "strings"

// A span is a part of a text.
type span struct{ from, to int }

// one is what a rule read where it read one part, to: 0 none.
func one(read func(text string, start, end int) (from, to int)) func(string, int, int) []span {
	return func(text string, start, end int) []span {
		if from, to := read(text, start, end); to > from {
			return []span{{from, to}}
		}
		return nil
	}
}

// Bounds of a table: a text may be all heads.
const (
	widest  = 4096 // bytes of a head
	columns = 64
	rows    = 10_000
)

// columnAt reads the passwords below a head of a table of which one cell is the
// name text[start:end]: CSV, and what psql, mysql, sqlite3 and Markdown draw.
func columnAt(text string, start, end int) []span {
	line, stop := lineOf(text, start)
	head := text[line:stop]
	if len(head) > widest || stop == len(text) || len(head) == 0 || head[0] == ' ' && !strings.Contains(head, " |") {
		return nil
	}
	sep := separator(head)
	if sep == 0 {
		return aligned(text, line, stop, start, end)
	}
	for above, n := line, 0; above > 0; n++ {
		before, to := lineOf(text, above-1)
		if n > 2 || strings.Count(text[before:to], string(sep)) == strings.Count(head, string(sep)) && !drawn(text[before:to]) {
			return nil // a row
		}
		if !drawn(text[before:to]) {
			break
		}
		above = before
	}
	cells := strings.Split(head, string(sep))
	at, column := line, -1
	for i, c := range cells {
		if at <= start && end <= at+len(c) {
			column = i
		}
		at += len(c) + 1
		if name := strings.Trim(c, " \t\"'*`"); len(name) > 40 || name == "" && sep != '|' || strings.Trim(name, names) != "" || name != "" && strings.Trim(name, "0123456789.-# ") == "" { // a row of numbers, or a line of a program
			return nil
		}
	}
	if column < 0 || len(cells) > columns || !strings.HasSuffix(strings.TrimRight(cells[column], " \t\"'*`\r"), text[start:end]) {
		return nil
	}
	var found []span
	for n := 0; n < rows && stop < len(text); n++ {
		from := stop + 1
		_, stop = lineOf(text, from)
		row := text[from:stop]
		if drawn(row) {
			continue
		}
		values := strings.Split(row, string(sep))
		if len(values) != len(cells) {
			break
		}
		at := from
		for i, v := range values {
			if i == column {
				s := strings.Trim(v, " \t\"'`\r")
				if at += strings.Index(v, s); placed(s) {
					found = append(found, span{at, at + len(s)})
				}
				break
			}
			at += len(v) + 1
		}
	}
	return found
}

const names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. \r#äöüßéèàçñ"

// lineOf is where the line begins and ends that text[at] is in, of a long one
// as far as it is looked at.
func lineOf(text string, at int) (from, to int) {
	at = min(at, len(text))
	from = max(0, at-widest)
	from += strings.LastIndexByte(text[from:at], '\n') + 1
	to = min(len(text), at+widest)
	if n := strings.IndexByte(text[at:to], '\n'); n >= 0 {
		to = at + n
	}
	return from, to
}

// separator is what parts the cells of a head, 0: nothing does.
func separator(head string) byte {
	for _, sep := range []byte("|\t;,") {
		if strings.IndexByte(head, sep) >= 0 {
			return sep
		}
	}
	return 0
}

// drawn says of a line whether it is one that is drawn.
func drawn(line string) bool {
	return strings.Trim(line, "-+|=: \t\r") == "" && strings.ContainsAny(line, "-=")
}

// aligned reads a table of which the cells stand below lines of their own.
func aligned(text string, line, stop, start, end int) []span {
	from := stop + 1
	_, to := lineOf(text, from)
	under := text[min(from, to):to]
	if strings.Trim(under, "- \r") != "" || start-line >= len(under) || under[start-line] != '-' {
		return nil
	}
	left, right := start-line, start-line
	for left > 0 && under[left-1] == '-' {
		left--
	}
	for right < len(under) && under[right] == '-' {
		right++
	}
	if strings.TrimSpace(text[line+left:min(stop, line+right)]) != strings.TrimSpace(text[line+left:end]) {
		return nil
	}
	last := strings.TrimRight(under[right:], " \r") == ""
	var found []span
	for n := 0; n < rows && to < len(text); n++ {
		from := to + 1
		_, to = lineOf(text, from)
		row := text[from:to]
		if len(row) <= left || left > 0 && row[left-1] != ' ' || drawn(row) {
			break
		}
		cell := row[left:min(len(row), right)]
		if last {
			cell = row[left:]
		}
		if s := strings.TrimSpace(cell); placed(s) {
			at := from + left + strings.Index(cell, s)
			found = append(found, span{at, at + len(s)})
		}
	}
	return found
}
