package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// searchable is the text of an event by which it can be found, and words for
// what it is.
func searchable(body Body) (text, about string) {
	if body == nil {
		return "", ""
	}
	kind, tool, exit := body.Kind(), "", ""
	var parts []string
	switch b := body.(type) {
	case Prompt:
		parts = []string{b.Text}
		for _, i := range b.Images {
			parts = append(parts, i.Name)
		}
	case ModelResponse:
		parts = []string{b.Text, b.Reasoning}
	case ToolCall:
		tool = b.Tool
		parts = append([]string{b.Tool}, leaves(b.Arguments)...)
	case ToolResult:
		tool = b.Tool
		if b.Exit != nil {
			exit = fmt.Sprint(*b.Exit)
		}
		parts = []string{b.Stdout, b.Stderr, b.Error}
	case Decision:
		tool = b.Tool
		parts = []string{b.Verdict, b.Rule, b.Reason}
	case FilePut:
		parts = []string{b.Path}
	case Egress:
		parts = []string{b.Host, b.Method, b.Reason}
	case Filtered:
		parts = []string{b.String()}
	case Tripwire:
		parts = []string{b.String()}
	case LimitReached:
		parts = []string{"limit", b.Limit}
	case Failure:
		parts = []string{b.Code, b.Message}
	case BoxDiff:
		for _, c := range b.Changes {
			parts = append(parts, c.Path, c.From)
		}
	case Drift:
		parts = []string{b.What, b.How, b.Detail}
	case Note:
		parts = append([]string{b.Title, b.Text}, b.Tags...)
	default:
		return "", ""
	}
	return strings.TrimSpace(strings.Join(parts, "\n")), word("kind", kind) + " " + word("tool", tool) + " " + word("exit", exit)
}

// leaves are the strings anywhere in JSON.
func leaves(raw json.RawMessage) []string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return []string{string(raw)}
	}
	var found []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			found = append(found, v)
		case []any:
			for _, each := range v {
				walk(each)
			}
		case map[string]any:
			for _, each := range v {
				walk(each)
			}
		}
	}
	walk(v)
	slices.Sort(found) // a map has no order
	return found
}

// word is one word of the index for a property; "" for none.
func word(name, value string) string {
	if value == "" {
		return ""
	}
	return "_" + name + "_" + strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '_'
	}, value)
}
