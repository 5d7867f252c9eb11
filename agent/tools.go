package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"glovebox/agent/policy"
	"glovebox/store"
)

const (
	maxCommand = 100 << 10 // Linux takes at most 128 KiB in one argument
	maxPath    = 4096
	maxContent = 1 << 20
)

// Toolbox says which tools a session offers and how they reach the box. Its
// methods may be called at the same time.
type Toolbox struct {
	Allow []string                   // names, any order; nil: all that there are
	Shell []string                   // argv to which the command is appended; nil: /bin/sh -c
	SQL   func(query string) Command // how a query runs in this box; nil: no sql tool
	// Fetch is how a URL is fetched in this box, within a time; nil: no fetch tool.
	Fetch      func(url, method string, within time.Duration) Command
	MaxTimeout time.Duration  // of one command; 0: 60 s
	Stubs      []Stub         // tools that only record and answer
	Seed       int64          // of what stubs make up
	Policy     *policy.Policy // nil: what is offered is allowed
}

// ToolNames are all tools there are, in the order in which models see them.
func ToolNames() []string {
	var out []string
	for _, t := range builtin() {
		out = append(out, t.name)
	}
	return out
}

// Specs are the tools as the model is shown them.
func (t Toolbox) Specs() []store.ToolSpec {
	var out []store.ToolSpec
	for _, tool := range t.tools() {
		if tool.stub != nil && t.offers(tool.name) {
			out = append(out, tool.stub.spec)
		} else if t.offers(tool.name) {
			out = append(out, store.ToolSpec{
				Name: tool.name, Description: tool.about, Parameters: schema(t.params(tool)),
			})
		}
	}
	return out
}

// tools are all that there are, offered or not.
func (t Toolbox) tools() []tool {
	out := builtin()
	for _, s := range t.Stubs {
		out = append(out, s.tool())
	}
	return out
}

func (t Toolbox) offers(name string) bool {
	if slices.ContainsFunc(t.Stubs, func(s Stub) bool { return s.spec.Name == name }) {
		return t.Policy == nil || t.Policy.Offers(name) // to declare it is to allow it
	}
	if name == "sql" && t.SQL == nil || name == "fetch" && t.Fetch == nil {
		return false
	}
	return (t.Allow == nil || slices.Contains(t.Allow, name)) && (t.Policy == nil || t.Policy.Offers(name))
}

func (t Toolbox) maxTimeout() time.Duration {
	if t.MaxTimeout < time.Second {
		return 60 * time.Second
	}
	return t.MaxTimeout
}

// params are a tool's parameters with this toolbox's bounds put in.
func (t Toolbox) params(tool tool) []param {
	out := slices.Clone(tool.params)
	for i := range out {
		if out[i].name == "timeout_s" {
			out[i].max = int(t.maxTimeout() / time.Second)
			out[i].about = fmt.Sprintf("Kill the command after so many seconds (1 to %d).", out[i].max)
		}
	}
	return out
}

// tool is one entry of the toolbox. run returns an error only when the session
// cannot go on; what the model should know goes into the result.
type tool struct {
	name, about string
	params      []param
	stub        *Stub // nil: it does something
	run         func(ctx context.Context, r *run, args values) (store.ToolResult, error)
}

// run is what a tool needs while it runs.
type run struct {
	tools  Toolbox
	box    Box
	output func(stderr bool, chunk []byte)
}

func builtin() []tool {
	path := param{name: "path", required: true, max: maxPath, about: "Absolute, or relative to /work."}
	return []tool{
		{
			name: "shell", about: "Run a shell command in the box. Each call starts in /work with a new shell.",
			params: []param{
				{name: "command", required: true, max: maxCommand, about: "The command line."},
				{name: "timeout_s", integer: true},
			},
			run: runShell,
		},
		{
			name: "read_file", about: "Read a text file by lines, at most 64 KiB at a time.",
			params: []param{
				path,
				{name: "offset", integer: true, max: 1 << 30, about: "First line to read, counted from 1. Default 1."},
				{name: "limit", integer: true, max: 1 << 30, about: "How many lines to read. Default 2000."},
			},
			run: readFile,
		},
		{
			name: "write_file", about: "Create or replace a file. Missing directories are made.",
			params: []param{
				path,
				{name: "content", required: true, max: maxContent, about: "The whole content."},
			},
			run: writeFile,
		},
		{
			name: "edit_file", about: "Replace one piece of text in a file. It must occur exactly once.",
			params: []param{
				path,
				{name: "old", required: true, max: maxContent, about: "The text to replace, exactly as in the file."},
				{name: "new", required: true, max: maxContent, about: "The text to put there."},
			},
			run: editFile,
		},
		{
			name: "sql", about: "Run an SQL query (SQLite) on the dataset.",
			params: []param{
				{name: "query", required: true, max: maxCommand, about: "One or more SQL statements."},
			},
			run: runSQL,
		},
		{
			name: "fetch", about: "Fetch a URL of an allowed host: the answer's head and body. Redirects are not followed.",
			params: []param{
				{name: "url", required: true, max: maxPath, about: "http:// or https://"},
				{name: "method", max: 16, about: "Default GET."},
			},
			run: runFetch,
		},
	}
}

// plan is a tool call that may run.
type plan struct {
	tool tool
	args values
}

// Decide says what policy makes of a call, without running it.
func (t Toolbox) Decide(call store.CallSpec) store.Decision {
	d, _ := t.decide(call)
	return d
}

// MainArgument is the argument that a tool is about; "" where there is none.
func MainArgument(tool string) string { return policy.MainArgument(tool) }

// decide says what policy makes of a call, and how to run it if it may.
func (t Toolbox) decide(call store.CallSpec) (store.Decision, plan) {
	d := store.Decision{CallID: call.ID, Tool: clip(call.Name, 64), Verdict: "allow", Rule: "tools.allow", By: "policy"}
	tools := t.tools()
	i := slices.IndexFunc(tools, func(x tool) bool { return x.name == call.Name })
	if i < 0 {
		d.Verdict, d.Rule = "invalid", ""
		d.Reason = fmt.Sprintf("there is no tool %q; the tools are: %s", clip(call.Name, 64), t.list())
		return d, plan{}
	}
	if !t.offers(call.Name) {
		d.Verdict = "deny"
		d.Reason = fmt.Sprintf("the tool %s is not allowed in this session; the tools are: %s", call.Name, t.list())
		return d, plan{}
	}
	args, err := tools[i].decode(t, call.Arguments)
	if err != nil {
		d.Verdict, d.Rule, d.Reason = "invalid", "", err.Error()
		return d, plan{}
	}
	if t.Policy != nil {
		judged := args
		if _, said := args["method"]; call.Name == "fetch" && !said {
			judged = maps.Clone(args)
			judged["method"] = "GET"
		}
		v := t.Policy.Judge(call.Name, judged)
		d.Verdict, d.From, d.Part = v.Decision, v.From, v.Part
		d.Rule, d.Reason = cmp.Or(v.Rule, "default"), v.Reason
		if d.Verdict == policy.Allow && v.Rule == "" {
			d.Rule = "tools.allow"
		}
	}
	return d, plan{tool: tools[i], args: args}
}

func (x tool) decode(t Toolbox, raw string) (values, error) {
	if x.stub != nil {
		return x.stub.decode(raw)
	}
	args, err := decodeArgs(t.params(x), raw)
	if err == nil {
		err = check(args)
	}
	return args, err
}

// check refuses what no process and no file name can carry.
func check(args values) error {
	for _, name := range []string{"command", "path", "query", "url"} {
		s, given := args[name].(string)
		switch {
		case !given:
		case strings.TrimSpace(s) == "":
			return fmt.Errorf("the argument %q is empty", name)
		case strings.ContainsRune(s, 0):
			return fmt.Errorf("the argument %q contains a NUL byte", name)
		}
	}
	if m, given := args["method"].(string); given {
		if !method.MatchString(m) {
			return errors.New(`the argument "method" must be a word such as GET`)
		}
		args["method"] = strings.ToUpper(m)
	}
	if q, given := args["query"].(string); given {
		for _, m := range dotCommand.FindAllStringSubmatch(q, -1) {
			if !slices.Contains(harmless, m[1]) {
				return fmt.Errorf("the sql tool takes no .%s: only SQL, and .%s", clip(m[1], 32), strings.Join(harmless, ", ."))
			}
		}
	}
	if u, given := args["url"].(string); given && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
		return errors.New(`the argument "url" must begin with http:// or https://`)
	}
	return nil
}

var (
	method     = regexp.MustCompile(`^[A-Za-z]+$`)
	dotCommand = regexp.MustCompile(`(?m)^[ \t]*\.([^0-9\r\n]\S*)`) // also . shell and ."shell"
	// harmless are the commands of SQLite's shell that only show something. Others
	// run programs and write files, past the rules for those.
	harmless = []string{"tables", "schema", "indexes", "databases", "headers", "mode"}
)

func (t Toolbox) list() string {
	var out []string
	for _, x := range t.tools() {
		if t.offers(x.name) {
			out = append(out, x.name)
		}
	}
	return strings.Join(out, ", ")
}

// recorded is the arguments as they will be used.
func (p plan) recorded() json.RawMessage {
	out, err := json.Marshal(p.args)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return out
}

func runShell(ctx context.Context, r *run, args values) (store.ToolResult, error) {
	shell := r.tools.Shell
	if shell == nil {
		shell = []string{"/bin/sh", "-c"}
	}
	timeout := r.tools.maxTimeout()
	if s := args.int("timeout_s", 0); s > 0 {
		timeout = time.Duration(s) * time.Second
	}
	return r.exec(ctx, Command{Argv: append(slices.Clone(shell), args.str("command")), Timeout: timeout})
}

func runSQL(ctx context.Context, r *run, args values) (store.ToolResult, error) {
	return r.exec(ctx, r.tools.SQL(args.str("query")))
}

func runFetch(ctx context.Context, r *run, args values) (store.ToolResult, error) {
	method := strings.ToUpper(args.str("method"))
	return r.exec(ctx, r.tools.Fetch(args.str("url"), cmp.Or(method, "GET"), r.tools.maxTimeout()))
}

// exec runs a command and keeps what it printed, so that it is not lost when
// the command is broken off.
func (r *run) exec(ctx context.Context, cmd Command) (store.ToolResult, error) {
	var live [2]capture
	res, err := r.box.Exec(ctx, cmd, func(stderr bool, chunk []byte) {
		live[stream(stderr)].write(chunk)
		r.output(stderr, chunk)
	})
	kept := live
	if err == nil {
		kept = [2]capture{{cut: res.StdoutCut}, {cut: res.StderrCut}}
		kept[0].write(res.Stdout)
		kept[1].write(res.Stderr) // to which the box may have added why it ended
	}
	out := store.ToolResult{
		Exit: res.Exit, Signal: res.Signal, TimedOut: res.TimedOut,
		Stdout: kept[0].text(), StdoutCut: kept[0].cut,
		Stderr: kept[1].text(), StderrCut: kept[1].cut,
	}
	if err == nil { // else when it was broken off is chance
		out.StdoutWhole, out.StderrWhole = live[0].whole(out.Stdout, out.StdoutCut), live[1].whole(out.Stderr, out.StderrCut)
	}
	return out, err
}

func stream(stderr bool) int {
	if stderr {
		return 1
	}
	return 0
}
