package agent

import (
	"iter"
	"slices"

	"glovebox/store"
)

// recalled is one call of a recorded session, as far as it is in the log.
type recalled struct {
	asked    store.CallSpec    // as the model wrote it; no ID: not known
	decision store.Decision    // the last one on it
	call     *store.ToolCall   // nil: it did not run
	result   *store.ToolResult // nil: none was recorded
	seq      int64             // of the result, or what else there is last
	callSeq  int64             // of the call
}

// maxGroup is far more calls than one answer has, and few enough to be looked
// through for each event.
const maxGroup = 1000

// recall hands the calls of a session to do, in their order: those that ran at
// the same time together. Which did is seen from the log: all of them began
// before the first result was recorded.
func recall(events iter.Seq2[store.Event, error], do func([]*recalled) error) error {
	var group []*recalled
	asked := map[string]store.CallSpec{}
	flush := func() error {
		now := group
		if group = nil; len(now) == 0 {
			return nil
		}
		return do(now)
	}
	find := func(id string, want func(*recalled) bool) *recalled {
		i := slices.IndexFunc(group, func(r *recalled) bool { return r.decision.CallID == id && want(r) })
		if i < 0 {
			return nil
		}
		return group[i]
	}
	begin := func(d store.Decision, seq int64) (*recalled, error) {
		if len(group) >= maxGroup || slices.ContainsFunc(group, func(r *recalled) bool { return r.call != nil && r.result != nil }) {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		r := &recalled{decision: d, asked: asked[d.CallID], seq: seq}
		group = append(group, r)
		return r, nil
	}
	for e, err := range events {
		if err != nil {
			return err
		}
		switch b := e.Body.(type) {
		case store.Prompt, store.LimitReached, store.Interrupted, store.Failure, store.BoxDiff, store.BoxDestroyed:
			err = flush()
		case store.ModelResponse:
			err = flush()
			clear(asked)
			for _, c := range b.ToolCalls {
				asked[c.ID] = c
			}
		case store.Decision:
			if r := find(b.CallID, func(r *recalled) bool { return r.decision.Verdict == "ask" && r.result == nil }); r != nil {
				r.decision, r.seq = b, e.Seq
			} else {
				_, err = begin(b, e.Seq)
			}
		case store.ToolCall:
			r := find(b.CallID, func(r *recalled) bool { return r.call == nil && r.result == nil })
			if r == nil { // a log of old has no decisions
				r, err = begin(store.Decision{CallID: b.CallID, Tool: b.Tool, Verdict: "allow", By: "policy"}, e.Seq)
			}
			if err == nil {
				r.call, r.seq, r.callSeq = &b, e.Seq, e.Seq
			}
		case store.ToolResult:
			r := find(b.CallID, func(r *recalled) bool { return r.result == nil })
			if r == nil { // of a call that the log does not have: what it claims is not passed over
				r, err = begin(store.Decision{CallID: b.CallID, Tool: b.Tool}, e.Seq)
			}
			if err == nil {
				r.result, r.seq = &b, e.Seq
			}
		}
		if err != nil {
			return err
		}
	}
	return flush()
}
