package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// decided shows a decision where there is something to say: what was allowed
// by policy is seen as the call itself.
func (t *Transcript) decided(b *strings.Builder, v Decision) {
	if v.Verdict == "allow" {
		if v.By != "policy" {
			line(b, "\n%s allowed by %s%s%s", v.Tool, cmp.Or(v.Who, v.By), allowed(v), waited(v))
		}
		return
	}
	word := v.Verdict
	switch word {
	case "deny":
		word = "denied by " + cmp.Or(v.Who, v.By) + waited(v)
	case "ask":
		word = "asked for"
	}
	call(b, "\n"+word+": "+v.Tool, v.Tool, t.calls[v.CallID].Arguments)
	line(b, "because: %s%s%s", cmp.Or(v.Reason, "no reason was given"), optional(" (rule %s)", v.Rule), optional(", for: %s", v.Part))
}

func allowed(v Decision) string {
	edited := ""
	if v.Edited {
		edited = ", with other arguments"
	}
	switch v.Scope {
	case "session":
		return " for this session" + edited
	case "pattern":
		return " with everything like " + v.Pattern + edited
	}
	return edited
}

func waited(v Decision) string {
	if v.WaitMS == 0 {
		return ""
	}
	return " after " + duration(v.WaitMS)
}

// call shows a tool call: the argument that matters most on the line, what is
// long or has several lines below it.
func call(b *strings.Builder, head, tool, arguments string) {
	var args map[string]json.RawMessage
	if json.Unmarshal([]byte(arguments), &args) != nil {
		text(b, head, arguments)
		return
	}
	main := map[string]string{"shell": "command", "sql": "query", "read_file": "path", "write_file": "path", "edit_file": "path", "fetch": "url"}[tool]
	value, long := argument(args[main])
	delete(args, main)
	var short []string
	blocks := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if v, long := argument(args[name]); long {
			blocks[name] = v
		} else {
			short = append(short, name+" "+v)
		}
	}
	if !long && value != "" {
		head += ": " + value
	}
	if len(short) > 0 {
		head += " (" + strings.Join(short, ", ") + ")"
	}
	if long {
		block(b, head+":", value)
	} else {
		line(b, "%s", head)
	}
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		block(b, name+":", blocks[name])
	}
}

// argument is one argument as a person would write it, and whether that wants
// lines of its own.
func argument(raw json.RawMessage) (value string, long bool) {
	if json.Unmarshal(raw, &value) != nil {
		var compact bytes.Buffer
		if json.Compact(&compact, raw) == nil {
			value = compact.String()
		}
	}
	return value, strings.Contains(strings.TrimSpace(value), "\n") || len(value) > 200
}

func result(b *strings.Builder, v ToolResult) {
	line(b, "result %s: %s, %s", v.Tool, v.Outcome(), duration(v.DurationMS))
	if v.Error != "" {
		text(b, "error", v.Error)
	}
	output(b, "", v.Stdout, v.StdoutCut)
	output(b, "stderr:", v.Stderr, v.StderrCut)
}

// firstLines keeps n lines of text and says how many more there are.
func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if n == 0 || len(lines) <= n+1 {
		return text
	}
	return fmt.Sprintf("%s\n… %d more lines", strings.Join(lines[:n], "\n"), len(lines)-n)
}

func output(b *strings.Builder, head, out string, cut int64) {
	if out != "" {
		block(b, head, out)
	}
	if cut > 0 {
		line(b, "%s left out of the middle", byteCount(cut))
	}
}
