package compare

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"glovebox/store"
)

// A Session is what is compared of one recorded session.
type Session struct {
	line          store.Summary
	setup, totals []fact
	steps         []step
	last          int // of steps: what the model said last, -1: nothing
	held          int // bytes of text

	calls map[string]int             // call ID → its step
	sent  map[int64]int              // number of an Egress → its step
	names map[string]map[string]bool // of the fields of each kind
	more  []fact                     // of fields that this program does not know
	tally tally
}

// A fact is something that was recorded, by the name that it has in the log
// where it has one.
type fact struct {
	name  string
	value value
	aside bool // not to be compared
	again bool // of the configuration: it may stand among the facts already
}

// A step is one thing that happened: a prompt, an answer, a call with all that
// came of it. The first of its facts is what it says, the others what came of it.
type step struct {
	seq   int64  // of the event that it begins with
	kind  string // of that event
	tool  string // of a call
	fixed bool   // it stands for no other of its kind
	facts []fact
}

// What a call was made with, as canonical JSON: by the model, and in fact where
// a person changed it.
const (
	arguments = "arguments"
	ranWith   = "ran_with"
)

// Read takes in a session, in the order of its events; an error of them is
// returned. An event of a kind that this program does not know is ErrNewer, one
// that cannot be where it is ErrBroken.
func Read(id string, events iter.Seq2[store.Disclosure, error]) (*Session, error) {
	s := &Session{last: -1, line: store.Summary{ID: id, Status: "running"}, calls: map[string]int{}, sent: map[int64]int{}, names: map[string]map[string]bool{}}
	s.tally = tally{
		decisions: map[string]int{}, egress: map[string]int{}, finished: map[string]int{},
		asked: map[string]bool{}, models: map[string]bool{}, lost: map[string]bool{},
	}
	for d, err := range events {
		if err != nil {
			return nil, err
		}
		body, err := d.Body()
		if err != nil {
			return nil, fmt.Errorf("session %s, event %d: %w", store.CleanLine(id), d.Seq, err)
		}
		_, first := body.(store.SessionStarted)
		_, remark := body.(store.Note)
		if first != (d.Seq == 1) || s.line.Status != "running" && !remark {
			return nil, fmt.Errorf("session %s, event %d: %w: it cannot be %s", store.CleanLine(id), d.Seq, store.ErrBroken, body.Kind())
		}
		e := event{s: s, seq: d.Seq, kind: d.Kind}
		known := s.fieldsOf(body)
		for i, f := range d.Fields {
			if i < len(d.Proofs) && d.Proofs[i].Salt == nil {
				e.withheld = append(e.withheld, f.Name)
			}
			if !known[f.Name] { // a newer glovebox wrote it
				e.fact(&s.more, "event "+d.Kind+"."+f.Name, string(f.Value), f.Name)
			}
		}
		s.line.Apply(store.Event{Session: id, Seq: d.Seq, At: d.At, Body: body})
		e.read(body)
		if !remark {
			s.tally.last = d.At
		}
	}
	s.total()
	return s, nil
}

// fieldsOf are the names of the fields that an event of a kind can have.
func (s *Session) fieldsOf(body store.Body) map[string]bool {
	names, ok := s.names[body.Kind()]
	if !ok {
		names = map[string]bool{}
		for f := range reflect.TypeOf(body).Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names[name] = true
		}
		s.names[body.Kind()] = names
	}
	return names
}

// An event is one that is being read.
type event struct {
	s        *Session
	seq      int64
	kind     string
	withheld []string // fields that are not as they were recorded
}

func (e *event) hidden(fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(e.withheld, f) })
}

// fact is a text of the event's fields; "" is none, unless it was taken out.
func (e *event) fact(facts *[]fact, name, text string, fields ...string) {
	if len(fields) == 0 {
		fields = []string{name}
	}
	if hidden := e.hidden(fields...); text != "" || hidden {
		*facts = append(*facts, fact{name: name, value: e.s.value(text, hidden)})
	}
}

// step begins one. The first name and text are what it says, and stand there
// even if that is nothing.
func (e *event) step(name, text string, fields ...string) *step {
	e.s.steps = append(e.s.steps, step{seq: e.seq, kind: e.kind, facts: []fact{{name: name, value: e.s.value(text, e.hidden(append(fields, name)...))}}})
	return &e.s.steps[len(e.s.steps)-1]
}

// exact is fact for a text made of several fields, of which two might read alike:
// what it is made of is compared, too. It is there even if it is nothing.
func (e *event) exact(facts *[]fact, name, text string, of any, fields ...string) {
	v := e.s.value(text, e.hidden(append(fields, name)...))
	v.besides(of)
	*facts = append(*facts, fact{name: name, value: v})
}

// exactStep is step for such a text.
func (e *event) exactStep(name, text string, of any, fields ...string) *step {
	st := e.step(name, text, fields...)
	st.facts[0].value.besides(of)
	return st
}

func (e *event) read(body store.Body) {
	t := &e.s.tally
	switch b := body.(type) {
	case store.SessionStarted:
		e.started(b)
	case store.BoxCreated:
		e.box(b)
	case store.FilePut:
		e.exact(&e.s.setup, "file "+b.Path, fmt.Sprintf("%d bytes, %.12s", b.Bytes, b.SHA256), b, "path", "bytes", "sha256")
	case store.Prompt:
		st := e.step("text", b.Text)
		if len(b.Images) > 0 || e.hidden("images") {
			e.exact(&st.facts, "images", images(b.Images), b.Images)
		}
	case store.ModelRequest:
		t.requests++
		t.lose(e, "asked", "model")
		if b.Model != e.s.line.Model {
			t.asked[b.Model] = true
		}
	case store.ModelResponse:
		e.answer(b)
	case store.Decision:
		e.decided(b)
	case store.ToolCall:
		e.called(b)
	case store.ToolResult:
		e.result(b)
	case store.Egress:
		e.egress(b)
	case store.EgressDone:
		e.carried(b)
	case store.Filtered:
		t.filtered++
		action := b.Action
		b.CallID, b.Action = "", ""
		e.fact(&e.exactStep("text", b.String(), b, "where", "what", "rule", "count").facts, "action", action)
	case store.Tripwire:
		t.tripwires++
		action := b.Action
		b.CallID, b.N, b.Action = "", 0, ""
		e.fact(&e.exactStep("text", b.String(), b, "where", "part", "what", "table", "column", "as").facts, "action", action)
	case store.Compacted:
		e.step("text", fmt.Sprintf("%d messages kept whole, from %d to %d bytes", b.Kept, b.Before, b.After), "kept", "before", "after")
	case store.Drift:
		b.Of, b.Now = 0, 0
		e.exactStep("text", strings.TrimPrefix(b.Head(), "drift: ")+": "+b.Detail, b, "what", "unknown", "how", "detail")
	case store.Compared:
		e.exactStep("text", b.String(), b, "calls", "same", "drifted", "unknown", "other")
	case store.LimitReached:
		t.limits = append(t.limits, b.String())
		e.exactStep("text", b.String(), b, "limit", "value", "max", "needs", "of")
	case store.Interrupted:
		e.step("text", b.By, "by")
	case store.Failure:
		e.fact(&e.step("code", b.Code).facts, "message", b.Message)
	case store.Probed:
		e.probed(b)
	case store.Verified:
		e.verified(b)
	case store.BoxDestroyed:
		t.lose(e, "box", "reason")
		t.box = append(t.box, b.Reason)
	case store.BoxDiff:
		t.changed = append(t.changed, b)
		t.lose(e, "files changed", "changes", "cut", "partial", "error")
	case store.SessionEnded:
		t.reason = b.Reason
		t.lose(e, "result", "status", "reason")
	case store.Note: // is about a session, and no part of it
	default:
		text, _ := json.Marshal(b) // it came from JSON
		e.step("text", canonical(string(text)), e.withheld...)
	}
}

func images(all []store.Image) string {
	var b strings.Builder
	for _, i := range all {
		if i.Data == "" {
			fmt.Fprintf(&b, "%s, %s, %simage]\n", i.Name, i.Type, mark)
			continue
		}
		fmt.Fprintf(&b, "%s, %s, SHA-256 %x\n", i.Name, i.Type, hash(i.Data))
	}
	return b.String()
}

// answer is a step for what was said, and one for each call that it asks for.
func (e *event) answer(b store.ModelResponse) {
	e.s.tally.answered(e, b)
	if b.Text != "" || b.Reasoning != "" || b.Partial || len(b.ToolCalls) == 0 || e.hidden("text", "reasoning") {
		st := e.step("text", b.Text)
		if b.Text != "" || e.hidden("text") {
			e.s.last = len(e.s.steps) - 1
		}
		e.fact(&st.facts, "reasoning", b.Reasoning)
		if b.Partial {
			e.fact(&st.facts, "partial", "broken off")
		} else if b.FinishReason == "length" {
			e.fact(&st.facts, "partial", "cut off at the model's output limit", "finish_reason")
		}
	}
	for _, c := range b.ToolCalls {
		e.call(c.ID, c.Name, c.Arguments, "tool_calls")
	}
}

// call begins the step of a call, whose later events find it by the ID.
func (e *event) call(id, tool, args string, fields ...string) *step {
	st := e.step(arguments, canonical(args), fields...)
	st.kind, st.tool = store.ToolCall{}.Kind(), tool
	e.s.calls[id] = len(e.s.steps) - 1
	return st
}

// of is the step of a call; a session without a model has calls without answers.
func (e *event) of(id, tool, args string) *step {
	i, ok := e.s.calls[id]
	if !ok || e.s.steps[i].tool != tool {
		return e.call(id, tool, args)
	}
	return &e.s.steps[i]
}

func (e *event) decided(b store.Decision) {
	e.s.tally.decisions[b.Verdict]++
	st := e.of(b.CallID, b.Tool, "")
	st.seq = e.seq
	text := b.Verdict + " by " + b.By
	for _, more := range []struct{ word, text string }{
		{"rule", b.Rule}, {"because", b.Reason}, {"for", b.Part}, {"scope", b.Scope}, {"pattern", b.Pattern},
	} {
		if more.text != "" {
			text += "; " + more.word + " " + more.text
		}
	}
	if b.Edited {
		text += "; with other arguments"
	}
	b.CallID, b.From, b.Who, b.WaitMS = "", "", "", 0
	e.exact(&st.facts, "decision", text, b, "tool", "verdict", "by", "rule", "reason", "part", "scope", "pattern", "edited")
}

// called is a call that is about to run. Its number is what a person knows it by.
func (e *event) called(b store.ToolCall) {
	e.s.tally.ran++
	st := e.of(b.CallID, b.Tool, string(b.Arguments))
	st.seq = e.seq
	asked, ran := &st.facts[0].value, e.s.value(canonical(string(b.Arguments)), e.hidden("tool", "arguments", "edited"))
	switch {
	case asked.size == 0 && asked.lacks == "":
		*asked = ran
	case !asked.equal(&ran) || ran.lacks != "" && asked.lacks == "":
		st.facts = append(st.facts, fact{name: ranWith, value: ran})
	}
	if b.Edited {
		e.fact(&st.facts, "edited", "by a person")
	}
	if b.Stub {
		e.fact(&st.facts, "stub", "to the outbox")
	}
}

func (e *event) result(b store.ToolResult) {
	st := e.of(b.CallID, b.Tool, "")
	e.exact(&st.facts, "outcome", b.Outcome(), []any{b.Exit, b.Signal, b.TimedOut}, "tool", "exit", "signal", "timed_out")
	e.fact(&st.facts, "error", b.Error)
	e.printed(st, "stdout", b.Stdout, b.StdoutCut, b.StdoutWhole)
	e.printed(st, "stderr", b.Stderr, b.StderrCut, b.StderrWhole)
}

func (e *event) printed(st *step, name, text string, cut int64, whole *store.Whole) {
	if text == "" && cut == 0 && whole == nil && !e.hidden(name) {
		return
	}
	v := e.s.value(text, e.hidden(name, name+"_cut"))
	v.cut, v.part = cut, cut > 0 || whole != nil || strings.Contains(text, "\uFFFD")
	if whole != nil && !e.hidden(name+"_whole") {
		v.whole = fmt.Sprintf("%s, %d", whole.SHA256, whole.Bytes)
	}
	st.facts = append(st.facts, fact{name: name, value: v})
}

func (e *event) egress(b store.Egress) {
	e.s.tally.egress[b.Decision]++
	st := e.exactStep("request", fmt.Sprintf("%s %s port %d (%s)", b.Method, b.Host, b.Port, b.Via), []any{b.Method, b.Host, b.Port, b.Via}, "via", "method", "host", "port")
	e.s.sent[b.N] = len(e.s.steps) - 1
	e.fact(&st.facts, "decision", b.Decision)
	e.fact(&st.facts, "rule", b.Rule)
	e.fact(&st.facts, "reason", b.Reason)
}

func (e *event) carried(b store.EgressDone) {
	i, ok := e.s.sent[b.N]
	if !ok {
		e.step("request", "one that was not announced")
		i = len(e.s.steps) - 1
	}
	facts := &e.s.steps[i].facts
	e.fact(facts, "refused", b.Refused)
	e.fact(facts, "error", b.Error)
	e.fact(facts, "addr", b.Addr)
	if b.Status != 0 || e.hidden("status") {
		e.fact(facts, "status", fmt.Sprint(b.Status))
	}
	e.fact(facts, "bytes", fmt.Sprintf("%d up, %d down", b.BytesUp, b.BytesDown), "bytes_up", "bytes_down")
}

func (e *event) probed(b store.Probed) {
	st := e.exactStep("probe", b.Layer+" "+b.Probe, []string{b.Layer, b.Probe}, "layer")
	st.fixed = true
	e.fact(&st.facts, "verdict", b.Verdict)
	e.fact(&st.facts, "evidence", b.Evidence)
	e.fact(&st.facts, "gain", b.Gain)
	e.fact(&st.facts, "tries", b.Tries)
	if c := b.Control; c != nil {
		e.exact(&st.facts, "control", fmt.Sprintf("%s with %s: %s", c.Verdict, c.Probe, c.Evidence), []string{c.Verdict, c.Probe, c.Evidence})
	}
}

func (e *event) verified(b store.Verified) {
	st := e.step("passed", fmt.Sprintf("%d hold", b.Passed))
	b.DurationMS = 0
	text, _ := json.Marshal(b) // of texts and numbers: it cannot fail
	e.fact(&st.facts, "of", laidOut(text), "of", "passed", "failed", "unproven", "inconclusive", "untried")
}
