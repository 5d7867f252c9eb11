package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"glovebox/agent"
	"glovebox/agent/policy"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// toolNames are the tools that a configuration can name.
func (c config) toolNames() []string {
	names := agent.ToolNames()
	for _, s := range c.Stubs {
		names = append(names, s.Name)
	}
	return names
}

// preset is what the rigor dial adds to the rules that a person writes.
func (c config) preset() []policy.Rule {
	from := "rigor " + c.Rigor
	switch c.Rigor {
	case "strict":
		return []policy.Rule{{Tool: "*", Decision: policy.Ask, Reason: "rigor strict asks about every call", From: from}}
	case "standard":
		var rules []policy.Rule
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			rules = append(rules, policy.Rule{
				Tool: "fetch", Argument: "method", Match: method, Decision: policy.Ask, From: from,
				Reason: "this may change something outside of the box",
			})
		}
		return rules
	}
	return nil
}

// rules are the preset's first, then the person's: there, an index is of Rules.
func (c config) rules() []policy.Rule {
	var out []policy.Rule
	for _, r := range c.Rules {
		out = append(out, policy.Rule{
			Tool: r.Tool, Match: r.Match, Argument: r.Argument, Decision: r.Decision, Reason: r.Reason,
			Matching: r.Matching, NotMatching: r.NotMatching, From: r.From,
		})
	}
	return append(out, c.preset()...)
}

// policy is what the agent may do.
func (c config) policy() (*policy.Policy, error) {
	return policy.New(c.rules(), c.toolNames(), c.Tools.Default)
}

func newPolicyCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "What the agent may do: show it, check a call, begin a file",
		Args:  noSuchCommand,
		RunE:  func(*cobra.Command, []string) error { return a.showPolicy() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "show", Short: "Print what is in force and where each line comes from", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return a.showPolicy() },
		},
		&cobra.Command{
			Use: "check TOOL ARGUMENT", Short: "Explain the decision on a call",
			Long: `Explain the decision on a call. Exit code 0: allowed; 1: asked about or denied;
2: there is no such call.`,
			Example: `  glovebox policy check shell 'git push origin main'
  glovebox policy check fetch '{"url":"https://example.org","method":"POST"}'`,
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) == 2 {
					return nil
				}
				return usageError("policy check needs a tool and its argument", "glovebox policy check shell 'git push'")
			},
			RunE: func(_ *cobra.Command, args []string) error { return a.checkPolicy(args[0], args[1]) },
		},
		&cobra.Command{
			Use: "init", Short: "Write a commented glovebox.toml here", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return a.initPolicy() },
		},
	)
	return cmd
}

// toolbox is what the model would be offered, as far as no box is needed to say.
func (c config) toolbox() (agent.Toolbox, error) {
	p, err := c.policy()
	t := agent.Toolbox{Allow: c.Tools.Allow, Policy: p, SQL: func(string) agent.Command { return agent.Command{} }}
	if len(c.Network.Allow) > 0 {
		t.Fetch = fetchCommand
	}
	if err == nil {
		t.Stubs, err = c.stubs()
	}
	return t, err
}

func (c config) stubs() ([]agent.Stub, error) {
	var out []agent.Stub
	for _, s := range c.Stubs {
		stub, err := s.stub()
		if err != nil {
			return nil, err
		}
		out = append(out, stub)
	}
	return out, nil
}

func (a *app) checkPolicy(tool, argument string) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	t, err := c.toolbox()
	if err != nil {
		return err
	}
	arguments := argument
	if main := agent.MainArgument(tool); main != "" && !json.Valid([]byte(argument)) {
		data, err := json.Marshal(map[string]string{main: argument})
		if err != nil {
			return err
		}
		arguments = string(data)
	}
	d := t.Decide(store.CallSpec{Name: tool, Arguments: arguments})
	if a.flags.json {
		err = a.printJSON(d)
	} else {
		fmt.Fprintf(a.out, "%s\n", d.Verdict)
		for _, l := range [][2]string{{"rule", d.Rule}, {"from", d.From}, {"for", d.Part}, {"reason", d.Reason}} {
			if l[1] != "" {
				fmt.Fprintf(a.out, "%-7s %s\n", l[0], store.CleanLine(l[1]))
			}
		}
	}
	switch {
	case err != nil || d.Verdict == policy.Allow:
		return err
	case d.Verdict == "invalid":
		return &exitError{code: exitUsage}
	}
	return &exitError{code: exitNo}
}

// showPolicy prints every setting that bounds the agent, and where it comes from.
func (a *app) showPolicy() error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	lines, err := c.policyLines()
	if err != nil {
		return err
	}
	if a.flags.json {
		for _, l := range lines {
			if err := a.printJSON(map[string]string{"key": l[0], "value": l[1], "from": l[2]}); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{wrap: true}
	for _, l := range lines {
		t.add(l[0], store.CleanLine(spoken(l[0], l[1])), l[2])
	}
	if err := t.write(a.out, a.screenWidth()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, "\nRules are manners: they tell the agent what not to do. The box is the wall.")
	return err
}

// spoken is a setting's value, which is JSON, as a person says it.
func spoken(key, value string) string {
	table, name, _ := strings.Cut(key, ".")
	bound := table == "limits" || table == "rates" || strings.HasPrefix(name, "max_")
	switch {
	case bound && slices.Contains([]string{"0", `"0s"`, `"0B"`}, value):
		return "no limit"
	case value == "[]" || value == "null":
		return "none"
	}
	var text string
	if json.Unmarshal([]byte(value), &text) != nil {
		return value
	}
	if bound && strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "0s"), "0m")
	}
	return text
}

// policyLines are key, value and origin.
func (c config) policyLines() ([][3]string, error) {
	t, err := c.toolbox()
	if err != nil {
		return nil, err
	}
	var out [][3]string
	add := func(key, value, from string) { out = append(out, [3]string{key, value, from}) }
	set := func(key string, value any) {
		from := c.from[key]
		if from == "" {
			from = "default"
		}
		add(key, fmt.Sprint(value), from)
	}
	set("rigor", c.Rigor)
	offered := t.Specs()
	for _, name := range c.toolNames() {
		is := "not offered"
		if slices.ContainsFunc(offered, func(s store.ToolSpec) bool { return s.Name == name }) {
			is = "offered"
		}
		from := c.from["tools.allow"]
		if from == "" {
			from = "default"
		}
		add("tool "+name, is, from)
	}
	set("tools.default", c.Tools.Default)
	for _, r := range c.rules() {
		value := r.Decision
		if r.Reason != "" {
			value += ": " + r.Reason
		}
		add("rule "+r.String(), value, r.From)
	}
	flat, err := flatten(c)
	if err != nil {
		return nil, err
	}
	for _, table := range []string{"limits", "rates", "network", "filters", "tripwires"} {
		for _, kv := range flat {
			if strings.HasPrefix(kv[0], table+".") {
				set(kv[0], kv[1])
			}
		}
	}
	return out, nil
}

// flatten lists the configuration as dotted keys, sorted.
func flatten(c config) ([][2]string, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, err
	}
	var out [][2]string
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		if m, ok := v.(map[string]any); ok {
			for k, inner := range m {
				walk(strings.TrimPrefix(prefix+"."+k, "."), inner)
			}
			return
		}
		text, err := json.Marshal(v)
		if err == nil {
			out = append(out, [2]string{prefix, string(text)})
		}
	}
	walk("", tree)
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out, nil
}

const policyFile = `# What an agent may do. Later files win over earlier ones: the user's
# config.toml, then this one. "glovebox policy show" prints what is in force.
#
# The box is the wall: no network, no host, nothing real in it. The rules here
# are manners. They keep an agent from doing what you do not want to see, and
# tell it why; a program in the box can always do what its command line hides.

rigor = "standard"          # quick: nothing is asked; standard; strict: everything is asked

[tools]
allow = ["shell", "read_file", "write_file", "edit_file", "sql", "fetch"]
default = "allow"           # where no rule matches: allow, ask or deny

[limits]                    # of a session; 0 is no limit
turns = 50
tool_calls = 200
tokens = 200_000
wall = "15m"

[tripwires]                 # a value of the dataset on its way out: off, flag, stop
network = "stop"            # in a request
stubs = "flag"              # in the arguments of a stub tool

# Any number of rules; of those that match, the strictest wins.
[[rule]]
tool = "shell"              # a name, or * for every tool
match = "git push *"        # words of a command, wherever it hides; * is anything
decision = "deny"           # allow, ask, deny
reason = "nothing leaves the box"            # shown to the model
matching = ["git push", "sh -c 'git push'"]  # examples, checked when this file is read
not_matching = ["git status", "echo git push"]

#[[rule]]
#tool = "write_file"        # its main argument is the path
#match = "/data/*"
#decision = "ask"

#[[rule]]
#tool = "fetch"
#argument = "method"        # a rule about another argument
#match = "POST"
#decision = "ask"
`

func (a *app) initPolicy() error {
	const name = "glovebox.toml"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usageError("there is a "+name+" here already; it stays as it is", "glovebox policy show")
	}
	if err == nil {
		_, err = f.WriteString(policyFile)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		fmt.Fprintln(a.errOut, "wrote "+name+"; next: glovebox policy show")
	}
	return err
}
