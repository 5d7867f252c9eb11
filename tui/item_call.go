package tui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"glovebox/store"
)

// What a folded card shows of its arguments and output, and what it reads to find that.
const (
	foldedArgs   = 3
	foldedOutput = 6
	foldedBytes  = 16 << 10
	liveBytes    = 64 << 10
)

// call is a tool call: a card with arguments, output and how it ended.
type call struct {
	id, tool string
	args     string // JSON as the model wrote it or as it was parsed
	decision *store.Decision
	began    time.Time // zero: not yet
	elapsed  time.Duration
	result   *store.ToolResult
	lost     bool   // the session went on or ended without a result
	stub     bool   // it did nothing: the outbox
	live     string // the end of the output so far
}

func (c *call) running() bool { return !c.began.IsZero() && c.result == nil && !c.lost }

// refused reports whether the call will never run.
func (c *call) refused() bool {
	return c.decision != nil && c.decision.Verdict != "allow" && c.decision.Verdict != "ask"
}

// asked reports whether the call waits for a person.
func (c *call) asked() bool { return c.decision != nil && c.decision.Verdict == "ask" }

// failed reports whether the call is one that a person looks for when something went wrong.
func (c *call) failed() bool {
	if c.refused() {
		return true
	}
	r := c.result
	return r != nil && (r.Error != "" || r.Signal != "" || r.TimedOut || r.Exit != nil && *r.Exit != 0)
}

// state says how the call stands, as a mark and in words.
func (c *call) state() (mark, words string) {
	switch {
	case c.refused():
		return "✗", c.refusal()
	case c.result != nil:
		return c.outcome()
	case c.lost:
		return "◌", "no result"
	case c.running():
		return "●", "running " + clock(c.elapsed)
	case c.asked():
		return "?", "waits for your answer"
	}
	return "◌", "waiting"
}

func (c *call) refusal() string {
	if c.decision.Verdict == "invalid" {
		return "invalid call"
	}
	words := "denied"
	if c.decision.By == "user" {
		words += " by you"
	} else if c.decision.Rule != "" {
		words += " by rule " + c.decision.Rule
	}
	return words
}

func (c *call) outcome() (mark, words string) {
	r := c.result
	mark, words = "✓", "done"
	switch {
	case r.Error != "":
		words = "failed"
	case r.Signal != "":
		words = "killed by " + r.Signal
	case r.Exit != nil:
		words = fmt.Sprintf("exit %d", *r.Exit)
	}
	if r.TimedOut {
		words += " · timed out"
	}
	if c.failed() {
		mark = "✗"
	}
	if c.stub {
		words = "to the outbox, nothing was done"
	}
	if d := c.decision; d != nil && d.By != "policy" && d.By != "" {
		words += " · " + allowedBy(*d)
	}
	return mark, words + " · " + took(r.DurationMS)
}

// allowedBy says who let a call run that was asked about.
func allowedBy(d store.Decision) string {
	words := "allowed by " + d.By
	if d.By == "user" {
		words = "allowed by you"
	}
	if d.Edited {
		words += ", edited"
	}
	return words
}

func (c *call) draw(w int, th *theme, open bool) []string {
	mark, words := c.state()
	style := th.faint
	switch {
	case c.failed():
		style = th.bad
	case c.result != nil:
		style = th.good
	case c.running():
		style = th.accent
	}
	out := []string{fit(style.Render(mark)+" "+th.bold.Render(line(c.tool))+"  "+style.Render(line(words)), w)}
	bar := th.rule.Render("│") + " "
	for _, s := range c.sections(open) {
		var lines []string
		if open {
			lines = wrap(clean(s.text), w-4, false)
		} else {
			for l := range strings.SplitSeq(clean(s.text), "\n") {
				lines = append(lines, fit(l, w-4))
			}
		}
		for _, l := range lines {
			if s.faint {
				l = th.faint.Render(l)
			}
			out = append(out, "  "+bar+l)
		}
	}
	return out
}

// section is a part of the card's inside.
type section struct {
	text  string
	faint bool
}

func (c *call) sections(open bool) []section {
	var out []section
	out = appendPart(out, arguments(c.tool, c.args), foldedArgs, open)
	if c.refused() {
		return appendPart(out, c.decision.Reason, foldedOutput, open) // the result says the same
	}
	r := c.result
	if r == nil {
		return c.appendLive(out, open)
	}
	out = appendPart(out, r.Stdout, foldedOutput, open)
	if r.StdoutCut > 0 {
		out = append(out, section{fmt.Sprintf("(%s of the output were cut from its middle)", size(r.StdoutCut)), true})
	}
	if r.Stderr != "" {
		out = append(out, section{"stderr", true})
		out = appendPart(out, r.Stderr, foldedOutput, open)
	}
	if r.StderrCut > 0 {
		out = append(out, section{fmt.Sprintf("(%s of stderr were cut from its middle)", size(r.StderrCut)), true})
	}
	if r.Error != "" {
		out = append(out, section{"error: " + r.Error, false})
	}
	return out
}

// appendPart adds text, folded to n lines unless open.
func appendPart(out []section, text string, n int, open bool) []section {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return out
	}
	if open {
		return append(out, section{text, false})
	}
	shown, rest := head(text, n, foldedBytes)
	out = append(out, section{shown, false})
	if rest > 0 {
		out = append(out, section{"… " + store.Plural(rest, "more line"), true})
	}
	return out
}

// appendLive adds the end of what has been printed so far.
func (c *call) appendLive(out []section, open bool) []section {
	text := strings.TrimRight(c.live, "\n")
	if text == "" {
		return out
	}
	if !open {
		lines := strings.Split(text, "\n")
		text = strings.Join(lines[max(len(lines)-foldedOutput, 0):], "\n")
	}
	return append(out, section{text, false})
}

func (c *call) text() string {
	mark, words := c.state()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  %s\n", mark, c.tool, words)
	for _, s := range c.sections(true) {
		b.WriteString(strings.TrimRight(s.text, "\n") + "\n")
	}
	return b.String()
}

// arguments shows a call's arguments as a person would write them.
func arguments(tool, raw string) string {
	var args map[string]any
	if json.Unmarshal([]byte(raw), &args) != nil {
		return raw
	}
	take := func(name string) string {
		s, ok := args[name].(string)
		if ok {
			delete(args, name)
		}
		return s
	}
	var lead string
	switch tool {
	case "shell":
		lead = "$ " + take("command")
	case "sql":
		lead = take("query")
	case "read_file":
		lead = take("path")
	case "write_file":
		lead = take("path") + "\n" + take("content")
	case "edit_file":
		lead = take("path") + "\n" + prefix("- ", take("old")) + "\n" + prefix("+ ", take("new"))
	case "fetch":
		lead = take("url")
	}
	parts := []string{}
	if lead = strings.Trim(lead, "\n"); lead != "" {
		parts = append(parts, lead)
	}
	names := make([]string, 0, len(args))
	for name := range args {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		parts = append(parts, name+": "+value(args[name]))
	}
	return strings.Join(parts, "\n")
}

func prefix(mark, text string) string {
	return mark + strings.ReplaceAll(text, "\n", "\n"+mark)
}

func value(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
