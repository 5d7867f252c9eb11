package agent

import (
	"fmt"
	"slices"
	"strings"

	"glovebox/store"
)

const (
	notRun      = "error: not run: the session stopped before this call"
	outcomeLost = "error: interrupted: the outcome of this call is unknown, it may have had effects"
)

// Conversation is what the model is told, as a pure function of what was
// recorded. Every tool call of a whole answer gets exactly one tool message,
// also those that never ran. Of an answer that broke off only the text counts:
// its tool calls were not run and may be incomplete.
func Conversation(events []store.Event) []Message {
	var c conversation
	for _, e := range events {
		switch b := e.Body.(type) {
		case store.Prompt:
			c.settle()
			c.user(b.Text, b.Images)
		case store.ModelResponse:
			c.settle()
			c.assistant(b)
		case store.Compacted:
			c.settle()
			c.messages = shortened(c.messages, b.Kept)
		case store.ToolCall:
			if p := c.find(b.CallID, func(p pending) bool { return !p.begun && !p.done }); p != nil {
				p.begun, p.text = true, outcomeLost
				if b.Edited {
					p.lead = fmt.Sprintf("(a person changed the arguments of this call before it ran, to %s)\n", b.Arguments)
				}
			}
		case store.ToolResult:
			if p := c.find(b.CallID, func(p pending) bool { return !p.done }); p != nil {
				p.done, p.text = true, p.lead+resultText(b)
			}
		}
	}
	c.settle()
	return c.messages
}

type conversation struct {
	messages []Message
	pending  []pending // the calls of the last answer, in order
}

type pending struct {
	id, text    string
	lead        string // goes before the result
	begun, done bool
}

// user appends a prompt. Two in a row (the first was never answered) become
// one: many chat templates insist that roles alternate.
func (c *conversation) user(text string, images []store.Image) {
	if n := len(c.messages); n > 0 && c.messages[n-1].Role == "user" {
		last := &c.messages[n-1]
		last.Text += "\n\n" + text
		last.Images = slices.Concat(last.Images, images)
		return
	}
	c.messages = append(c.messages, Message{Role: "user", Text: text, Images: images})
}

func (c *conversation) assistant(r store.ModelResponse) {
	calls := r.ToolCalls
	if r.Partial {
		calls = nil
	}
	if r.Text == "" && len(calls) == 0 {
		return
	}
	c.messages = append(c.messages, Message{Role: "assistant", Text: r.Text, ToolCalls: calls})
	for _, call := range calls {
		c.pending = append(c.pending, pending{id: call.ID, text: notRun})
	}
}

func (c *conversation) find(id string, want func(pending) bool) *pending {
	for i := range c.pending {
		if c.pending[i].id == id && want(c.pending[i]) {
			return &c.pending[i]
		}
	}
	return nil
}

func (c *conversation) settle() {
	for _, p := range c.pending {
		c.messages = append(c.messages, Message{Role: "tool", CallID: p.id, Text: p.text})
	}
	c.pending = nil
}

// resultText is what the model is told of a tool result. For a process its
// first line says how it ended: "exit N", "killed by SIG…" or "timed out".
func resultText(r store.ToolResult) string {
	var b strings.Builder
	process := true
	switch {
	case r.Error != "":
		fmt.Fprintf(&b, "error: %s\n", r.Error)
	case r.TimedOut:
		b.WriteString("timed out and was killed\n")
	case r.Signal != "":
		fmt.Fprintf(&b, "killed by %s\n", r.Signal)
	case r.Exit != nil:
		fmt.Fprintf(&b, "exit %d\n", *r.Exit)
	default:
		process = false
	}
	b.WriteString(r.Stdout)
	if r.StdoutCut > 0 {
		newline(&b)
		fmt.Fprintf(&b, "[%d bytes left out of the middle of this output]\n", r.StdoutCut)
	}
	if r.Stderr != "" || r.StderrCut > 0 {
		newline(&b)
		b.WriteString("stderr:\n")
		b.WriteString(r.Stderr)
		if r.StderrCut > 0 {
			newline(&b)
			fmt.Fprintf(&b, "[%d bytes left out of the middle of stderr]\n", r.StderrCut)
		}
	}
	if b.Len() == 0 {
		return "(empty)"
	}
	if process {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}

func newline(b *strings.Builder) {
	if s := b.String(); s != "" && s[len(s)-1] != '\n' {
		b.WriteByte('\n')
	}
}
