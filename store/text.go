package store

import (
	"fmt"
	"io"
	"slices"
	"strings"
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
