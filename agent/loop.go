package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"glovebox/agent/budget"
	"glovebox/agent/drift"
	"glovebox/agent/filter"
	"glovebox/agent/policy"
	"glovebox/store"
)

// Config is what an Agent works with. Model, Box and Log are needed.
type Config struct {
	Model     Model
	ModelName string // as recorded: provider/model or script:NAME
	Box       Box
	Log       Recorder
	System    string // system prompt; System builds one
	Tools     Toolbox
	Limits    Limits
	Cost      Cost     // of the model
	Budgets   []Budget // beyond the session's own limits
	Rates     Rates
	Filter    *filter.Filter // of what goes in and out; nil: none
	Tripwires Tripwires
	Repeats   int // how often the same calls may have the same results, 0: no limit
	Seed      *int64
	Heat      *float64         // temperature; nil: the server's own
	Form      *Form            // of the last answer; nil: free. Who prompts checks it
	History   []store.Event    // of the session that this one resumes: its conversation goes on, its costs count
	Approve   Approver         // who is asked where policy says ask; nil: nobody, which denies
	Observe   func(Update)     // may be nil; never called twice at once, must not block for long
	Clock     func() time.Time // for durations; nil: the real one
}

// Agent is one session's conversation. It is for one goroutine: one Prompt at
// a time.
type Agent struct {
	cfg    Config
	events []store.Event // recorded by this agent, in order
	spent  spent
	again  repeats
	held   map[string]string // calls of the last answer that a filter held back, and why
	models *rate.Limiter     // of requests; nil: no limit
	calls  *rate.Limiter     // of tool calls
	grants []policy.Rule     // what a person has allowed for the whole session

	showing sync.Mutex              // Observe
	mu      sync.Mutex              // what follows
	cancel  context.CancelCauseFunc // of the work that goes on; nil: none does
	halted  *PolicyError            // why it is to end; nil: it is not
}

// New makes an agent. It records nothing and starts nothing.
func New(cfg Config) *Agent {
	if cfg.Observe == nil {
		cfg.Observe = func(Update) {}
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	a := &Agent{cfg: cfg, models: limiter(cfg.Rates.ModelCalls), calls: limiter(cfg.Rates.ToolCalls)}
	for _, e := range cfg.History {
		a.events = append(a.events, e)
		a.spent.add(a.events)
	}
	a.spent.known, a.spent.before, a.spent.begun = 0, a.spent.Wall, time.Time{} // the system prompt is another one
	return a
}

// Prompt records text and works on it until the model is done (nil), a limit
// (*LimitError), the endpoint (*ModelError), a scenario (*ScriptError), the
// box (ErrBoxLost) or the log stops it, or ctx ends: then it returns ctx's
// cause, an Interruption where the caller gave one. What stopped it is
// recorded before it returns. After all but ErrBoxLost and a log that cannot
// be written, the conversation can go on with the next Prompt.
//
// Prompt records neither the start and end of the session nor what becomes of
// its box; Outcome maps its error for session.ended.
func (a *Agent) Prompt(ctx context.Context, text string, images ...store.Image) error {
	if text == "" {
		return errors.New("the prompt is empty")
	}
	text = valid(text)
	if err := a.passPrompt(ctx, &text); err != nil {
		return err
	}
	return a.within(ctx, func(ctx context.Context) error {
		if err := a.record(ctx, store.Prompt{Text: text, Images: images}); err != nil {
			return err
		}
		return a.work(ctx)
	})
}

// within does work until it ends, the session's time is up, or Halt or ctx ends
// it. What stopped it is recorded before it returns.
func (a *Agent) within(ctx context.Context, work func(context.Context) error) error {
	working, err := a.begin(ctx)
	if err != nil {
		a.end() //nolint:errcheck // it is err
		return a.stopped(ctx, working, err)
	}
	limited, cancel := a.withWall(working)
	defer cancel()
	err = work(limited)
	if halted := a.end(); halted != nil && ctx.Err() == nil {
		var lost *logError
		if !errors.As(err, &lost) {
			err = halted
		}
	}
	return a.stopped(ctx, limited, err)
}

// work takes turns until the model asks for nothing more.
func (a *Agent) work(ctx context.Context) error {
	for {
		if err := a.fit(ctx); err != nil {
			return err
		}
		resp, err := a.turn(ctx)
		for kept := keptWhole; tooLarge(err) && kept > 0; kept /= 2 { // the server knows better how much it takes
			helps, lost := a.compact(ctx, kept)
			if lost != nil {
				return lost
			}
			if helps {
				resp, err = a.turn(ctx)
			}
		}
		if err != nil {
			return err
		}
		if len(resp.ToolCalls) == 0 {
			return nil
		}
		if err := a.serve(ctx, resp); err != nil {
			return err
		}
	}
}

// turn asks the model once.
func (a *Agent) turn(ctx context.Context) (store.ModelResponse, error) {
	if err := ctx.Err(); err != nil {
		return store.ModelResponse{}, err
	}
	if err := a.pace(ctx, a.models, "model"); err != nil {
		return store.ModelResponse{}, err
	}
	turn := int(a.spent.Turns) + 1
	through := a.events[len(a.events)-1].Seq
	req := Request{System: a.cfg.System, Messages: Conversation(a.events), Tools: a.cfg.Tools.Specs(), Seed: a.cfg.Seed, Temperature: a.cfg.Heat, Form: a.cfg.Form}
	reserved, output, settle, err := a.mayAsk(ctx, req)
	if err != nil {
		return store.ModelResponse{}, err
	}
	var charge *store.Charge
	defer func() { settle(charge) }()
	req.MaxOutput = output
	asked := store.ModelRequest{Turn: turn, Model: a.cfg.ModelName, Through: through, Reserved: reserved, MaxOutput: output}
	if err := a.record(ctx, asked); err != nil {
		return store.ModelResponse{}, err
	}
	if err := a.stillFits(ctx); err != nil {
		return store.ModelResponse{}, err
	}
	said, thought := &sieve{filter: a.cfg.Filter}, &sieve{filter: a.cfg.Filter}
	resp, err := a.cfg.Model.Stream(ctx, req, func(d Delta) {
		d.Text, d.Reasoning = said.next(d.Text, false), thought.next(d.Reasoning, false)
		if d != (Delta{}) {
			a.observe(Update{Delta: &d})
		}
	})
	resp.Turn = turn
	if err != nil {
		resp.Partial = true
		if resp.Text == "" && resp.Reasoning == "" && len(resp.ToolCalls) == 0 && !a.mayCost(err) {
			return resp, err // nothing came: the error says it all
		}
	}
	if rest := (Delta{Text: said.next("", true), Reasoning: thought.next("", true)}); rest != (Delta{}) {
		a.observe(Update{Delta: &rest})
	}
	charge = a.charge(asked, resp)
	if lost := a.passAnswer(ctx, &resp); lost != nil {
		return resp, lost
	}
	resp.Charge = charge
	if lost := a.record(ctx, resp); lost != nil {
		return resp, lost
	}
	return resp, err
}

// mayCost says whether a request that came to nothing may have to be paid: the
// server has read it, and did not refuse it.
func (a *Agent) mayCost(err error) bool {
	var e *ModelError
	return a.cfg.Cost.Price != budget.Price{} && (!errors.As(err, &e) || e.Code == "cut" || e.Code == "timeout")
}

// admit decides on one tool call and records what was decided; where admitted
// is set it may run. One that was cut off at the model's output limit does not
// run, even where it looks whole.
func (a *Agent) admit(ctx context.Context, c decided) (plan plan, admitted bool, _ error) {
	call, decision, plan := c.call, c.decision, c.plan
	if err := ctx.Err(); err != nil {
		return plan, false, err
	}
	if c.cut {
		decision.Verdict, decision.Rule = "invalid", ""
		decision.Reason = "your answer was cut off at its output limit in this call; it did not run: make it shorter, or in several calls"
	}
	tell, err := a.circles(call)
	if err != nil {
		return plan, false, err
	}
	if tell != "" && decision.Verdict != "invalid" {
		decision.Verdict, decision.Rule, decision.Reason = "deny", repeatsRule, tell
	}
	if held := a.held[call.ID]; held != "" {
		decision = store.Decision{CallID: call.ID, Tool: decision.Tool, Verdict: "deny", Rule: "filters", By: "policy", Reason: "a filter held the arguments back: " + held}
	}
	edited := false
	if decision.Verdict == "ask" {
		var err error
		if decision, plan, err = a.approve(ctx, c.approve, call, decision, plan); err != nil {
			return plan, false, err
		}
		edited = decision.Edited
	}
	if decision.Verdict != "allow" {
		if err := a.record(ctx, decision); err != nil {
			return plan, false, err
		}
		return plan, false, a.record(ctx, store.ToolResult{CallID: call.ID, Tool: decision.Tool, Error: refusal(decision)})
	}
	if err := a.trip(ctx, call, plan); err != nil {
		return plan, false, err
	}
	if err := a.mayCall(); err != nil {
		return plan, false, err
	}
	if err := a.pace(ctx, a.calls, "tool"); err != nil {
		return plan, false, err
	}
	if err := a.record(ctx, decision); err != nil {
		return plan, false, err
	}
	if err := a.record(ctx, store.ToolCall{CallID: call.ID, Tool: call.Name, Arguments: plan.recorded(), Edited: edited, Stub: plan.tool.stub != nil}); err != nil {
		return plan, false, err
	}
	return plan, true, nil
}

// refusal is what the model is told of a call that does not run.
func refusal(d store.Decision) string {
	if d.Verdict == "invalid" {
		return d.Reason
	}
	s := "not allowed"
	if d.Reason != "" {
		s += ": " + d.Reason
	}
	if d.Rule != "" && d.Rule != "tools.allow" {
		s += fmt.Sprintf(" (rule %s)", d.Rule)
	}
	return s
}

// run runs a call that was admitted, and records nothing. A tool that fails is
// a result like any other; a lost box and an interruption end the work.
func (a *Agent) run(ctx context.Context, call store.CallSpec, plan plan) (res store.ToolResult, end error) {
	var live [2]runes
	var seen [2]sieve
	for i := range seen {
		seen[i].filter = a.cfg.Filter
	}
	r := &run{tools: a.cfg.Tools, box: a.cfg.Box, output: func(stderr bool, chunk []byte) {
		if text := seen[stream(stderr)].next(live[stream(stderr)].next(chunk), false); text != "" {
			a.observe(Update{Output: &Output{CallID: call.ID, Stderr: stderr, Chunk: text}})
		}
	}}
	start := a.cfg.Clock()
	res, err := plan.tool.run(ctx, r, plan.args)
	res.CallID, res.Tool = call.ID, call.Name
	res.DurationMS = ms(a.cfg.Clock().Sub(start))
	for i, w := range []**store.Whole{&res.StdoutWhole, &res.StderrWhole} {
		if *w != nil {
			(*w).Clean = a.cfg.Filter.Thorough()
			*w = vouched(*w, seen[i].found, seen[i].changed)
		}
	}
	var denied *PolicyError
	switch {
	case ctx.Err() != nil && (err != nil || res.Signal != ""):
		if res.Error, end = drift.Interrupted, ctx.Err(); errors.As(context.Cause(ctx), &denied) {
			res.Error = denied.Message
		}
	case err == nil:
	case errors.Is(err, ErrBoxLost):
		res.Error, end = err.Error(), err
	default:
		res.Error = clip(err.Error(), 1000)
	}
	return res, end
}

// stopped records why the work ended and returns the error that says so.
// limited is ctx with the session's time limit.
func (a *Agent) stopped(ctx, limited context.Context, err error) error {
	var (
		lost   *logError
		limit  *LimitError
		script *ScriptError
		stop   Interruption
		denied *PolicyError
		body   store.Body
	)
	switch {
	case err == nil || errors.As(err, &lost):
		return err
	case ctx.Err() != nil:
		err = context.Cause(ctx)
		body = store.Interrupted{By: by(err)}
	case errors.As(err, &denied):
		body = store.Failure{Code: "policy", Message: err.Error()}
	case limited.Err() != nil && errors.As(context.Cause(limited), &limit):
		err = limit
		body = limit.event()
	case errors.As(err, &stop):
		body = store.Interrupted{By: by(err)}
	case errors.As(err, &limit):
		body = limit.event()
	case errors.As(err, &script):
		body = store.Failure{Code: "script", Message: err.Error()}
	case errors.Is(err, ErrBoxLost):
		body = store.Failure{Code: "box", Message: err.Error()}
	default:
		body = store.Failure{Code: "model", Message: err.Error()}
	}
	if lost := a.record(ctx, body); lost != nil {
		return lost
	}
	return err
}

func by(cause error) string {
	var i Interruption
	if errors.As(cause, &i) && i.By != "" {
		return i.By
	}
	return "user"
}

// logError says that the log could not be written; then nothing is done. The
// Recorder's own words are enough.
type logError struct{ error }

func (e *logError) Unwrap() error { return e.error }

// record commits an event. It does so also when ctx has ended: what happened
// until then belongs into the log.
func (a *Agent) record(ctx context.Context, body store.Body) error {
	e, err := a.cfg.Log.Append(context.WithoutCancel(ctx), body)
	if err != nil {
		return &logError{err}
	}
	a.events = append(a.events, e)
	a.spent.add(a.events)
	a.again.add(e)
	a.observe(Update{Event: &e})
	return nil
}

// observe shows an update; calls that run at the same time take turns.
func (a *Agent) observe(u Update) {
	a.showing.Lock()
	defer a.showing.Unlock()
	a.cfg.Observe(u)
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
