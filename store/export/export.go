// Package export writes a session for other eyes and other programs: one HTML
// page, Markdown, JSON lines, asciicast, OpenTelemetry spans.
//
// Text that came from outside is shown sanitised (store.Clean) and escaped;
// nothing written here makes a request or runs what a session says. Begin in
// item.go: what a person sees of an event.
package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"glovebox/store"
	"glovebox/store/proof"
	"glovebox/store/redact"
)

// A Source is a session as it leaves: redacted already.
type Source struct {
	store.Summary
	Root     string // of the session's tree, before anything was taken out
	Events   []store.Event
	Removals []redact.Removal
	Redacted bool // something was looked for
}

// Load reads a session, and takes out what r finds; nil: nothing.
func Load(ctx context.Context, s *store.Store, id string, r *redact.Redactor) (Source, error) {
	sum, err := s.Session(ctx, id)
	if err != nil {
		return Source{}, err
	}
	src := Source{Summary: sum, Redacted: r != nil}
	if r != nil {
		if err := r.Learn(s.Disclose(ctx, sum.ID)); err != nil {
			return src, err
		}
	}
	// The line above the events is made anew from what is left of them: a title
	// may have cut a secret in two.
	src.Summary = store.Summary{ID: sum.ID, Status: "running"}
	var tree proof.Tree
	for d, err := range s.Disclose(ctx, sum.ID) {
		if err != nil {
			return src, err
		}
		tree.Append(d.Leaf(sum.ID))
		if r != nil {
			d.Fields, _ = r.Fields(d.Seq, d.Fields)
		}
		body, err := d.Body()
		if err != nil {
			return src, fmt.Errorf("event %d: %w", d.Seq, err)
		}
		e := store.Event{Session: sum.ID, Seq: d.Seq, At: d.At, Body: body}
		src.Apply(e)
		src.Events = append(src.Events, e)
	}
	src.CostUSD = sum.CostUSD
	src.Root = tree.Root().String()
	if r != nil {
		src.Removals = r.Removals()
	}
	return src, nil
}

// JSONL writes the events, one JSON object a line, as `replay --json` does.
func JSONL(w io.Writer, src Source) error {
	out := bufio.NewWriter(w)
	for _, e := range src.Events {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		out.WriteString(store.CleanJSON(string(line))) //nolint:errcheck // Flush returns it
		out.WriteByte('\n')                            //nolint:errcheck
	}
	return out.Flush()
}

// Markdown writes a document that any renderer shows; text from outside stands
// in fences that it cannot close.
func Markdown(w io.Writer, src Source) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s\n\n", escapeMarkdown(src.title()))
	for _, f := range src.facts() {
		fmt.Fprintf(out, "- **%s:** %s\n", f[0], escapeMarkdown(f[1]))
	}
	for _, e := range src.Events {
		it := describe(e)
		if it.with != "" {
			it.head += " (" + it.with + ")"
		}
		fmt.Fprintf(out, "\n## %d · %s\n\n%s\n", e.Seq, escapeMarkdown(it.head), e.At.Format("2006-01-02 15:04:05 UTC"))
		if it.line != "" {
			it.blocks = slices.Insert(it.blocks, 0, block{language: "text", text: it.line})
		}
		for _, b := range it.blocks {
			if b.label != "" {
				fmt.Fprintf(out, "\n%s:\n", escapeMarkdown(b.label))
			}
			text := strings.TrimRight(store.Clean(b.text), "\n")
			fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
			fmt.Fprintf(out, "\n%s%s\n%s\n%s\n", fence, b.language, text, fence)
		}
	}
	return out.Flush()
}

func longestRun(s string, c byte) (longest int) {
	run := 0
	for i := range len(s) {
		if s[i] == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}

// escapeMarkdown makes text mean itself on one line.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range store.CleanLine(s) {
		if strings.ContainsRune("\\`*_{}[]()<>#+-!|~&:@", r) && r != '-' && r != ':' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (src Source) title() string {
	if src.Title == "" {
		return "Session " + src.ID
	}
	return store.CleanLine(src.Title)
}

// facts are what stands above a session, in order.
func (src Source) facts() [][2]string {
	facts := [][2]string{
		{"session", src.ID}, {"model", store.CleanLine(src.Model)}, {"started", src.StartedAt.Format("2006-01-02 15:04:05 UTC")}, {"result", src.Status},
	}
	if src.EndedAt != nil {
		facts = append(facts, [2]string{"took", lasted(src.EndedAt.Sub(src.StartedAt))})
	}
	facts = append(facts, [2]string{"spent", src.spent()})
	if len(src.Tags) > 0 {
		facts = append(facts, [2]string{"tags", store.CleanLine(strings.Join(src.Tags, " "))})
	}
	facts = append(facts, [2]string{"root", src.Root})
	switch {
	case !src.Redacted:
		facts = append(facts, [2]string{"redacted", "no: this copy is whole"})
	case len(src.Removals) == 0:
		facts = append(facts, [2]string{"redacted", "nothing had to be taken out"})
	default:
		times := 0
		for _, r := range src.Removals {
			times += r.Times
		}
		facts = append(facts, [2]string{"redacted", "taken out in " + store.Plural(times, "place")})
	}
	return facts
}

// lasted is a session's duration.
func lasted(d time.Duration) string {
	if d < time.Minute {
		return took(float64(d) / float64(time.Millisecond))
	}
	return d.Round(time.Second).String()
}

func (src Source) spent() string {
	tokens := "tokens unknown"
	if src.TokensKnown() {
		tokens = store.Plural(src.Tokens, "token")
	}
	return fmt.Sprintf("%s, %s, %s", store.Plural(src.Steps, "step"), tokens, src.cost())
}

func (src Source) cost() string {
	switch {
	case src.CostUSD == nil && !src.HasModel():
		return "no cost"
	case src.CostUSD == nil:
		return "cost unknown"
	}
	return fmt.Sprintf("$%.4f", *src.CostUSD)
}
