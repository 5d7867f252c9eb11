package compare

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"glovebox/store"
)

// tally is what is counted while a session is read.
type tally struct {
	decisions, egress, finished    map[string]int
	requests, ran                  int
	filtered, tripwires            int
	input, output, cached, thought int64
	retries, estimated             int
	notional                       int64 // 10⁻¹² US dollars
	limits                         []string
	asked, models                  []string // by name, and as the servers named themselves
	box                            []string // what became of boxes
	hiddenReasons                  bool
	tokensHidden, costHidden       bool
	final                          string
	finalHidden                    bool
	reason                         string
	endHidden                      bool
	changed                        *store.BoxDiff
	changedHidden                  bool
	last                           time.Time
}

func (t *tally) answered(e *event, b store.ModelResponse) {
	t.retries += b.Retries
	t.finished[b.FinishReason]++
	t.hiddenReasons = t.hiddenReasons || e.hidden("finish_reason")
	t.tokensHidden = t.tokensHidden || e.hidden("usage")
	t.costHidden = t.costHidden || e.hidden("charge")
	if u := b.Usage; u != nil {
		t.input, t.output, t.cached, t.thought = t.input+int64(u.Input), t.output+int64(u.Output), t.cached+int64(u.Cached), t.thought+int64(u.Reasoning)
	}
	if c := b.Charge; c != nil {
		if c.Estimated {
			t.estimated++
		}
		if c.Notional {
			t.notional += c.PicoUSD
		}
	}
	t.models = once(t.models, b.Model)
	if b.Text != "" || e.hidden("text") {
		t.final, t.finalHidden = b.Text, e.hidden("text")
	}
}

// once adds a name, of which no session in earnest has many.
func once(names []string, name string) []string {
	if name == "" || slices.Contains(names, name) || len(names) == 100 {
		return names
	}
	return append(names, name)
}

// total makes facts of what was counted.
func (s *Session) total() {
	t := &s.tally
	for _, m := range []struct {
		name string
		all  []string
	}{{"asked", t.asked}, {"answered by", t.models}} {
		if len(m.all) > 0 {
			s.setup = append(s.setup, fact{name: m.name, value: s.value(strings.Join(m.all, "\n"), false)})
		}
	}
	add := func(name, text string, hidden bool) {
		s.totals = append(s.totals, fact{name: name, value: s.value(text, hidden)})
	}
	count := func(name string, n int, hidden bool) { add(name, fmt.Sprint(n), hidden) }
	result := s.line.Status
	if t.reason != "" {
		result += ": " + t.reason
	}
	add("result", result, t.endHidden)
	if s.line.Status == "running" {
		s.totals[0].value.lacks = "it has not ended"
	}
	count("requests", t.requests, false)
	count("tool calls", t.ran, false)
	count("input tokens", int(t.input), t.tokensHidden)
	count("cached tokens", int(t.cached), t.tokensHidden)
	count("output tokens", int(t.output), t.tokensHidden)
	count("reasoning tokens", int(t.thought), t.tokensHidden)
	add("cost", s.cost(), t.costHidden)
	count("retries", t.retries, false)
	add("limits hit", strings.Join(t.limits, "\n"), false)
	count("denied", t.decisions["deny"], false)
	count("asked", t.decisions["ask"], false)
	count("invalid calls", t.decisions["invalid"], false)
	count("filtered", t.filtered, false)
	count("tripwires", t.tripwires, false)
	count("network allowed", t.egress["allow"], false)
	count("network refused", t.egress["deny"], false)
	var finished []string
	for _, reason := range slices.Sorted(maps.Keys(t.finished)) {
		finished = append(finished, fmt.Sprintf("%s %d", cmp.Or(reason, "?"), t.finished[reason]))
	}
	add("answers ended by", strings.Join(finished, ", "), t.hiddenReasons)
	add("box", strings.Join(t.box, ", "), false)
	s.files()
	took := max(t.last.Sub(s.line.StartedAt), 0).Round(100 * time.Millisecond).String()
	s.totals = append(s.totals, fact{name: "time", value: s.value(took, false), aside: true})
	add(finalAnswer, t.final, t.finalHidden)
	t.final = ""
}

// finalAnswer is the name of the last thing that the model said.
const finalAnswer = "final answer"

func (s *Session) cost() string {
	cost := "none on record"
	if s.line.CostUSD != nil {
		cost = fmt.Sprintf("$%.4f", *s.line.CostUSD)
	}
	if s.tally.notional > 0 {
		cost += fmt.Sprintf(", elsewhere $%.4f", float64(s.tally.notional)/1e12)
	}
	if s.tally.estimated > 0 {
		cost += ", estimated in part"
	}
	return cost
}

// files are what the session left changed, file by file.
func (s *Session) files() {
	d, hidden := s.tally.changed, s.tally.changedHidden
	if d == nil {
		s.totals = append(s.totals, fact{name: "files changed", value: s.value("not recorded", false)})
		return
	}
	v := s.value(strings.TrimPrefix(store.Changed(*d), "changed: "), hidden)
	if d.Cut > 0 || d.Partial || d.Error != "" {
		v.lacks = "not every file is known"
	}
	s.totals = append(s.totals, fact{name: "files changed", value: v})
	for _, c := range d.Changes {
		v := s.value(strings.TrimRight(fmt.Sprintf("%s  %.12s", c, c.SHA256), " "), hidden)
		all, _ := json.Marshal(c) // of texts and numbers: it cannot fail
		sum := sha256.Sum256(all)
		v.also = &sum
		if c.Type == "file" && c.SHA256 == "" {
			v.lacks = "its content is not known"
		}
		s.totals = append(s.totals, fact{name: "file " + c.Path, value: v})
	}
	s.tally.changed = nil
}
