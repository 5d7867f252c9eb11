package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"glovebox/store"
)

// An item is an event as a person sees it: a line, and texts below it.
type item struct {
	class  string // prompt, model, call, result, policy, box, net, end, note
	head   string
	blocks []block
	failed bool
	quiet  bool // folded at first
}

type block struct{ label, language, text string }

func (it *item) add(label, language, text string) {
	if text != "" {
		it.blocks = append(it.blocks, block{label, language, text})
	}
}

func describe(e store.Event) item {
	switch b := e.Body.(type) {
	case store.SessionStarted:
		it := item{class: "box", head: fmt.Sprintf("session started: %s, rigor %s, glovebox %s", b.Model, b.Rigor, b.Program), quiet: true}
		if b.Recipe != nil {
			it.head += fmt.Sprintf(", data %s seed %d", b.Recipe.Schema, b.Recipe.Seed)
		}
		it.add("system prompt", "text", b.System)
		it.add("configuration", "json", indent(b.Config))
		it.add("policy", "json", indent(b.Policy))
		return it
	case store.ModelRequest:
		return item{class: "model", head: fmt.Sprintf("asks %s, turn %d", b.Model, b.Turn), quiet: true}
	case store.Prompt:
		return item{class: "prompt", head: "prompt", blocks: []block{{"", "text", b.Text}}}
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
		it.add("", "text", rest)
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
	switch e.Body.(type) {
	case store.Egress, store.EgressDone:
		it.class = "net"
	case store.SessionEnded:
		it.class, it.quiet = "end", false
	case store.LimitReached, store.Interrupted, store.Failure:
		it.class, it.quiet, it.failed = "end", false, true
	case store.BoxDiff:
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
	it.head += fmt.Sprintf(", %.1f s", b.DurationMS/1000)
	if b.Partial {
		it.head, it.failed = it.head+", cut off", true
	}
	it.add("reasoning", "text", b.Reasoning)
	it.add("", "text", b.Text)
	for _, c := range b.ToolCalls {
		it.add("asks for "+c.Name, "json", indent([]byte(c.Arguments)))
	}
	return it
}

func arguments(it *item, tool string, raw json.RawMessage) {
	var args map[string]json.RawMessage
	main := map[string]string{"shell": "command", "sql": "query"}[tool]
	var text string
	if json.Unmarshal(raw, &args) == nil && main != "" && json.Unmarshal(args[main], &text) == nil {
		it.add("", map[string]string{"shell": "sh", "sql": "sql"}[tool], text)
		if delete(args, main); len(args) > 0 {
			rest, _ := json.Marshal(args)
			it.add("", "json", indent(rest))
		}
		return
	}
	it.add("", "json", indent(raw))
}

func result(b store.ToolResult) item {
	it := item{class: "result", head: "result " + b.Tool}
	switch {
	case b.TimedOut:
		it.head, it.failed = it.head+": timed out", true
	case b.Signal != "":
		it.head, it.failed = it.head+": ended by "+b.Signal, true
	case b.Exit != nil:
		it.head, it.failed = fmt.Sprintf("%s: exit %d", it.head, *b.Exit), *b.Exit != 0
	case b.Error != "":
		it.head, it.failed = it.head+": no result", true
	}
	it.head += fmt.Sprintf(", %.1f s", b.DurationMS/1000)
	it.add("error", "text", b.Error)
	it.add("", "text", b.Stdout)
	it.add("standard error", "text", b.Stderr)
	if b.StdoutCut+b.StderrCut > 0 {
		it.add("", "text", fmt.Sprintf("%d bytes were left out when this was recorded", b.StdoutCut+b.StderrCut))
	}
	return it
}

func indent(raw []byte) string {
	var b bytes.Buffer
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
