package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"glovebox/agent/policy"
	"glovebox/store"
)

// Approver is asked about a call that policy wants a person to see. It returns
// when there is an answer or ctx ends. It is asked one thing at a time.
type Approver func(ctx context.Context, q Ask) Answer

// Ask is a tool call that waits for a person.
type Ask struct {
	CallID    string
	Tool      string
	Arguments json.RawMessage // as they will be used
	Rule      string          // that asks; "default": none matched
	From      string          // where it is written
	Reason    string          // of the rule
	Part      string          // of a shell call: the command that the rule is about
	Reply     func(Answer)    // of an Ask in an Update: takes the answer, the first one counts; never waits
}

// Answer is what a person makes of an Ask. The zero Answer denies.
type Answer struct {
	Allow     bool
	Scope     string          // of an allowance: once (also ""), session: every call of the tool, pattern
	Pattern   string          // with scope pattern: over the tool's main argument
	Arguments json.RawMessage // what to run instead; nil: as asked
	Reason    string          // of a denial: told to the model
	Stop      bool            // deny, and end the work
	By        string          // user (also ""), headless, --yes
	Who       string          // account of the person
}

// AskThrough makes an Approver that hands each question to observe as an
// Update and waits for its Reply.
func AskThrough(observe func(Update), who string) Approver {
	return func(ctx context.Context, q Ask) Answer {
		answers := make(chan Answer, 1)
		q.Reply = func(a Answer) {
			select {
			case answers <- a:
			default:
			}
		}
		observe(Update{Ask: &q})
		select {
		case a := <-answers:
			a.Who = who
			return a
		case <-ctx.Done():
			return Answer{}
		}
	}
}

// AlwaysYes is the Approver of --yes.
func AlwaysYes(context.Context, Ask) Answer { return Answer{Allow: true, By: "--yes"} }

func nobody(context.Context, Ask) Answer {
	return Answer{By: "headless", Reason: "a person would have to allow it, and nobody is there to ask"}
}

// approve gets the decision of a person on a call that policy asks about. The
// question is recorded before it is asked; who calls it records the answer.
func (a *Agent) approve(ctx context.Context, ask Approver, call store.CallSpec, asked store.Decision, p plan) (store.Decision, plan, error) {
	if a.granted(call.Name, p.args) {
		asked.Verdict, asked.By, asked.Rule, asked.From = "allow", "user", "allowed for this session", ""
		return asked, p, nil
	}
	if err := a.record(ctx, asked); err != nil {
		return asked, p, err
	}
	if ask == nil {
		ask = nobody
	}
	start := a.cfg.Clock()
	answer := ask(ctx, Ask{
		CallID: call.ID, Tool: call.Name, Arguments: p.recorded(), Rule: asked.Rule, From: asked.From, Reason: asked.Reason, Part: asked.Part,
	})
	if err := ctx.Err(); err != nil {
		return asked, p, err
	}
	d := asked
	d.By, d.Who, d.WaitMS = cmp.Or(answer.By, "user"), answer.Who, ms(a.cfg.Clock().Sub(start))
	if !answer.Allow || answer.Stop {
		d.Verdict, d.Reason = "deny", cmp.Or(answer.Reason, "a person denied it")
		if answer.Stop {
			return d, p, a.halt(ctx, d)
		}
		return d, p, nil
	}
	d.Verdict, d.Scope = "allow", cmp.Or(answer.Scope, "once")
	if answer.Arguments != nil && string(answer.Arguments) != string(p.recorded()) {
		return a.edited(call, d, p, answer.Arguments)
	}
	return a.grant(d, p, answer)
}

// edited judges the arguments that a person put in place of the model's. What
// policy asks about the person has seen; what it denies stays denied.
func (a *Agent) edited(call store.CallSpec, d store.Decision, p plan, arguments json.RawMessage) (store.Decision, plan, error) {
	call.Arguments = string(arguments)
	again, other := a.cfg.Tools.decide(call)
	if again.Verdict != "allow" && again.Verdict != "ask" {
		again.Reason = "after a person changed the arguments: " + again.Reason
		return again, p, nil
	}
	d.Edited, d.Scope = true, "once"
	return d, other, nil
}

// grant keeps what a person allows for more than this call.
func (a *Agent) grant(d store.Decision, p plan, answer Answer) (store.Decision, plan, error) {
	rule := policy.Rule{Tool: d.Tool, Decision: policy.Allow}
	switch d.Scope {
	case "pattern":
		rule.Match, d.Pattern = answer.Pattern, answer.Pattern
		if _, err := policy.New([]policy.Rule{rule}, []string{d.Tool}, policy.Deny); err != nil || answer.Pattern == "" {
			d.Scope, d.Pattern = "once", "" // the call was allowed; the pattern is no use
			return d, p, nil
		}
	case "session":
	default:
		return d, p, nil
	}
	a.grants = append(a.grants, rule)
	return d, p, nil
}

func (a *Agent) granted(tool string, args values) bool {
	for _, rule := range a.grants {
		p, err := policy.New([]policy.Rule{rule}, []string{rule.Tool}, policy.Deny)
		if err == nil && rule.Tool == tool && p.Judge(tool, args).Decision == policy.Allow {
			return true
		}
	}
	return false
}

// halt records a denial that ends the work.
func (a *Agent) halt(ctx context.Context, d store.Decision) error {
	if err := a.record(ctx, d); err != nil {
		return err
	}
	if err := a.record(ctx, store.ToolResult{CallID: d.CallID, Tool: d.Tool, Error: refusal(d)}); err != nil {
		return err
	}
	return fmt.Errorf("stopped at a question: %w", Interruption{By: "user"})
}
