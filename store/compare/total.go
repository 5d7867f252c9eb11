package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	retries, charged, estimated    int
	spent, notional                int64 // 10⁻¹² US dollars
	limits                         []string
	asked, models                  map[string]bool // by name, and as the servers named themselves
	box                            []string        // what became of boxes
	final, reason                  string
	changed                        []store.BoxDiff
	last                           time.Time
	lost                           map[string]bool // totals of which something was taken out
}

// lose marks a total if it is made of a field that something was taken out of.
func (t *tally) lose(e *event, total string, fields ...string) {
	if e.hidden(fields...) {
		t.lost[total] = true
	}
}

func (t *tally) answered(e *event, b store.ModelResponse) {
	t.retries += b.Retries
	t.finished[b.FinishReason]++
	if b.Model != "" {
		t.models[b.Model] = true
	}
	if u := b.Usage; u != nil {
		t.input, t.output, t.cached, t.thought = t.input+int64(u.Input), t.output+int64(u.Output), t.cached+int64(u.Cached), t.thought+int64(u.Reasoning)
	}
	if c := b.Charge; c != nil {
		t.charged++
		if c.Estimated {
			t.estimated++
		}
		if c.Notional {
			t.notional += c.PicoUSD
		} else {
			t.spent += c.PicoUSD
		}
	}
	if b.Text != "" || e.hidden("text") {
		t.final = b.Text
		delete(t.lost, finalAnswer)
		t.lose(e, finalAnswer, "text")
	}
	t.lose(e, "retries", "retries")
	t.lose(e, "answers ended by", "finish_reason")
	t.lose(e, "answered by", "model")
	t.lose(e, "cost", "charge")
	for _, total := range []string{"input", "cached", "output", "reasoning"} {
		t.lose(e, total+" tokens", "usage")
	}
}

// total makes facts of what was counted.
func (s *Session) total() {
	t := &s.tally
	for _, m := range []struct {
		name string
		all  map[string]bool
	}{{"asked", t.asked}, {"answered by", t.models}} {
		if len(m.all) > 0 || t.lost[m.name] {
			v := s.value(strings.Join(slices.Sorted(maps.Keys(m.all)), "\n"), t.lost[m.name])
			v.besides(m.all)
			s.setup = append(s.setup, fact{name: m.name, value: v})
		}
	}
	add := func(name, text string, of ...any) {
		v := s.value(text, t.lost[name])
		if len(of) > 0 {
			v.besides(of)
		}
		s.totals = append(s.totals, fact{name: name, value: v})
	}
	count := func(name string, n int) { add(name, fmt.Sprint(n)) }
	result := s.line.Status
	if t.reason != "" {
		result += ": " + t.reason
	}
	add("result", result, s.line.Status, t.reason)
	if s.line.Status == "running" {
		s.totals[0].value.lacks = notEnded
	}
	count("requests", t.requests)
	count("tool calls", t.ran)
	count("input tokens", int(t.input))
	count("cached tokens", int(t.cached))
	count("output tokens", int(t.output))
	count("reasoning tokens", int(t.thought))
	add("cost", t.cost(), t.spent, t.notional)
	count("retries", t.retries)
	add("limits hit", strings.Join(t.limits, "\n"))
	count("denied", t.decisions["deny"])
	count("asked", t.decisions["ask"])
	count("invalid calls", t.decisions["invalid"])
	count("filtered", t.filtered)
	count("tripwires", t.tripwires)
	count("network allowed", t.egress["allow"])
	count("network refused", t.egress["deny"])
	var finished []string
	for _, reason := range slices.Sorted(maps.Keys(t.finished)) {
		finished = append(finished, fmt.Sprintf("%s %d", cmp.Or(reason, "?"), t.finished[reason]))
	}
	add("answers ended by", strings.Join(finished, ", "), t.finished)
	add("box", strings.Join(t.box, ", "), t.box)
	s.files()
	took := max(t.last.Sub(s.line.StartedAt), 0).Round(100 * time.Millisecond).String()
	s.totals = append(s.totals, fact{name: "time", value: s.value(took, false), aside: true})
	add(finalAnswer, t.final)
	s.totals = append(s.totals, s.more...)
	s.calls, s.sent, s.names, s.more, s.tally = nil, nil, nil, nil, tally{}
}

// finalAnswer is the name of the last thing that the model said.
const finalAnswer = "final answer"

func (t *tally) cost() string {
	if t.charged == 0 {
		return "none on record"
	}
	dollars := func(pico int64) string { return "$" + strconv.FormatFloat(float64(pico)/1e12, 'f', -1, 64) }
	cost := dollars(t.spent)
	if t.notional > 0 {
		cost += ", elsewhere " + dollars(t.notional)
	}
	if t.estimated > 0 {
		cost += fmt.Sprintf(", of %d answers estimated", t.estimated)
	}
	return cost
}

// files are what the session left changed, file by file.
func (s *Session) files() {
	hidden := s.tally.lost["files changed"]
	if len(s.tally.changed) == 0 {
		s.totals = append(s.totals, fact{name: "files changed", value: s.value("not recorded", hidden)})
	}
	for _, d := range s.tally.changed { // one, unless there were several boxes
		v := s.value(strings.TrimPrefix(store.Changed(d), "changed: "), hidden)
		if d.Cut > 0 || d.Partial || d.Error != "" {
			v.lacks = "not every file is known"
		}
		s.totals = append(s.totals, fact{name: "files changed", value: v})
		for _, c := range d.Changes {
			v := s.value(strings.TrimRight(fmt.Sprintf("%s  %.12s", c, c.SHA256), " "), hidden)
			v.besides(c)
			if c.Type == "file" && c.SHA256 == "" {
				v.lacks = "its content is not known"
			}
			s.totals = append(s.totals, fact{name: "file " + c.Path, value: v})
		}
	}
}
