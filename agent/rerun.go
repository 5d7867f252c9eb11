package agent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"glovebox/agent/drift"
	"glovebox/store"
)

// byRecording is who decided on a call of a rerun where nobody decides anew.
const byRecording = "recording"

// rerunRule is the rule of a call that no rerun can run again.
const rerunRule = "rerun"

// Past is a recorded session that is run again.
type Past struct {
	Events iter.Seq2[store.Event, error]
	// Withheld says whether a field of an event was taken out, or changed, before
	// the session came here. Nil: none was.
	Withheld func(seq int64, field string) bool
	Foreign  func(tool string) bool // says of stub tools whether somebody else wrote their answers; nil: nobody did
	Tell     func(Comparison)       // after each comparison; may be nil
}

// Comparison is what a call came to, beside what it came to when it was recorded.
type Comparison struct {
	Of, Now   int64 // events: of the recorded session; of this one, 0: none
	Tool      string
	Arguments string        // as recorded
	Drift     []store.Drift // none: the same
}

// Rerun runs the calls of a recorded session again, by the same code that runs
// a model's, and compares the results. No model is asked.
//
// Policy and limits are asked anew, with these exceptions: what did not run then
// does not run now, whatever policy makes of it; where policy asks, the recorded
// answer is served; and what reached out of the box then (fetch) is not done
// twice. All of this is recorded as it is decided, and each difference as it is
// found, after the result that it is about. Errors are those of Prompt.
func (a *Agent) Rerun(ctx context.Context, past Past) (store.Compared, error) {
	var sum store.Compared
	a.spent.begun = a.cfg.Clock()
	err := a.within(ctx, func(ctx context.Context) error {
		return recall(past.Events, func(group []*recalled) error {
			group = slices.DeleteFunc(group, func(r *recalled) bool { return !r.settled() })
			calls := make([]decided, len(group))
			for i, r := range group {
				calls[i] = a.decideAgain(r, past)
			}
			from := len(a.events)
			err := a.serveAll(ctx, calls)
			if lost := a.compare(ctx, group, a.events[from:], past, &sum, err); lost != nil {
				return lost
			}
			return err
		})
	})
	return sum, err
}

// settled says whether a call ran, was refused, or has a result all the same. One
// that was still being decided on when the session broke off has nothing of these.
func (r *recalled) settled() bool { return r.call != nil || r.result != nil || r.refused() }

func (r *recalled) refused() bool {
	return r.decision.Verdict != "" && r.decision.Verdict != "allow" && r.decision.Verdict != "ask"
}

func (p Past) withheld(seq int64) drift.Withheld {
	return func(field string) bool { return p.Withheld != nil && p.Withheld(seq, field) }
}

// decideAgain decides on a recorded call.
func (a *Agent) decideAgain(r *recalled, past Past) decided {
	c := decided{call: store.CallSpec{ID: r.decision.CallID, Name: r.decision.Tool, Arguments: r.asked.Arguments}}
	if r.call != nil {
		c.call.Name = r.call.Tool
	}
	if r.call != nil && r.call.Edited && r.asked.ID != "" { // a person is asked about what the model wrote, and changes it
		c.decision, c.plan = a.cfg.Tools.decide(c.call)
	}
	if c.decision.Verdict != "ask" {
		if r.call != nil {
			c.call.Arguments = string(r.call.Arguments)
		}
		c.decision, c.plan = a.cfg.Tools.decide(c.call)
	}
	c.approve = r.approve
	refuse := func(reason string) {
		c.decision = store.Decision{CallID: c.call.ID, Tool: clip(c.call.Name, 64), Verdict: "deny", Rule: rerunRule, Reason: reason, By: byRecording}
	}
	switch gone := past.withheld(r.callSeq); {
	case past.Foreign != nil && past.Foreign(c.call.Name):
		refuse("its answer is made by a template from elsewhere, and outside of the box")
	case r.call == nil && !r.refused():
		refuse("the recording has a result of it, and not that it ran")
	case r.call == nil:
		if then, now := r.decision, c.decision; then.Verdict != now.Verdict || then.Rule != now.Rule || then.Reason != now.Reason {
			c.decision = store.Decision{
				CallID: then.CallID, Tool: then.Tool, Verdict: then.Verdict, Rule: then.Rule, Reason: then.Reason, From: then.From, Part: then.Part, By: byRecording,
			}
		}
	case r.decision.Verdict != "allow":
		refuse("the recording says that it was not allowed, and that it ran")
	case gone("arguments") || gone("tool"):
		refuse("something was taken out of its arguments before the recording came here, so what ran then is not known")
	case c.call.Name == "fetch":
		refuse("a rerun has no network: what was asked of another machine is not asked twice")
	}
	return c
}

// approve serves what a person answered then.
func (r *recalled) approve(context.Context, Ask) Answer {
	if r.call == nil || r.decision.By == "policy" {
		return Answer{By: byRecording, Reason: "nobody was asked about it when it was recorded"}
	}
	answer := Answer{Allow: true, By: byRecording}
	if r.call.Edited {
		answer.Arguments = r.call.Arguments
	}
	return answer
}

// compare compares a group of calls with what is in the log of them now. What
// ended the rerun in the middle of a call, end, is nothing that the call came to.
func (a *Agent) compare(ctx context.Context, group []*recalled, events []store.Event, past Past, sum *store.Compared, end error) error {
	decisions, results := map[string][]store.Decision{}, map[string][]store.Event{}
	for _, e := range events {
		switch b := e.Body.(type) {
		case store.Decision:
			if b.Verdict != "ask" {
				decisions[b.CallID] = append(decisions[b.CallID], b)
			}
		case store.ToolResult:
			results[b.CallID] = append(results[b.CallID], e)
		}
	}
	for _, r := range group {
		id := r.decision.CallID
		if len(results[id]) == 0 || len(decisions[id]) == 0 {
			continue // something ended the rerun before
		}
		e, d := results[id][0], decisions[id][0]
		results[id], decisions[id] = results[id][1:], decisions[id][1:]
		now := e.Body.(store.ToolResult)
		if end != nil && (now.Error == drift.Interrupted || errors.Is(end, ErrBoxLost) && now.Error != "") {
			continue
		}
		told := Comparison{Of: r.seq, Now: e.Seq, Tool: r.decision.Tool, Arguments: r.asked.Arguments}
		if r.call != nil {
			told.Arguments = string(r.call.Arguments)
		}
		told.Drift = append(a.judged(r, d, past), r.results(d, now, past)...)
		for i := range told.Drift {
			told.Drift[i].Of, told.Drift[i].Now = r.seq, e.Seq
			if err := a.record(ctx, told.Drift[i]); err != nil {
				return err
			}
		}
		sum.Calls++
		switch {
		case len(told.Drift) == 0:
			sum.Same++
		case slices.ContainsFunc(told.Drift, func(d store.Drift) bool { return !d.Unknown }):
			sum.Drifted++
		default:
			sum.Unknown++
		}
		if past.Tell != nil {
			past.Tell(told)
		}
	}
	return nil
}

// judged compares what policy made of a call.
func (a *Agent) judged(r *recalled, now store.Decision, past Past) []store.Drift {
	drifted := func(format string, args ...any) []store.Drift {
		return []store.Drift{{What: "decision", Detail: fmt.Sprintf(format, args...)}}
	}
	switch {
	case now.Rule == rerunRule:
		return []store.Drift{{What: "call", Unknown: true, Detail: "it was not run: " + now.Reason}}
	case r.call != nil && now.Verdict != "allow":
		return drifted("it ran then; now it was refused: %s", refusal(now))
	case r.call != nil || r.asked.ID == "" || now.By != byRecording || slices.Contains([]string{"filters", "tripwires", repeatsRule, rerunRule}, r.decision.Rule):
		return nil
	case past.withheld(r.seq)("error"):
		return nil
	}
	call := r.asked
	if again := a.cfg.Tools.Decide(call); again.Verdict == "allow" {
		return drifted("it was refused then, and was not run; policy as it is now would allow it")
	}
	return nil
}

// results compares what a call came to.
func (r *recalled) results(d store.Decision, now store.ToolResult, past Past) []store.Drift {
	switch {
	case d.Rule == rerunRule || r.call != nil && d.Verdict != "allow":
		return nil // it has none to compare
	case r.result == nil:
		return []store.Drift{{What: "call", Unknown: true, Detail: "what came of it was not recorded; this time: " + now.Outcome()}}
	}
	return drift.Result(*r.result, now, past.withheld(r.seq))
}
