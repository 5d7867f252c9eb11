package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Transcript writes events one after the other as plain text for a person.
// Whatever comes from outside (prompts, model, tools) is sanitised and indented:
// a line that begins in the first column is glovebox's own, and no output can
// pass for one. Not safe for concurrent use.
type Transcript struct {
	W         io.Writer
	Reasoning bool // show the model's reasoning, too
	Lines     int  // of each output, at most; 0: all

	calls    map[string]CallSpec // as the model wrote them, until decided
	streamed bool                // the answer's text has been written by Stream
	midLine  bool
	held     string // end of what was streamed, written when more comes
	failure  string // the last one: the session's end need not repeat it
	limited  bool   // nor a limit
}

// WriteText writes one event on its own; see Transcript.
func WriteText(w io.Writer, e Event) error {
	return (&Transcript{W: w}).Event(e)
}

// Stream writes a piece of the model's answer as it arrives; the ModelResponse
// that follows does not repeat it. The last sign is held back until more comes,
// because what follows may belong to it.
func (t *Transcript) Stream(piece string) error {
	piece = t.held + piece
	cut := len(piece)
	for cut > 0 && len(piece)-cut < 1000 {
		r, size := utf8.DecodeLastRuneInString(piece[:cut])
		cut -= size
		if before, _ := utf8.DecodeLastRuneInString(piece[:cut]); r != '\n' && !hidden(r) && !hidden(before) {
			break
		}
	}
	t.held = piece[cut:]
	return t.show(Clean(piece[:cut]))
}

// show writes clean text of the answer.
func (t *Transcript) show(text string) error {
	var b strings.Builder
	if !t.streamed {
		if text = strings.TrimLeft(text, "\n"); text == "" {
			return nil
		}
		b.WriteString("\nmodel:\n")
		t.streamed = true
	}
	for l := range strings.Lines(text) {
		if !t.midLine && l != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(l)
		t.midLine = !strings.HasSuffix(l, "\n")
	}
	_, err := io.WriteString(t.W, b.String())
	return err
}

// Event writes one event; some have nothing to show.
func (t *Transcript) Event(e Event) error {
	if err := t.show(strings.TrimRight(Clean(t.held), "\n")); err != nil {
		return err
	}
	var b strings.Builder
	if t.midLine {
		b.WriteByte('\n')
	}
	t.midLine, t.held = false, ""
	switch v := e.Body.(type) {
	case SessionStarted:
		started(&b, e, v)
	case BoxCreated:
		sealed(&b, v)
	case FilePut:
		line(&b, "file %s: %s", v.Path, byteCount(v.Bytes))
	case Prompt:
		block(&b, "\nprompt:", v.Text)
		for _, i := range v.Images {
			line(&b, "image %s: %s, %s", i.Name, i.Type, byteCount(int64(len(i.Data)/4*3)))
		}
	case ModelResponse:
		t.answer(&b, v)
	case Decision:
		t.decided(&b, v)
	case ToolCall:
		word := "\ncall "
		if v.Stub {
			word = "\nto the outbox: "
		}
		call(&b, word+v.Tool, v.Tool, string(v.Arguments))
	case ToolResult:
		v.Stdout, v.Stderr = firstLines(v.Stdout, t.Lines), firstLines(v.Stderr, t.Lines)
		result(&b, v)
	case Egress:
		asked(&b, v)
	case EgressDone:
		carried(&b, v)
	case Filtered:
		line(&b, "\n%s", v)
	case Tripwire:
		line(&b, "\n%s", v)
	case Compacted:
		line(&b, "\nthe conversation was shortened for the model: from %s to %s", byteCount(v.Before), byteCount(v.After))
	case LimitReached:
		t.limited = true
		line(&b, "\nlimit reached: %s", v)
	case Interrupted:
		t.failure = "interrupted by " + v.By
		line(&b, "\ninterrupted by %s", v.By)
	case Failure:
		t.failure = v.Message
		text(&b, "\nerror ("+v.Code+")", v.Message)
	case BoxDiff:
		changed(&b, v, t.Lines)
	case Probed:
		probed(&b, v)
	case Verified:
		line(&b, "\nverified: %d hold, %d do not, %d could not be tried", v.Passed, len(v.Failed), len(v.Inconclusive))
	case Drift:
		text(&b, "\n"+v.Head(), v.Detail)
	case Compared:
		line(&b, "\ncompared: %s", v)
	case BoxDestroyed:
		line(&b, "\nbox %s destroyed: %s", v.Box, v.Reason)
	case Note:
		noted(&b, v)
	case SessionEnded:
		if v.Reason == t.failure || t.limited && v.Status == "limited" {
			v.Reason = ""
		}
		line(&b, "session ended: %s%s", v.Status, optional(" (%s)", v.Reason))
	}
	_, err := io.WriteString(t.W, b.String())
	return err
}

func started(b *strings.Builder, e Event, v SessionStarted) {
	line(b, "session %s, %s, rigor %s, %s", e.Session, v.Model, v.Rigor, e.At.Format("2006-01-02 15:04:05 UTC"))
	if r := v.Reruns; r != nil {
		line(b, "runs the tool calls of session %s again; no model is asked", r.Session)
	}
	if r := v.Recipe; r != nil {
		line(b, "data %s", r)
	}
}

func probed(b *strings.Builder, v Probed) {
	line(b, "%-12s %-9s %-18s %s", v.Verdict, v.Layer, v.Probe, v.Evidence)
	if c := v.Control; c != nil {
		line(b, "  %-20s with %s: %s", c.Verdict, c.Probe, c.Evidence)
	}
}

func sealed(b *strings.Builder, v BoxCreated) {
	var layers []string
	passed := true
	for _, p := range v.Seal {
		if !slices.Contains(layers, p.Layer) {
			layers = append(layers, p.Layer)
		}
		passed = passed && p.Verdict == "PASS"
	}
	word := "sealed"
	if !passed || len(layers) == 0 {
		word = "not sealed"
	}
	line(b, "box %s %s: %s (%d probes), ready in %s", v.Box, word, strings.Join(layers, ", "), len(v.Seal), duration(v.ReadyMS))
	for _, p := range v.Seal {
		if p.Verdict != "PASS" {
			line(b, "probe %s (%s): %s: %s", p.Probe, p.Layer, p.Verdict, p.Evidence)
		}
	}
	line(b, "image %s (%s), %s, %s", v.Image, v.ImageDigest, v.Engine, v.Runtime)
	if v.Base != nil && v.Base.Was != "" {
		line(b, "the image %s has changed: it was %s, it is now %s", v.Image, v.Base.Was, v.Base.Digest)
	}
	if v.Base != nil && v.Base.HostUsr {
		line(b, "/usr in the box is the host's, read-only")
	}
	var limits []string
	for _, l := range v.Limits {
		if l.Enforced == "none" {
			limits = append(limits, l.Name+" NOT ENFORCED")
		} else {
			limits = append(limits, l.Name+" "+l.Value+" by "+l.Enforced)
		}
	}
	if len(limits) > 0 {
		line(b, "limits %s", strings.Join(limits, ", "))
	}
}

func (t *Transcript) answer(b *strings.Builder, v ModelResponse) {
	if t.Reasoning && v.Reasoning != "" {
		block(b, "\nreasoning:", v.Reasoning)
	}
	if said := strings.Trim(Clean(v.Text), "\n"); said != "" && !t.streamed {
		block(b, "\nmodel:", said)
	}
	t.streamed = false
	if v.Partial {
		line(b, "the answer was cut off")
	} else if v.FinishReason == "length" {
		line(b, "the answer was cut off at the model's output limit")
	}
	t.calls = map[string]CallSpec{}
	for _, c := range v.ToolCalls {
		t.calls[c.ID] = c
	}
}

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
	how := "done"
	switch {
	case v.TimedOut:
		how = "timed out" + optional(" (%s)", v.Signal)
	case v.Signal != "":
		how = "ended by " + v.Signal
	case v.Exit != nil:
		how = fmt.Sprintf("exit %d", *v.Exit)
	case v.Error != "":
		how = "no result"
	}
	line(b, "result %s: %s, %s", v.Tool, how, duration(v.DurationMS))
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

// String says what was found where, and what became of it.
func (v Filtered) String() string {
	did := map[string]string{"redact": "redacted", "block": "held back"}[v.Action]
	return fmt.Sprintf("filter: %s in the %s: %s (%d), %s", v.What, v.Where, v.Rule, v.Count, cmp.Or(did, "let through"))
}

// String says what was on its way where, and what became of it.
func (v Tripwire) String() string {
	what := map[string]string{"canary": "a canary", "value": "a value"}[v.What]
	where := map[string]string{"network": "a request to the network", "stub": "a stub tool's arguments", "path": "a path outside the box's own places"}[v.Where]
	did := "flagged"
	if v.Action == "stop" {
		did = "stopped"
	}
	where = cmp.Or(where, v.Where)
	s := fmt.Sprintf("tripwire: %s of %s.%s in %s", cmp.Or(what, v.What), v.Table, v.Column, where)
	if v.What == "unseen" {
		s = "tripwire: more is packed than can be looked through in " + where
	}
	if v.Part != "" {
		s += " (" + v.Part + ")"
	}
	if v.As != "" {
		s += ", " + v.As
	}
	return s + ", " + did
}

// String says which limit was reached, and by how much.
func (v LimitReached) String() string {
	s := fmt.Sprintf("%s %v of %v", v.Limit, v.Value, v.Max)
	if v.Needs > 0 {
		s += fmt.Sprintf("; the next call may need %v more", v.Needs)
	}
	if v.Of != "" {
		s += " (of the " + v.Of + ")"
	}
	return s
}

func asked(b *strings.Builder, v Egress) {
	how := "allowed by " + v.Rule
	if v.Decision != "allow" {
		how = "refused: " + v.Reason
	}
	line(b, "egress %d: %s %s port %d (%s), %s", v.N, v.Method, v.Host, v.Port, v.Via, how)
}

func carried(b *strings.Builder, v EgressDone) {
	how := "done"
	switch {
	case v.Refused != "":
		how = "refused: " + v.Refused
	case v.Error != "":
		how = "failed: " + v.Error
	case v.Status != 0:
		how = fmt.Sprintf("status %d", v.Status)
	}
	line(b, "egress %d: %s, %s up, %s down, %s", v.N, how, byteCount(v.BytesUp), byteCount(v.BytesDown), duration(v.DurationMS))
}

func noted(b *strings.Builder, v Note) {
	about := "the session"
	if v.Step > 0 {
		about = fmt.Sprintf("step %d", v.Step)
	}
	var what []string
	if v.Title != "" {
		what = append(what, "title "+v.Title)
	}
	for _, tag := range v.Tags {
		what = append(what, "+"+tag)
	}
	for _, tag := range v.Untags {
		what = append(what, "-"+tag)
	}
	if v.Star != nil {
		what = append(what, map[bool]string{true: "starred", false: "no longer starred"}[*v.Star])
	}
	if v.Score != nil {
		what = append(what, fmt.Sprintf("%s %g", v.Score.Name, v.Score.Value))
	}
	line(b, "note of %s on %s: %s", v.By, about, strings.Join(what, ", "))
	if v.Text != "" {
		block(b, "", v.Text)
	}
}

// line writes one line of glovebox's own; what is put into it cannot break it.
func line(b *strings.Builder, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if rest, ok := strings.CutPrefix(s, "\n"); ok {
		b.WriteByte('\n')
		s = rest
	}
	b.WriteString(CleanLine(s))
	b.WriteByte('\n')
}

// text writes "head: text", or a block where text has several lines.
func text(b *strings.Builder, head, text string) {
	if strings.Contains(strings.TrimSpace(text), "\n") {
		block(b, head+":", text)
		return
	}
	line(b, "%s: %s", head, strings.TrimSpace(text))
}

func block(b *strings.Builder, head, text string) {
	if head != "" {
		line(b, "%s", head)
	}
	for l := range strings.Lines(strings.TrimRight(Clean(text), "\n")) {
		if l != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(l)
	}
	b.WriteByte('\n')
}

func optional(format, s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(format, s)
}

func duration(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

func byteCount(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// Plural is a number of things: "1 row", "2 rows", "3 entries", "4 boxes".
func Plural[N int | int64](n N, one string) string {
	many := one + "s"
	if stem, ok := strings.CutSuffix(one, "ry"); ok {
		many = stem + "ries"
	} else if strings.HasSuffix(one, "x") || strings.HasSuffix(one, "s") {
		many = one + "es"
	}
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}
