// Package policy decides what an agent may do: rules over parsed tool calls,
// the strictest of which wins. Shell commands are judged on their syntax tree,
// not on their text (shell.go).
//
// Rules are manners, not a wall: they keep a model from doing what it should
// not, and tell it why. A command can always hide what it does from anybody who
// only reads it, in a script file for example. What holds then is the box.
//
// A Policy is immutable and safe for concurrent use. It runs nothing and reads
// no file. Begin with Judge.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Decisions, from the mildest to the strictest.
const (
	Allow = "allow"
	Ask   = "ask"
	Deny  = "deny"
)

// Rule is one rule as a person writes it.
type Rule struct {
	Tool        string   `json:"tool"`               // name, or a pattern such as *
	Match       string   `json:"match,omitempty"`    // pattern over the argument; "": every call of the tool
	Argument    string   `json:"argument,omitempty"` // which argument; "": the tool's main one
	Decision    string   `json:"decision"`           // allow, ask, deny
	Reason      string   `json:"reason,omitempty"`   // shown to the model and to the person who is asked
	Matching    []string `json:"-"`                  // examples that must match: values of the argument
	NotMatching []string `json:"-"`                  // examples that must not
	From        string   `json:"from,omitempty"`     // where it is written, for messages
}

// String names the rule for people.
func (r Rule) String() string {
	s := cmp.Or(r.Tool, "*")
	if r.Match != "" {
		s += fmt.Sprintf(" %q", r.Match)
	}
	return s
}

// Verdict is what a policy makes of a call.
type Verdict struct {
	Decision string // allow, ask, deny
	Rule     string // the rule that decided; "": none did, the default holds
	From     string // where that rule is written
	Reason   string
	Part     string // of a shell call: the command that decided
}

// Policy is a set of rules that was found valid.
type Policy struct {
	rules   []compiled
	Default string // decision where no rule matches
}

type compiled struct {
	Rule
	words []string // of Match, for shell commands
}

// RuleError says what is wrong with a rule, counted from 0, in which key.
type RuleError struct {
	Index int
	Key   string
	Why   string
}

func (e *RuleError) Error() string { return e.Why }

// New checks rules, their examples included. tools are the names there are;
// byDefault is the decision where no rule matches. Errors are *RuleError.
func New(rules []Rule, tools []string, byDefault string) (*Policy, error) {
	p := &Policy{Default: byDefault}
	for i, r := range rules {
		bad := func(key, format string, a ...any) error {
			return &RuleError{Index: i, Key: key, Why: fmt.Sprintf(format, a...)}
		}
		switch {
		case r.Tool == "":
			return nil, bad("tool", "a rule needs a tool: a name, or * for every one")
		case !slices.ContainsFunc(tools, func(t string) bool { return glob(r.Tool, t) }):
			return nil, bad("tool", "there is no tool %q; there are %s", r.Tool, strings.Join(tools, ", "))
		case severity(r.Decision) < 0:
			return nil, bad("decision", "a rule's decision cannot be %q; there are allow, ask, deny", r.Decision)
		case r.Match == "" && len(r.Matching)+len(r.NotMatching) > 0:
			return nil, bad("matching", "a rule without match has no examples: it holds for every call")
		case r.Match == "" && r.Argument != "":
			return nil, bad("argument", "argument says which one match is about; there is no match")
		case r.Match != "" && r.Argument == "" && MainArgument(r.Tool) == "":
			return nil, bad("match", "say which argument of %s the pattern is about: argument = \"…\"", r.Tool)
		}
		c := compiled{Rule: r, words: strings.Fields(r.Match)}
		if r.Match != "" && len(c.words) == 0 {
			return nil, bad("match", "the pattern is blank")
		}
		for _, example := range r.Matching {
			if got, _ := c.examine(example); got != certain {
				return nil, bad("matching", "the rule %s does not match its example %q", r, example)
			}
		}
		for _, example := range r.NotMatching {
			if got, part := c.examine(example); got != no {
				return nil, bad("not_matching", "the rule %s matches %q, which it says it must not%s", r, example, optional(" (by %s)", part))
			}
		}
		p.rules = append(p.rules, c)
	}
	return p, nil
}

// MainArgument is the argument that a rule is about unless it says another; "": there is none.
func MainArgument(tool string) string {
	switch tool {
	case "shell":
		return "command"
	case "sql":
		return "query"
	case "read_file", "write_file", "edit_file", "*_file":
		return "path"
	case "fetch":
		return "url"
	}
	return ""
}

func severity(decision string) int { return slices.Index([]string{Allow, Ask, Deny}, decision) }

// Offers says whether the model is shown a tool: not if every call is denied.
func (p *Policy) Offers(tool string) bool {
	return !slices.ContainsFunc(p.rules, func(r compiled) bool {
		return r.Decision == Deny && r.Match == "" && glob(r.Tool, tool)
	})
}

// Judge decides on a call whose arguments were parsed. The strictest rule that
// matches wins; where none does, the default.
func (p *Policy) Judge(tool string, args map[string]any) Verdict {
	if command, ok := args["command"].(string); ok && tool == "shell" {
		return p.judgeShell(command, args)
	}
	v, found := Verdict{Decision: Allow}, false
	for _, r := range p.rules {
		if glob(r.Tool, tool) && (r.Match == "" || r.value(tool, args)) {
			v, found = stricter(v, r, "", found), true
		}
	}
	if !found {
		return Verdict{Decision: p.Default}
	}
	return v
}

// stricter takes r's decision where it is the strictest so far.
func stricter(v Verdict, r compiled, part string, found bool) Verdict {
	if found && severity(r.Decision) <= severity(v.Decision) {
		return v
	}
	return Verdict{Decision: r.Decision, Rule: r.String(), From: r.From, Reason: r.Reason, Part: part}
}

// judgeShell judges every command on its own: a call is as strict as its strictest part.
func (p *Policy) judgeShell(src string, args map[string]any) Verdict {
	prog := readShell(src)
	best := Verdict{Decision: Allow}
	for _, c := range prog.commands {
		v, found := Verdict{Decision: Allow}, false
		for _, r := range p.rules {
			if !glob(r.Tool, "shell") {
				continue
			}
			how := certain
			switch {
			case r.Match != "" && cmp.Or(r.Argument, "command") != "command":
				if !r.value("shell", args) {
					how = no
				}
			case r.Match != "":
				how = r.command(c)
			}
			if how == no || how == possible && r.Decision == Allow {
				continue
			}
			was := v
			v, found = stricter(v, r, c.String(), found), true
			if how == possible && v != was {
				v.Reason = hidden(r, v.Part)
			}
		}
		if !found {
			v.Decision = p.Default
			v.Part = c.String()
		}
		if severity(v.Decision) > severity(best.Decision) || best.Rule == "" && v.Rule != "" && v.Decision == best.Decision {
			best = v
		}
	}
	return p.unseen(prog, best)
}

// unseen lets what cannot be seen count as what the rules are about.
func (p *Policy) unseen(prog program, best Verdict) Verdict {
	if len(prog.unseen) == 0 {
		return best
	}
	if severity(p.Default) > severity(best.Decision) {
		best = Verdict{Decision: p.Default}
	}
	for _, r := range p.rules {
		if glob(r.Tool, "shell") && r.Match != "" && r.Decision != Allow && cmp.Or(r.Argument, "command") == "command" {
			if w := stricter(best, r, prog.unseen[0], true); w != best {
				w.Reason = hidden(r, prog.unseen[0])
				best = w
			}
		}
	}
	return best
}

func hidden(r compiled, part string) string {
	return fmt.Sprintf("it cannot be seen whether this is %s (%s): write the command out, without anything that hides it%s", r.Match, part, optional("; %s", r.Reason))
}

func (c command) String() string {
	var out []string
	for _, w := range c.words {
		if w.known {
			out = append(out, w.text)
		} else {
			out = append(out, "…")
		}
	}
	s := strings.Join(out, " ")
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:117], "") + "…"
	}
	return s
}

// examine is how an example value fares.
func (r compiled) examine(example string) (outcome, string) {
	argument := cmp.Or(r.Argument, MainArgument(r.Tool))
	if argument != "command" || !glob(r.Tool, "shell") {
		if r.value(r.Tool, map[string]any{argument: example}) {
			return certain, ""
		}
		return no, ""
	}
	best, by := no, ""
	prog := readShell(example)
	for _, c := range prog.commands {
		if how := r.command(c); how > best {
			best, by = how, c.String()
		}
	}
	if best == no && len(prog.unseen) > 0 && r.Decision != Allow {
		return possible, prog.unseen[0]
	}
	return best, by
}

func optional(format, s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(format, s)
}
