package tui

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"glovebox/agent"
	"glovebox/store"
)

// liveNow names what a session is doing.
const (
	starting = "starting"
	ready    = "ready"
	thinking = "thinking"
	running  = "running" // a tool; which one is in story.tool
	asking   = "waits for you"
	idle     = "idle"
	ended    = "ended"
)

// limits are what the meters measure against; 0 is no limit.
type limits struct {
	Turns   int64   `json:"turns"`
	Tokens  int64   `json:"tokens"`
	CostUSD float64 `json:"cost_usd"`
}

// story is a session as far as it is known: what the transcript and the status
// line show. apply is the only way events get in, for live and recorded
// sessions alike; pieces that stream in beforehand vanish when their event comes.
type story struct {
	items []*item

	sum           store.Summary // its line in the list by now
	model         string
	seq           int64     // of the latest event
	started, last time.Time // first and latest event
	seal          []store.Proof
	box           string // "": none yet, "created" or "destroyed"
	turns         int
	tokens        int64
	pico          int64  // cost, in picodollars
	notional      bool   // nobody is paid
	priced        bool   // anything costs anything
	limits        limits // of the session
	doing, tool   string
	ending        store.SessionEnded
	notice        string // what Delta.Notice said last, until something happens

	calls     map[string]*item // the latest card of each call ID
	going     []*item          // calls that run
	streaming int              // the first item of the answer that is still arriving; -1: none
	stops     int              // ends of turns that are in the log: limits, interruptions, errors
}

func newStory() *story {
	return &story{sum: store.Summary{Status: "running"}, doing: starting, calls: map[string]*item{}, streaming: -1}
}

// update takes what a live session reports.
func (s *story) update(u agent.Update) {
	switch {
	case u.Event != nil:
		s.apply(*u.Event)
	case u.Delta != nil:
		s.delta(*u.Delta)
	case u.Output != nil:
		s.output(*u.Output)
	}
}

// apply takes one event, in order.
func (s *story) apply(e store.Event) {
	s.last, s.seq, s.notice = e.At, e.Seq, ""
	if s.started.IsZero() {
		s.sum.ID, s.started = e.Session, e.At
	}
	s.sum.Apply(e)
	switch b := e.Body.(type) {
	case store.SessionStarted:
		s.sessionStarted(b)
	case store.BoxCreated:
		s.seal, s.box, s.doing = b.Seal, "created", ready
		s.add(&sealed{b})
	case store.FilePut:
		s.note("·", "put into the box: %s · %s", b.Path, size(b.Bytes))
	case store.Prompt:
		s.prompt(b)
	case store.ModelRequest:
		s.dropStream()
		s.turns, s.doing = max(s.turns, b.Turn), thinking
	case store.ModelResponse:
		s.response(b)
	case store.Decision:
		it := s.card(b.CallID, b.Tool)
		it.body.(*call).decision = &b
		it.touch()
		if b.Verdict == "ask" {
			s.doing = asking
		} else if s.doing == asking {
			s.doing = thinking
		}
	case store.ToolCall:
		s.toolCall(b, e.At)
	case store.ToolResult:
		s.toolResult(b)
	case store.Filtered:
		s.note("⚑", "%s", b.String())
	case store.Tripwire:
		s.add(&note{mark: "⚑", bad: b.Action == "stop", said: b.String()})
	case store.Compacted:
		s.note("·", "conversation shortened for the model: from %s to %s; the log keeps it whole", size(b.Before), size(b.After))
	case store.LimitReached:
		s.stop(&note{mark: "■", bad: true, said: "limit reached: " + b.String()})
	case store.Interrupted:
		s.stop(&note{mark: "■", said: interruption(b.By)})
	case store.Failure:
		s.stop(&note{mark: "✗", bad: true, said: "error (" + b.Code + "): " + b.Message})
	case store.Note:
		s.remark(b)
	case store.BoxDiff:
		s.note("±", "%s", store.Changed(b))
	case store.Drift:
		s.add(&note{mark: "≠", bad: !b.Unknown, said: b.Head(), more: b.Detail})
	case store.Compared:
		s.note("≠", "compared: %s", b.String())
	case store.BoxDestroyed:
		s.box = "destroyed"
		s.note("○", "box destroyed: %s", b.Reason)
	case store.SessionEnded:
		s.sessionEnded(b)
	}
}

func (s *story) sessionStarted(b store.SessionStarted) {
	s.model, s.doing = b.Model, starting
	var cfg struct{ Limits limits }
	if json.Unmarshal(b.Config, &cfg) == nil { // what cannot be read has no meter
		s.limits = cfg.Limits
	}
	said := "session " + s.sum.ID + " · " + b.Model
	if b.Reruns != nil {
		said += " of " + b.Reruns.Session
	}
	if r := b.Recipe; r != nil {
		if r.Masked() {
			said += " · data " + r.String()
		} else {
			said += fmt.Sprintf(" · %s data, seed %d, %s rows", r.Schema, r.Seed, count(int64(r.Rows)))
		}
	}
	s.note("·", "%s", said)
	if r := b.Resumes; r != nil {
		s.note("·", "goes on from session %s, in a new box: what was made in the old one is gone", r.Session)
	}
}

// noteMark is the mark of what a person has noted.
const noteMark = "✎"

// remark is what a person has noted.
func (s *story) remark(b store.Note) {
	about := ""
	if b.Step > 0 {
		about = fmt.Sprintf(" on step %d", b.Step)
	}
	s.add(&note{mark: noteMark, said: b.By + about + ": " + noted(b), more: b.Text, about: b.Step})
}

func (s *story) prompt(b store.Prompt) {
	s.dropStream()
	s.doing = thinking
	s.add(&prompt{said: b.Text})
}

func (s *story) response(b store.ModelResponse) {
	open := s.dropStream()
	if c := b.Charge; c != nil {
		s.tokens += c.Input + c.Output
		s.pico += c.PicoUSD
		s.notional, s.priced = c.Notional, s.priced || c.PicoUSD > 0
	} else if b.Usage != nil {
		s.tokens += int64(b.Usage.Input) + int64(b.Usage.Output)
	}
	if strings.TrimSpace(b.Reasoning) != "" {
		s.add(&thought{said: b.Reasoning}).open = open
	}
	if strings.TrimSpace(b.Text) != "" {
		s.add(&answer{said: b.Text})
	}
	for _, c := range b.ToolCalls {
		s.calls[c.ID] = s.add(&call{id: c.ID, tool: c.Name, args: c.Arguments})
	}
	if b.Partial {
		s.note("◌", "the answer broke off here")
	}
	if len(b.ToolCalls) == 0 {
		s.doing = idle
	}
}

// card finds the card of a call that has not ended, or makes one.
func (s *story) card(id, tool string) *item {
	if it := s.calls[id]; it != nil && it.body.(*call).result == nil {
		it.seq = s.seq
		return it
	}
	it := s.add(&call{id: id, tool: tool})
	s.calls[id] = it
	return it
}

func (s *story) toolCall(b store.ToolCall, at time.Time) {
	it := s.card(b.CallID, b.Tool)
	c := it.body.(*call)
	c.tool, c.args, c.began, c.stub = b.Tool, string(b.Arguments), at, b.Stub
	it.touch()
	s.going = append(s.going, it)
	s.doing, s.tool = running, b.Tool
}

func (s *story) toolResult(b store.ToolResult) {
	it := s.card(b.CallID, b.Tool)
	c := it.body.(*call)
	c.result, c.live = &b, ""
	it.touch()
	s.dropGoing(it)
	if len(s.going) > 0 {
		s.tool = s.going[len(s.going)-1].body.(*call).tool
		return
	}
	s.doing = thinking
}

func (s *story) dropGoing(it *item) {
	for i, g := range s.going {
		if g == it {
			s.going = append(s.going[:i], s.going[i+1:]...)
			return
		}
	}
}

// stop is what the end of a turn and everything like it have in common: no
// call of the turn that has no result yet will get one.
func (s *story) stop(n *note) {
	s.stops++
	s.notice = ""
	s.dropStream()
	s.going = nil
	for i := len(s.items) - 1; i >= 0; i-- {
		if _, ok := s.items[i].body.(*prompt); ok {
			break
		}
		if c, ok := s.items[i].body.(*call); ok && c.result == nil {
			c.lost = true
			s.items[i].touch()
		}
	}
	s.doing = idle
	s.add(n)
}

func (s *story) sessionEnded(b store.SessionEnded) {
	n := &note{mark: statusMark(b.Status), bad: b.Status == "failed", said: "session ended: " + b.Status}
	if b.Reason != "" {
		n.said += " · " + b.Reason
	}
	s.stop(n)
	s.ending, s.doing = b, ended
}

func interruption(by string) string {
	switch by {
	case "user":
		return "interrupted by you"
	case "crash":
		return "interrupted: glovebox itself was ended (found at its next start)"
	}
	return "interrupted by a " + by
}

// delta takes a piece of an answer that is still arriving.
func (s *story) delta(d agent.Delta) {
	if d.Notice != "" {
		s.notice = d.Notice
	}
	if d.Reasoning == "" && d.Text == "" && d.Tool == "" {
		return
	}
	if d.Notice == "" {
		s.notice = ""
	}
	if s.streaming < 0 {
		s.streaming = len(s.items)
	}
	if d.Reasoning != "" {
		t, ok := s.lastBody().(*thought)
		if !ok {
			t = &thought{live: &stream{}}
			s.add(t)
		}
		t.live.add(d.Reasoning)
		s.items[len(s.items)-1].touch()
	}
	if d.Text != "" {
		a, ok := s.lastBody().(*answer)
		if !ok {
			a = &answer{live: &stream{}}
			s.add(a)
		}
		a.live.add(d.Text)
		s.items[len(s.items)-1].touch()
	}
	if d.Tool != "" {
		s.add(&call{tool: d.Tool})
	}
}

// lastBody is the last streaming item's, or nil.
func (s *story) lastBody() body {
	if n := len(s.items); s.streaming >= 0 && n > s.streaming {
		return s.items[n-1].body
	}
	return nil
}

// dropStream removes what has streamed in: its event says it all. It reports
// whether the person had unfolded the reasoning.
func (s *story) dropStream() (open bool) {
	if s.streaming < 0 {
		return false
	}
	for _, it := range s.items[s.streaming:] {
		if _, ok := it.body.(*thought); ok {
			open = open || it.open
		}
	}
	clear(s.items[s.streaming:])
	s.items, s.streaming = s.items[:s.streaming], -1
	return open
}

// output takes what a running call prints.
func (s *story) output(o agent.Output) {
	it := s.calls[o.CallID]
	if it == nil {
		return
	}
	c := it.body.(*call)
	if !c.running() {
		return
	}
	c.live = tail(c.live+o.Chunk, liveBytes)
	it.touch()
}

// tick tells running calls the time.
func (s *story) tick(now time.Time) {
	for _, it := range s.going {
		c := it.body.(*call)
		if d := now.Sub(c.began).Truncate(time.Second); d != c.elapsed {
			c.elapsed = d
			it.touch()
		}
	}
}

func (s *story) add(b body) *item {
	it := &item{body: b, seq: s.seq}
	s.items = append(s.items, it)
	return it
}

func (s *story) note(mark, format string, args ...any) {
	s.add(&note{mark: mark, said: fmt.Sprintf(format, args...)})
}

// statusMark is the symbol of a session's status.
func statusMark(status string) string {
	switch status {
	case "done":
		return "✓"
	case "running":
		return "●"
	case "failed", "denied":
		return "✗"
	}
	return "■" // limited, interrupted
}
