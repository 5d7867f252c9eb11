package policy

import (
	"encoding/base64"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash"}

// interpreters take a program as the argument of an option; " " means that the
// first argument is one.
var interpreters = map[string]string{
	"python": "-c", "python3": "-c", "perl": "-e", "ruby": "-e", "node": "-e", "php": "-r", "lua": "-e",
	"awk": " ", "gawk": " ", "mawk": " ", "sqlite3": " ", "sed": " ", "ed": " ", "vi": "-c", "vim": "-c", "expect": "-c",
}

// wrapper is a command that runs another: which of its options take a value,
// and how many words come before the command.
type wrapper struct {
	values string   // letters
	long   []string // long options whose value is a word of its own
	before int
	assign bool // NAME=VALUE may come before it
	more   bool // it adds words that cannot be seen
	text   bool // what it is given is read by a shell
}

var wrappers = map[string]wrapper{
	"env": {values: "uC", long: []string{"--unset", "--chdir"}, assign: true}, "nohup": {}, "setsid": {}, "command": {}, "builtin": {},
	"exec": {values: "a"}, "time": {values: "fo"}, "nice": {values: "n", long: []string{"--adjustment"}}, "ionice": {values: "cnp"},
	"timeout": {values: "sk", long: []string{"--signal", "--kill-after"}, before: 1}, "stdbuf": {values: "ioe"}, "chroot": {before: 1},
	"sudo": {values: "ugpCDhrt", assign: true}, "doas": {values: "uC"}, "busybox": {}, "toybox": {}, "chrt": {before: 1}, "taskset": {before: 1},
	"xargs":    {values: "InPLdasE", long: []string{"--replace", "--max-args", "--max-procs", "--delimiter", "--arg-file"}, more: true},
	"parallel": {values: "jn", more: true}, "watch": {values: "nd", text: true}, "script": {values: "c", text: true}, "su": {values: "c", text: true},
	"flock": {values: "wc", before: 1}, "unshare": {}, "nsenter": {values: "t"}, "strace": {values: "eop"}, "setpriv": {}, "catchsegv": {},
	"ld-linux-x86-64.so.2": {}, "ld-musl-x86_64.so.1": {}, "coproc": {}, "then": {}, "runuser": {values: "uc", text: true}, "prlimit": {},
	"ssh": {values: "BbcDEeFIiJLlmOopQRSWw", before: 1, text: true},
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// wrapped reads the command that a wrapper runs.
func (r *reader) wrapped(w wrapper, args []word, stdin func() (string, bool)) {
	before := w.before
	for len(args) > 0 {
		a := args[0]
		switch {
		case !a.known && before == 0: // the command itself, or an option: it may be anything
			r.run(append([]word{{known: false}}, args[1:]...), stdin)
			return
		case a.text == "--":
			args = args[1:]
			r.ran(w, args[min(before, len(args)):], stdin)
			return
		case a.known && strings.HasPrefix(a.text, "-S"), strings.HasPrefix(a.text, "--split-string="): // env
			text := strings.TrimPrefix(strings.TrimPrefix(a.text, "-S"), "--split-string=")
			if args = args[1:]; text == "" && len(args) > 0 {
				text, args = args[0].text, args[1:]
			}
			r.script(text + " " + plain(args))
			return
		case w.text && (a.text == "-c" || a.text == "--command") && len(args) > 1:
			r.text(args[1:2], "a command that only running it shows")
			return
		case len(a.text) > 1 && a.text[0] == '-':
			args = args[1:]
			if takesValue(w, a.text) && len(args) > 0 {
				args = args[1:]
			}
		case w.assign && assignment.MatchString(a.text):
			args = args[1:]
		case before > 0:
			before--
			args = args[1:]
		default:
			r.ran(w, args, stdin)
			return
		}
	}
}

func takesValue(w wrapper, option string) bool {
	if strings.HasPrefix(option, "--") {
		return slices.Contains(w.long, option)
	}
	return strings.Contains(w.values, option[len(option)-1:]) && len(option) == 2 || len(option) > 2 && strings.Contains(w.values, option[len(option)-1:]) && !strings.Contains(w.values, option[1:2])
}

func (r *reader) ran(w wrapper, args []word, stdin func() (string, bool)) {
	switch {
	case w.text:
		r.text(args, "a command that only running it shows")
	case w.more:
		args = slices.Clone(args)
		for i, a := range args {
			if strings.Contains(a.text, "{}") { // of xargs -I{}
				args[i] = word{known: false}
			}
		}
		r.run(append(args, word{known: false}), func() (string, bool) { return "", false })
	default:
		r.run(args, stdin)
	}
}

func plain(words []word) string {
	var out []string
	for _, w := range words {
		q, err := syntax.Quote(w.text, syntax.LangBash)
		if err != nil || !w.known {
			q = "$unknown"
		}
		out = append(out, q)
	}
	return strings.Join(out, " ")
}

// shell reads what a shell is told to run: -c, a here-document, a pipe. The
// text of a script file lies in the box and is not looked at.
func (r *reader) shell(args []word, stdin func() (string, bool)) {
	for i, a := range args {
		switch {
		case !a.known:
			r.hide("a shell whose arguments only running it shows")
			return
		case a.text == "--rcfile" || a.text == "--init-file" || a.text == "-o" || a.text == "-O":
		case strings.HasPrefix(a.text, "--"):
		case strings.HasPrefix(a.text, "-") && strings.Contains(a.text, "c"):
			for _, t := range args[i+1:] {
				if !strings.HasPrefix(t.text, "-") || !t.known {
					r.text([]word{t}, "sh -c of what only running it shows")
					return
				}
			}
			return
		case strings.HasPrefix(a.text, "-"):
		case a.text == "/dev/stdin" || a.text == "/dev/fd/0" || a.text == "/proc/self/fd/0":
		case i > 0 && (args[i-1].text == "-o" || args[i-1].text == "-O"):
		default:
			return // a script file
		}
	}
	r.piped(stdin)
}

func (r *reader) piped(stdin func() (string, bool)) {
	if text, ok := stdin(); ok {
		r.script(text)
		return
	}
	r.hide("a shell that reads what only running it shows")
}

func (r *reader) source(args []word, stdin func() (string, bool)) {
	switch {
	case len(args) == 0:
	case !args[0].known:
		r.hide("a script that only running it shows")
	case strings.HasPrefix(args[0].text, "/dev/") || strings.HasPrefix(args[0].text, "/proc/"):
		r.piped(stdin)
	}
}

// find reads the commands of -exec and its like.
func (r *reader) find(args []word, stdin func() (string, bool)) {
	for i := 0; i < len(args); i++ {
		if !slices.Contains([]string{"-exec", "-execdir", "-ok", "-okdir"}, args[i].text) {
			continue
		}
		var words []word
		for i++; i < len(args) && args[i].text != ";" && args[i].text != "+"; i++ {
			w := args[i]
			if strings.Contains(w.text, "{}") {
				w = word{known: false}
			}
			words = append(words, w)
		}
		r.run(words, stdin)
	}
}

// interpreter notes the program text that an interpreter is given.
func (r *reader) interpreter(name string, args []word) {
	option := interpreters[name]
	for i, a := range args {
		given := false
		switch {
		case option == " ":
			given = !strings.HasPrefix(a.text, "-")
		case a.known && a.text == option && i+1 < len(args):
			a, given = args[i+1], true
		default:
			given = a.known && len(a.text) > len(option) && strings.HasPrefix(a.text, option)
		}
		switch {
		case given && !a.known:
			r.hide(name + " with a program that only running it shows")
		case given:
			r.add(command{words: []word{{name, true}}, code: a.text})
		}
		if given && option == " " {
			return // what follows are files
		}
	}
}

// stdin is what a statement reads: a here-document, a here-string, or what is
// piped into it.
func (r *reader) stdin(stmt *syntax.Stmt) (string, bool) {
	for _, redir := range slices.Backward(stmt.Redirs) {
		switch redir.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			if redir.Hdoc == nil {
				return "", true
			}
			s, err := expand.Document(r.config(), redir.Hdoc)
			return s, err == nil
		case syntax.WordHdoc:
			s, err := expand.Literal(r.config(), redir.Word)
			return s + "\n", err == nil
		case syntax.RdrIn:
			return "", redir.Word != nil && redir.Word.Lit() == "/dev/null"
		}
	}
	if from := r.input[stmt]; from != nil {
		return r.output(from)
	}
	return "", false
}

// output is what a statement prints, where that can be seen.
func (r *reader) output(stmt *syntax.Stmt) (string, bool) {
	switch cmd := stmt.Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.Pipe {
			r.input[cmd.Y] = cmd.X
			return r.output(cmd.Y)
		}
	case *syntax.CallExpr:
		var args []string
		for _, w := range cmd.Args {
			for _, f := range r.expand(w) {
				if !f.known {
					return "", false
				}
				args = append(args, f.text)
			}
		}
		if len(args) > 0 {
			return r.prints(path.Base(args[0]), args[1:], stmt)
		}
	}
	return "", false
}

var wide = regexp.MustCompile(`%[^a-zA-Z%]*(\d{3}|\*)`)

func (r *reader) prints(name string, args []string, stmt *syntax.Stmt) (string, bool) {
	switch name {
	case "echo":
		end, escapes := "\n", false
		for len(args) > 0 && (args[0] == "-n" || args[0] == "-e" || args[0] == "-ne" || args[0] == "-en") {
			if strings.Contains(args[0], "n") {
				end = ""
			}
			escapes = escapes || strings.Contains(args[0], "e")
			args = args[1:]
		}
		text := strings.Join(args, " ")
		if escapes {
			text, _, _ = expand.Format(nil, strings.ReplaceAll(text, "%", "%%"), nil)
		}
		return text + end, true
	case "printf":
		if len(args) == 0 || wide.MatchString(args[0]) {
			return "", false
		}
		text, _, err := expand.Format(nil, args[0], args[1:])
		return text, err == nil
	case "cat", "tee":
		if len(args) > 0 && (name == "cat" && args[0] != "-") {
			return "", false
		}
		return r.stdin(stmt)
	case "base64", "xxd", "rev":
		in, ok := r.stdin(stmt)
		if !ok {
			return "", false
		}
		return decode(name, args, in)
	}
	return "", false
}

func decode(name string, args []string, in string) (string, bool) {
	flat := strings.Join(strings.Fields(in), "")
	switch {
	case name == "base64" && len(args) == 1 && slices.Contains([]string{"-d", "-D", "-di", "--decode", "--decod", "--deco", "--dec", "--de", "--d"}, args[0]):
		out, err := base64.StdEncoding.DecodeString(flat)
		return string(out), err == nil
	case name == "xxd" && strings.Contains(strings.Join(args, ""), "r"):
		out, err := hex.DecodeString(flat)
		return string(out), err == nil
	case name == "rev":
		lines := strings.Split(strings.TrimSuffix(in, "\n"), "\n")
		for i, l := range lines {
			b := []rune(l)
			slices.Reverse(b)
			lines[i] = string(b)
		}
		return strings.Join(lines, "\n") + "\n", true
	}
	return "", false
}
