package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"glovebox/store"
)

// An item is an event as a person sees it: a line, and texts below it.
type item struct {
	class  string // prompt, model, call, result, policy, box, net, end, note
	head   string
	line   string // what was called with, where that is one short line
	with   string // what else it was called with, where that is short
	blocks []block
	failed bool
	quiet  bool // folded at first
}

type block struct {
	label, language, text string

	said  bool // by a person or a model: prose
	aside bool // stands elsewhere, too, or is seldom looked at
}

func (it *item) add(label, language, text string) {
	if text != "" {
		it.blocks = append(it.blocks, block{label: label, language: language, text: text})
	}
}

// say adds prose.
func (it *item) say(label, text string) {
	if text != "" {
		it.blocks = append(it.blocks, block{label: label, language: "text", text: text, said: true})
	}
}

func describe(e store.Event) item {
	switch b := e.Body.(type) {
	case store.SessionStarted:
		it := item{class: "box", head: fmt.Sprintf("session started: %s, rigor %s, glovebox %s", b.Model, b.Rigor, b.Program), quiet: true}
		if b.Recipe != nil {
			it.head += ", data " + b.Recipe.String()
		}
		if b.Reruns != nil {
			it.head, it.quiet = it.head+", runs the tool calls of session "+b.Reruns.Session+" again", false
		}
		it.add("system prompt", "text", b.System)
		it.add("configuration", "json", indent(b.Config))
		it.add("policy", "json", indent(b.Policy))
		return it
	case store.ModelRequest:
		return item{class: "model", head: fmt.Sprintf("asks %s, turn %d", b.Model, b.Turn), quiet: true}
	case store.Prompt:
		it := item{class: "prompt", head: "prompt"}
		it.say("", b.Text)
		for _, i := range b.Images {
			what := fmt.Sprintf("%s, %s, %d bytes", i.Name, i.Type, len(i.Data)/4*3)
			if i.Data == "" {
				what = fmt.Sprintf("%s, %s, withheld", i.Name, i.Type)
			}
			it.add("image", "text", what)
		}
		return it
	case store.ModelResponse:
		return answer(b)
	case store.ToolCall:
		it := item{class: "call", head: "call " + b.Tool}
		arguments(&it, b.Tool, b.Arguments)
		return it
	case store.ToolResult:
		return result(b)
	case store.Decision:
		it := item{class: "policy", head: fmt.Sprintf("%s %s by %s", b.Tool, map[string]string{"allow": "allowed", "deny": "denied"}[b.Verdict], b.By), failed: b.Verdict != "allow", quiet: b.Verdict == "allow"}
		if b.Verdict == "invalid" {
			it.head = b.Tool + ": not a valid call"
		}
		it.add("", "text", strings.TrimSpace(b.Reason+" "+b.Rule))
		return it
	case store.Note:
		var text strings.Builder
		store.WriteText(&text, e) //nolint:errcheck // a strings.Builder takes everything
		head, rest, _ := strings.Cut(strings.TrimSpace(text.String()), "\n")
		it := item{class: "note", head: head}
		it.say("", rest)
		return it
	}
	return plain(e)
}

// plain is an event as the transcript has it.
func plain(e store.Event) item {
	var b strings.Builder
	store.WriteText(&b, e) //nolint:errcheck // a strings.Builder takes everything
	head, rest, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	it := item{class: "box", head: head, quiet: true}
	switch b := e.Body.(type) {
	case store.Egress, store.EgressDone:
		it.class = "net"
	case store.SessionEnded:
		it.class, it.quiet, it.failed = "end", false, b.Status != "done"
	case store.LimitReached, store.Interrupted, store.Failure:
		it.class, it.quiet, it.failed = "end", false, true
	case store.BoxDiff:
		it.quiet = false
	case store.Drift:
		it.class, it.quiet, it.failed = "policy", false, true
	case store.Compared:
		it.quiet = false
	case store.Tripwire:
		it.class, it.quiet, it.failed = "policy", false, true
	}
	if head == "" {
		it.head = e.Body.Kind()
	}
	it.add("", "text", rest)
	return it
}

func answer(b store.ModelResponse) item {
	it := item{class: "model", head: "model"}
	if b.Usage != nil {
		it.head += fmt.Sprintf(", %d + %d tokens", b.Usage.Input, b.Usage.Output)
	}
	it.head += ", " + took(b.DurationMS)
	if b.Partial {
		it.head, it.failed = it.head+", cut off", true
	}
	it.say("reasoning", b.Reasoning)
	it.say("", b.Text)
	for _, c := range b.ToolCalls {
		it.blocks = append(it.blocks, block{label: "asks for " + c.Name, language: "json", text: indent([]byte(c.Arguments)), aside: true})
	}
	return it
}

// mainArgument is what a person wants to know first of a call.
var mainArgument = map[string]struct{ name, language string }{
	"shell": {"command", "sh"}, "sql": {"query", "sql"}, "read_file": {"path", "text"}, "write_file": {"path", "text"}, "edit_file": {"path", "text"}, "fetch": {"url", "text"},
}

func arguments(it *item, tool string, raw json.RawMessage) {
	var args map[string]json.RawMessage
	main := mainArgument[tool]
	var text string
	if json.Unmarshal(raw, &args) != nil || json.Unmarshal(args[main.name], &text) != nil {
		it.add("", "json", indent(raw))
		return
	}
	delete(args, main.name)
	if len(text) <= 160 && text != "" && !strings.ContainsAny(text, "\r\n") {
		it.line = text
	} else {
		it.add("", main.language, text)
	}
	var short []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		value := string(args[name])
		json.Unmarshal(args[name], &value) //nolint:errcheck // what is no text stays JSON
		if len(name)+len(value) <= 40 && !strings.Contains(value, "\n") {
			short = append(short, name+" "+value)
		} else {
			it.add(name, "text", value)
		}
	}
	it.with = strings.Join(short, ", ")
}

func result(b store.ToolResult) item {
	it := item{class: "result", head: "result " + b.Tool}
	if how := b.Outcome(); how != "done" {
		it.head, it.failed = it.head+": "+how, how != "exit 0"
	}
	it.head += ", " + took(b.DurationMS)
	it.add("error", "text", b.Error)
	it.add("", "text", b.Stdout)
	it.add("standard error", "text", b.Stderr)
	if b.StdoutCut+b.StderrCut > 0 {
		it.add("", "text", fmt.Sprintf("%d bytes were left out when this was recorded", b.StdoutCut+b.StderrCut))
	}
	return it
}

// took is a duration; what no session can take is none.
func took(ms float64) string {
	switch {
	case ms < 0 || ms > 1e10:
		return "? s"
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// indent lays JSON out, unless it is so long or so deeply nested that there
// would be more margin than text.
func indent(raw []byte) string {
	var b bytes.Buffer
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if len(raw) > 64<<10 || depth(raw) > 40 || json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// depth is how deeply JSON is nested, or more: brackets in texts count, too.
func depth(raw []byte) (most int) {
	at := 0
	for _, c := range raw {
		switch c {
		case '{', '[':
			at++
			most = max(most, at)
		case '}', ']':
			at--
		}
	}
	return most
}
