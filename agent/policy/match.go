package policy

import (
	"path"
	"slices"
	"strings"
)

// outcome is how a command fares with a pattern. What depends on something
// that only running it shows is possible.
type outcome int

const (
	no outcome = iota
	possible
	certain
)

// command compares a simple command with the rule's pattern. An allow rule
// wants exactly the words of the pattern, a last * standing for any others. Ask
// and deny rules also see through other options, another order, paths and
// combined flags: "rm -rf /" matches /bin/rm -v --force -r //.
func (r compiled) command(c command) outcome {
	if c.code != "" {
		if r.Decision != Allow && mentions(c.code, r.words[0]) {
			return possible
		}
		return no
	}
	if r.Decision == Allow {
		return exact(r.words, c.words)
	}
	name := c.words[0]
	if name.known && !named(r.words[0], name.text) {
		return no
	}
	how := certain
	if !name.known {
		if name.text != "" && !strings.ContainsAny(name.text, "?*[") { // a pattern that stands for nothing else
			return no
		}
		how = possible
	}
	return min(how, loose(r.words[1:], c.words[1:]))
}

// named compares names of commands: a pattern without / means any directory.
func named(pattern, name string) bool {
	if !strings.Contains(pattern, "/") {
		name = path.Base(name)
	}
	return glob(pattern, name)
}

func exact(pattern []string, words []word) outcome {
	for i, p := range pattern {
		if p == "*" && i == len(pattern)-1 {
			break
		}
		if i >= len(words) || !words[i].known || !glob(p, words[i].text) && (i > 0 || !named(p, words[i].text)) {
			return no
		}
	}
	if pattern[len(pattern)-1] != "*" && len(words) != len(pattern) {
		return no
	}
	if slices.ContainsFunc(words, func(w word) bool { return !w.known }) {
		return no
	}
	return certain
}

// loose finds the words of a pattern among the arguments: options anywhere,
// the others in their order, with any others between them.
func loose(pattern []string, args []word) outcome {
	hidden := slices.ContainsFunc(args, func(w word) bool { return !w.known })
	missed := func(found bool) outcome {
		switch {
		case found:
			return certain
		case hidden:
			return possible
		}
		return no
	}
	if n := len(pattern); n > 0 && pattern[n-1] == "*" {
		pattern = pattern[:n-1]
	}
	how, at := certain, 0
	for _, p := range pattern {
		var one outcome
		if len(p) > 1 && p[0] == '-' {
			one = missed(option(p, args))
		} else {
			i := slices.IndexFunc(args[at:], func(w word) bool { return w.known && same(p, w.text) })
			if one = missed(i >= 0); i >= 0 {
				at += i + 1
			}
		}
		how = min(how, one)
	}
	return how
}

// same compares an argument, and as the path that it comes to in the end.
func same(pattern, arg string) bool {
	if glob(pattern, arg) {
		return true
	}
	if strings.HasPrefix(pattern, "/") && strings.Contains(arg, "/") || strings.HasPrefix(arg, "..") {
		full := arg
		if !path.IsAbs(full) {
			full = path.Join("/work", full)
		}
		return glob(pattern, path.Clean(full))
	}
	return false
}

// spelled are the long names of short options that matter most.
var spelled = map[rune][]string{
	'r': {"--recursive"}, 'R': {"--recursive"}, 'f': {"--force"}, 'd': {"--decode", "--delete", "--data"}, 'o': {"--output"},
	'X': {"--request"}, 'T': {"--upload-file"}, 'i': {"--in-place", "--interactive"}, 'a': {"--all"}, 'v': {"--verbose"}, 'x': {"--extract"}, 'c': {"--create", "--command"},
}

// option says whether the options of p are all given: -rf also as -r -f, -fr,
// --recursive --force, and long ones also shortened.
func option(p string, args []word) bool {
	has := func(match func(string) bool) bool {
		return slices.ContainsFunc(args, func(w word) bool { return w.known && strings.HasPrefix(w.text, "-") && match(w.text) })
	}
	if strings.HasPrefix(p, "--") {
		return has(func(a string) bool {
			name, _, _ := strings.Cut(a, "=")
			return glob(p, a) || glob(p, name) || len(name) > 4 && strings.HasPrefix(p, name)
		})
	}
	if has(func(a string) bool { return a == p }) {
		return true
	}
	for _, letter := range p[1:] {
		if !has(func(a string) bool {
			if !strings.HasPrefix(a, "--") {
				return strings.ContainsRune(a[1:], letter) || letter == 'r' && strings.ContainsRune(a[1:], 'R')
			}
			name, _, _ := strings.Cut(a, "=")
			return slices.ContainsFunc(spelled[letter], func(long string) bool { return len(name) > 4 && strings.HasPrefix(long, name) })
		}) {
			return false
		}
	}
	return true
}

// mentions looks for a name as a word of program text.
func mentions(code, name string) bool {
	for from := 0; ; {
		i := strings.Index(code[from:], name)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(name)
		if (start == 0 || !letter(code[start-1])) && (end == len(code) || !letter(code[end])) {
			return true
		}
		from = start + 1
	}
}

func letter(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}

// glob matches text with a pattern: * is any text, ? any one character, \
// takes the next one as it is. It needs at most len(pattern)·len(text) steps.
func glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(t) {
		literal := i < len(p) && p[i] == '\\' && i+1 < len(p)
		switch {
		case literal && p[i+1] == t[j]:
			i, j = i+2, j+1
		case !literal && i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case !literal && i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// statements splits SQL, without its comments, in lower case and with single blanks.
func statements(sql string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if s := strings.Join(strings.Fields(strings.ToLower(b.String())), " "); s != "" {
			out = append(out, s)
		}
		b.Reset()
	}
	for i := 0; i < len(sql); i++ {
		rest := sql[i:]
		switch c := sql[i]; {
		case c == '\'' || c == '"' || c == '`' || c == '[':
			n := strings.IndexByte(rest[1:], closes(c))
			if n < 0 {
				n = len(rest) - 2
			}
			b.WriteString(rest[:n+2])
			i += n + 1
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			b.WriteByte(' ')
			i += n - 1
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest, "*/")
			if n < 0 {
				n = len(rest) - 2
			}
			b.WriteByte(' ')
			i += n + 1
		case c == ';':
			flush()
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return out
}

// closes is what ends a text or name that begins with quote.
func closes(quote byte) byte {
	if quote == '[' {
		return ']'
	}
	return quote
}
