package policy

import (
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Bounds of what is looked at. Beyond them a command counts as not seen.
const (
	maxNesting  = 8       // sh -c "sh -c …"
	maxCommands = 2000    // simple commands in one call
	maxWords    = 20_000  // expansions in one call
	maxValue    = 4 << 10 // bytes of a variable
)

// word is one word of a command after expansion. Where it depends on what
// cannot be known beforehand, known is false: then it may be any words, or none.
type word struct {
	text  string
	known bool
}

// command is one simple command, or a redirection into a file, which has the
// name ">".
type command struct {
	words []word
	code  string // program text for an interpreter, to be searched only
}

// program is what a shell would run, as far as can be seen without running it.
type program struct {
	commands []command
	unseen   []string // why some of it cannot be seen
}

// readShell finds every simple command in src, also those inside sh -c, eval,
// pipes into a shell, substitutions, here-documents and commands that run others.
func readShell(src string) program {
	r := &reader{}
	r.script(src)
	return r.program
}

type reader struct {
	program
	depth int
	steps int // expansions so far
	vars  map[string]expand.Variable
	often map[string]int // how often a name is assigned to
	input map[*syntax.Stmt]*syntax.Stmt
}

// config is for one expansion only: they nest, and the library keeps state in it.
func (r *reader) config() *expand.Config {
	return &expand.Config{
		Env: environ{r}, NoUnset: true, CmdSubst: r.substitute,
		ProcSubst: func(*syntax.ProcSubst) (string, error) { return "", errUnknown },
	}
}

var errUnknown = errors.New("depends on what only running it shows")

func (r *reader) hide(why string) {
	if !slices.Contains(r.unseen, why) {
		r.unseen = append(r.unseen, why)
	}
}

// script reads shell text; variables of the text around it are not known in it.
func (r *reader) script(src string) {
	if r.depth++; r.depth > maxNesting {
		r.hide("shells nested too deeply")
		r.depth--
		return
	}
	outer := *r
	defer func() { r.depth, r.vars, r.often, r.input = outer.depth-1, outer.vars, outer.often, outer.input }()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(src), "")
	if err != nil {
		file, err = syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(src), "")
	}
	if err != nil {
		r.hide("text that is not a shell command")
		return
	}
	r.vars = map[string]expand.Variable{"IFS": {Set: true, Kind: expand.String, Str: " \t\n"}}
	r.often, r.input = map[string]int{}, map[*syntax.Stmt]*syntax.Stmt{}
	syntax.Walk(file, r.prepare)
	syntax.Walk(file, r.visit)
}

// environ is what is known of a script's variables.
type environ struct{ r *reader }

// Get implements expand.Environ.
func (e environ) Get(name string) expand.Variable { return e.r.vars[name] }

// Each implements expand.Environ: no command is run that would inherit anything.
func (e environ) Each(func(name string, v expand.Variable) bool) {}

// prepare notes what is assigned how often, and what is piped into what.
func (r *reader) prepare(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.Assign:
		if n.Name != nil {
			r.often[n.Name.Value]++
		}
	case *syntax.WordIter:
		r.often[n.Name.Value] += 2
	case *syntax.BinaryCmd:
		if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
			r.input[n.Y] = n.X
		}
	}
	return true
}

// visit takes the nodes in the order of the text.
func (r *reader) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.Assign:
		r.assign(n)
	case *syntax.Stmt:
		for _, redir := range n.Redirs {
			switch redir.Op {
			case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll, syntax.RdrInOut, syntax.DplOut:
				r.add(command{words: append([]word{{">", true}}, r.expand(redir.Word)...)})
			}
		}
		if call, ok := n.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			var words []word
			for _, w := range call.Args {
				words = append(words, r.expand(w)...)
			}
			r.run(words, func() (string, bool) { return r.stdin(n) })
		}
	}
	return true
}

func (r *reader) add(c command) {
	if len(r.commands) >= maxCommands {
		r.hide("too many commands")
		return
	}
	r.commands = append(r.commands, c)
}

func (r *reader) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	v := expand.Variable{}
	if r.often[a.Name.Value] == 1 && !a.Append && a.Array == nil && a.Index == nil {
		if a.Value == nil {
			v = expand.Variable{Set: true, Kind: expand.String}
		} else if s, err := expand.Literal(r.config(), a.Value); err == nil && len(s) <= maxValue {
			v = expand.Variable{Set: true, Kind: expand.String, Str: s}
		}
	}
	r.vars[a.Name.Value] = v
}

// expand gives the words that one word of the source becomes.
func (r *reader) expand(w *syntax.Word) []word {
	if w == nil {
		return nil
	}
	unknown := []word{{known: false}}
	if r.steps++; r.steps > maxWords {
		r.hide("too much to look through")
		return unknown
	}
	if explodes(w) {
		return unknown
	}
	fields, err := expand.Fields(r.config(), w)
	if err != nil {
		return unknown
	}
	if globs(w) { // what it matches lies in the box; kept for patterns that ask for it
		return []word{{strings.Join(fields, " "), false}}
	}
	out := make([]word, len(fields))
	for i, f := range fields {
		out[i] = word{f, true}
	}
	return out
}

// explodes says whether brace expansion of w could make very many words.
func explodes(w *syntax.Word) bool {
	braces, sequence := 0, false
	for _, p := range w.Parts {
		if lit, ok := p.(*syntax.Lit); ok {
			braces += strings.Count(lit.Value, "{")
			sequence = sequence || strings.Contains(lit.Value, "..") && strings.Contains(lit.Value, "{")
		}
	}
	return braces > 4 || sequence
}

// globs says whether an unquoted part of w is a file pattern that may stand for
// several letters. A lone * is kept as it is: nobody hides behind it.
func globs(w *syntax.Word) bool {
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			continue
		}
		for i := 0; i < len(lit.Value); i++ {
			switch lit.Value[i] {
			case '\\':
				i++
			case '?', '[':
				return lit.Value != "["
			case '*':
				if rest := lit.Value[i+1:]; rest != "" && !strings.HasPrefix(rest, ".") || strings.ContainsRune(lit.Value[:i], '/') && rest == "" && !strings.HasSuffix(lit.Value[:i], "/") {
					return true
				}
			}
		}
	}
	return false
}

// substitute gives what $(…) prints where that can be seen: echo, printf and
// the like with known words. Its commands are visited on their own.
func (r *reader) substitute(out io.Writer, s *syntax.CmdSubst) error {
	var text strings.Builder
	for _, stmt := range s.Stmts {
		t, ok := r.output(stmt)
		if !ok {
			return errUnknown
		}
		text.WriteString(t)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// run takes one simple command apart: it is noted, and what it runs in turn.
// stdin gives what it reads, where that can be seen.
func (r *reader) run(words []word, stdin func() (string, bool)) {
	if r.depth++; r.depth > maxNesting {
		r.hide("commands nested too deeply")
		r.depth--
		return
	}
	defer func() { r.depth-- }()
	if len(words) == 0 {
		return
	}
	r.add(command{words: words})
	if !words[0].known {
		return
	}
	name, args := path.Base(words[0].text), words[1:]
	switch {
	case slices.Contains(shells, name):
		r.shell(args, stdin)
	case name == "eval":
		r.text(args, "eval of what only running it shows")
	case name == "." || name == "source":
		r.source(args, stdin)
	case name == "trap" && len(args) > 1:
		r.text(args[:1], "a trap that only running it shows")
	case name == "alias":
		for _, a := range args {
			if _, body, ok := strings.Cut(a.text, "="); ok && a.known {
				r.script(body)
			}
		}
	case name == "find":
		r.find(args, stdin)
	case len(interpreters[name]) > 0:
		r.interpreter(name, args)
	default:
		if w, ok := wrappers[name]; ok {
			r.wrapped(w, args, stdin)
		}
	}
	for _, a := range args { // tar --checkpoint-action=exec=…, and its like
		if _, body, ok := strings.Cut(a.text, "exec="); ok && a.known && strings.HasPrefix(a.text, "--") {
			r.script(body)
		}
	}
}

// text reads words that a shell would join and read again.
func (r *reader) text(words []word, why string) {
	var parts []string
	for _, w := range words {
		if !w.known {
			r.hide(why)
			return
		}
		parts = append(parts, w.text)
	}
	r.script(strings.Join(parts, " "))
}

// Words are the words of every simple command in a shell command, as far as
// they can be seen without running it; files that are written into included.
func Words(command string) []string {
	var out []string
	for _, c := range readShell(command).commands {
		for _, w := range c.words {
			if w.known {
				out = append(out, w.text)
			}
		}
	}
	return out
}
