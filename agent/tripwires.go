package agent

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"glovebox/agent/policy"
	"glovebox/agent/tripwire"
	"glovebox/store"
)

// What becomes of a value of the dataset that is on its way out.
const (
	TripOff  = "off"
	TripFlag = "flag" // recorded, and it goes on
	TripStop = "stop" // recorded, it goes nowhere, and the session ends
)

// TripActions are all of them, from the mildest on.
func TripActions() []string { return []string{TripOff, TripFlag, TripStop} }

// Tripwires say what is done where a value of the dataset turns up. "" is off.
type Tripwires struct {
	Wires   *tripwire.Wires // nil: none
	Network string          // in a request to the network
	Stubs   string          // in the arguments of a stub tool
	Paths   string          // in a path outside of the box's own places
	Values  string          // the most that is done about a value that is no canary
}

// At judges text that is on its way to where (network, stub, path), and says
// what to record, the strictest first. stop is nil where it may go on.
func (t Tripwires) At(where string, hits []tripwire.Hit) (found []store.Tripwire, stop *PolicyError) {
	action := map[string]string{"network": t.Network, "stub": t.Stubs, "path": t.Paths}[where]
	for _, h := range hits {
		f := store.Tripwire{Where: where, What: "canary", Table: h.Table, Column: h.Column, As: h.As, Action: action}
		if !h.Canary {
			f.What = "value"
			if slices.Index(TripActions(), t.Values) < slices.Index(TripActions(), action) {
				f.Action = t.Values
			}
		}
		if h.Unseen {
			f.What = "unseen"
		}
		if f.Action == "" || f.Action == TripOff {
			continue
		}
		if f.Action == TripStop && stop == nil {
			stop = &PolicyError{Message: "a tripwire stopped it: more is packed in it than can be looked through"}
			if !h.Unseen {
				stop.Message = fmt.Sprintf("a tripwire stopped it: a %s of the dataset (%s.%s) was on its way out", f.What, f.Table, f.Column)
			}
		}
		found = append(found, f)
	}
	return found, stop
}

// trip looks through a call that may run. Where that ends the work, the call
// is recorded as denied.
func (a *Agent) trip(ctx context.Context, call store.CallSpec, p plan) error {
	where, text := outgoing(p)
	if where == "" || a.cfg.Tripwires.Wires == nil {
		return nil
	}
	found, stop := a.cfg.Tripwires.At(where, a.cfg.Tripwires.Wires.Find(text))
	for _, f := range found {
		f.CallID, f.Part = call.ID, p.tool.name
		if err := a.record(ctx, f); err != nil {
			return err
		}
	}
	if stop == nil {
		return nil
	}
	d := store.Decision{CallID: call.ID, Tool: p.tool.name, Verdict: "deny", Rule: "tripwires", Reason: stop.Message, By: "policy"}
	if err := a.record(ctx, d); err != nil {
		return err
	}
	if err := a.record(ctx, store.ToolResult{CallID: d.CallID, Tool: d.Tool, Error: refusal(d)}); err != nil {
		return err
	}
	return stop
}

// outgoing is what of a call is meant for a place outside of the box; "": nothing.
func outgoing(p plan) (where string, text []byte) {
	if p.tool.stub != nil {
		var all bytes.Buffer
		everyText(map[string]any(p.args), &all)
		return "stub", append(all.Bytes(), p.recorded()...)
	}
	if name := p.args.str("path"); name != "" && outside(name) {
		return "path", []byte(name + "\n" + p.args.str("content") + "\n" + p.args.str("new"))
	}
	if p.tool.name != "shell" {
		return "", nil
	}
	for _, w := range policy.Words(p.args.str("command")) {
		if strings.HasPrefix(w, "/") && outside(w) || strings.HasPrefix(w, "..") && outside(w) {
			where, text = "path", append(append(text, w...), '\n')
		}
	}
	return where, text
}

// everyText writes all text in arguments one after the other, keys left out:
// what is cut up over several is found in none of them.
func everyText(v any, to *bytes.Buffer) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			everyText(v[k], to)
		}
	case []any:
		for _, e := range v {
			everyText(e, to)
		}
	default:
		fmt.Fprint(to, v)
	}
}

// outside says whether a path leads to none of the places that are the box's own.
func outside(name string) bool {
	if !path.IsAbs(name) {
		name = path.Join("/work", name)
	}
	name = path.Clean(name)
	return !slices.ContainsFunc([]string{"/work", "/data", "/tmp"}, func(own string) bool {
		return name == own || strings.HasPrefix(name, own+"/")
	})
}

// Halt ends the work that goes on, as policy does, or the next before it begins.
// It may be called at any time, from any goroutine.
func (a *Agent) Halt(why *PolicyError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.halted == nil {
		a.halted = why
	}
	if a.cancel != nil {
		a.cancel(why)
	}
}

// begin lets Halt end ctx; a halt that came before is returned.
func (a *Agent) begin(ctx context.Context) (context.Context, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	if a.cancel = cancel; a.halted != nil {
		why := a.halted
		a.halted = nil
		cancel(why)
		return ctx, why
	}
	return ctx, nil
}

// end tells whether the work was halted.
func (a *Agent) end() (halted error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancel(nil)
	a.cancel = nil
	if a.halted != nil {
		halted = a.halted
		a.halted = nil
	}
	return halted
}
