package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"glovebox/agent"
	"glovebox/agent/drift"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// rerunModel stands where a session has its model.
const rerunModel = "rerun"

func newRerunCmd(a *app) *cobra.Command {
	var files []string
	var image string
	cmd := &cobra.Command{
		Use:   "rerun ID",
		Short: "Run a session's calls again in a new box; what differs is drift",
		Long: `Run the tool calls of a recorded session again, in a new box with the dataset,
image, policy and limits as recorded, and compare every result. No model is asked.
Exit 0: everything was compared and is the same, byte for byte. Exit 1: something
differs, or could not be told. The rerun is itself recorded, as a session.

What did not run then does not run now; what a person allowed then is allowed. A
rerun has no network. Another --seed or --image shows what depends on it.`,
		Example: `  glovebox rerun last
  glovebox rerun last --json | jq 'select(.drift)'
  glovebox rerun last --seed 43`,
		Args:              oneSession,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.flags.model != "" {
				return usageError("a rerun asks no model, so --model changes nothing", "glovebox rerun "+args[0])
			}
			brought, err := a.bring(files)
			if err != nil {
				return err
			}
			if err := a.withSession(cmd.Context(), args[0], func(*store.Store, store.Summary) error { return nil }); err != nil {
				return err // before a log is made where there is none
			}
			d, err := a.openDesk(cmd.Context())
			if err != nil {
				return err
			}
			o := again{ref: args[0], image: image, rigor: a.flags.rigor, brought: brought, say: a.notice}
			if a.changed("seed") {
				o.seed = &a.flags.seed
			}
			return errors.Join(a.rerun(cmd.Context(), d, o), d.close())
		},
	}
	cmd.Flags().StringArrayVar(&files, "file", nil, "a `FILE` that was brought into the session; may be repeated")
	cmd.Flags().StringVar(&image, "image", "", "run in the image `REF` instead of the recorded one")
	return cmd
}

// rerun runs a session again and writes what comes of it.
func (a *app) rerun(ctx context.Context, d *desk, o again) error {
	v, err := d.prepareAgain(ctx, o)
	if err != nil {
		return err
	}
	v.print = a.printComparison(v.ID())
	if !a.flags.json {
		fmt.Fprintf(a.out, "%s\n\n", strings.Join(v.title(), "\n"))
	}
	err = v.runUntil(ctx, d, "signal")
	if !a.flags.json {
		_, failed := fmt.Fprintf(a.out, "\n%s\n", v.sum)
		err = errors.Join(err, failed)
	}
	if err == nil && !v.sum.Proven() {
		return &exitError{code: exitNo}
	}
	return err
}

// again is which session is run again, and what is another on purpose.
type again struct {
	ref     string // of the session
	image   string // "": the recorded one
	rigor   string // "": the recorded one
	seed    *int64 // nil: the recorded one
	brought []brought
	say     func(string) // tells a person something that is no part of the result
}

// prepareAgain opens a session that is a rerun. The desk's configuration is that
// of the recorded session afterwards.
func (d *desk) prepareAgain(ctx context.Context, o again) (*rerun, error) {
	r, err := recallSession(ctx, d.store, o.ref)
	if err == nil {
		r.ref, r.say = o.image, o.say
		err = r.repeatable()
	}
	if err == nil {
		err = untouched(ctx, d.store, r.sum.ID)
	}
	if err == nil {
		d.files, err = r.files(o.brought)
	}
	if err == nil {
		err = d.sameAgain(ctx, o, r)
	}
	if err != nil {
		return nil, err
	}
	v, err := d.startAgain(ctx, r)
	return v, explain(err)
}

// title says which session is run again, as which.
func (v *rerun) title() []string {
	r := v.past
	return []string{
		fmt.Sprintf("session %s: %s", r.sum.ID, store.CleanLine(r.sum.Title)),
		fmt.Sprintf("run again as session %s: %s", v.ID(), store.Compared{Calls: r.calls}),
	}
}

// runUntil runs it to its end, or until ctx ends: then it was interrupted by who.
func (v *rerun) runUntil(ctx context.Context, d *desk, who string) error {
	turn, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(agent.Interruption{By: who}) })()
	err := v.run(turn, d)
	var limit *agent.LimitError
	if errors.As(err, &limit) {
		return &exitError{code: exitLimit, msg: fmt.Sprintf("after %d of %d calls, a limit as recorded: %v", v.sum.Calls, v.past.calls, limit), err: err}
	}
	return explain(err)
}

// notice tells a person something that is no part of the result.
func (a *app) notice(text string) { fmt.Fprintln(a.errOut, store.CleanLine(text)) }

// rerun is one that goes on: a session, and what is compared with it.
type rerun struct {
	*session
	past  *past
	print func(agent.Comparison, string) error
	sum   store.Compared

	puts map[string]store.Event // of this one, by path
	box  *store.Event
	diff *store.Event
	lost error // of print
}

// see keeps what is compared later.
func (v *rerun) see(u agent.Update) {
	switch {
	case u.Delta != nil && u.Delta.Notice != "":
		v.past.say(u.Delta.Notice)
	case u.Event == nil:
	default:
		switch b := u.Event.Body.(type) {
		case store.FilePut:
			v.puts[b.Path] = *u.Event
		case store.BoxCreated:
			v.box = u.Event
		case store.BoxDiff:
			v.diff = u.Event
		}
	}
}

// startAgain opens a session that is a rerun, as start does one with a model.
func (d *desk) startAgain(ctx context.Context, r *past) (*rerun, error) {
	v := &rerun{past: r, puts: map[string]store.Event{}}
	p := plan{name: rerunModel}
	if err := p.planBox(ctx, d, d.schema(), v.see); err != nil {
		return nil, err
	}
	if err := r.planTools(&p, d.cfg); err != nil {
		return nil, err
	}
	v.session = &session{stop: func() {}}
	v.observe = inOrder(v.see, func(seq int64) (store.Event, bool) { return v.noted(d.store, seq) })
	err := v.begin(ctx, d, store.SessionStarted{
		Program: version, Model: rerunModel, Tools: p.tools.Specs(), Config: d.cfg.json(), Policy: r.started.Policy,
		Recipe: p.recorded(), Rigor: d.cfg.Rigor, Reruns: &store.Resumes{Session: r.sum.ID, Through: r.sum.Events},
	})
	if err != nil {
		return nil, err
	}
	if err := v.open(ctx, d, p); err != nil {
		return nil, err
	}
	v.work(agent.New(agent.Config{
		ModelName: rerunModel, Box: inBox{v.session.box, time.Duration(d.cfg.Box.ExecTimeout)}, Log: v.log, Tools: p.tools, Limits: d.cfg.Limits.limits(),
		Observe: v.observe, History: d.history, Filter: p.filter, Tripwires: v.trips,
	}))
	return v, nil
}

// run compares the box, runs the calls, and compares what is left of them.
func (v *rerun) run(ctx context.Context, d *desk) (err error) {
	defer func() {
		v.last = err
		ended := agent.Outcome(err)
		if err == nil && !v.sum.Proven() {
			ended.Reason = v.sum.String()
		}
		err = errors.Join(err, v.record(ctx, ended), v.lost)
	}()
	if err = v.furnished(ctx); err == nil {
		other := v.sum.Other
		v.sum, err = v.agent.Rerun(ctx, agent.Past{
			Events: d.store.Events(ctx, v.past.sum.ID, 0), Withheld: v.past.withheld, Foreign: func(tool string) bool { return v.past.inert[tool] }, Tell: func(c agent.Comparison) { v.tell(c, "result") },
		})
		v.sum.Other = other
	}
	if gone := v.past.calls - v.sum.Calls; err == nil && gone > 0 { // somebody may have removed the session meanwhile
		err = v.differ(ctx, 0, 0, "call", "calls", []store.Drift{{
			What: "call", Unknown: true, Detail: fmt.Sprintf("of %d calls that were recorded when it began, %d were not there to be compared", v.past.calls, gone),
		}})
	}
	err = errors.Join(err, v.leave(context.WithoutCancel(ctx)))
	if err != nil {
		return err
	}
	if err := v.left(ctx); err != nil {
		return err
	}
	return v.record(ctx, v.sum)
}

func (v *rerun) tell(c agent.Comparison, what string) {
	if err := v.print(c, what); err != nil && v.lost == nil {
		v.lost = err
	}
}

// differ records what differs of something that is no call, and tells it.
func (v *rerun) differ(ctx context.Context, of, now int64, what, about string, found []store.Drift) error {
	for i := range found {
		found[i].Of, found[i].Now = of, now
		if err := v.record(ctx, found[i]); err != nil {
			return err
		}
	}
	v.sum.Other += len(found)
	v.tell(agent.Comparison{Of: of, Now: now, Tool: about, Drift: found}, what)
	return nil
}

// furnished compares the box, and what was put into it, with what was.
func (v *rerun) furnished(ctx context.Context) error {
	r := v.past
	if r.more > 0 {
		found := []store.Drift{{What: "box", Unknown: true, Detail: "the session says more than once what box it had, or what was left changed in it: the first box is compared, and the last list"}}
		if err := v.differ(ctx, 1, 0, "box", "the box", found); err != nil {
			return err
		}
	}
	if r.box != nil {
		was, is := r.box.Body.(store.BoxCreated), v.box.Body.(store.BoxCreated)
		if then := r.uid(); then != is.UID && then > 0 {
			r.say(fmt.Sprintf("another box has the user ID %d just now: this one has %d, which may show in what commands print", then, is.UID))
		}
		about := "the box"
		if drift.OtherInit(was, is) {
			about += ", with another glovebox-init in its image"
		}
		if err := v.differ(ctx, r.box.Seq, v.box.Seq, "box", about, drift.Box(was, is, r.of(r.box.Seq))); err != nil {
			return err
		}
	}
	rest := maps.Clone(v.puts)
	for _, e := range r.puts {
		put := e.Body.(store.FilePut)
		name := put.Path
		if r.withheld(e.Seq, "path") { // what it was called is known by what is in it
			for other, is := range rest {
				if is.Body.(store.FilePut).SHA256 == put.SHA256 {
					name = other
				}
			}
		}
		var now *store.FilePut
		is, there := rest[name]
		if there {
			body := is.Body.(store.FilePut)
			now = &body
			delete(rest, name)
		}
		if err := v.differ(ctx, e.Seq, is.Seq, "data", "data: "+put.Path, drift.Put(put, now, r.of(e.Seq))); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		found := []store.Drift{{What: "data", Detail: name + " was put into the box now, and was not then"}}
		if err := v.differ(ctx, 0, rest[name].Seq, "data", "data: "+name, found); err != nil {
			return err
		}
	}
	return nil
}

// left compares the files that the session left changed.
func (v *rerun) left(ctx context.Context) error {
	var was, is *store.BoxDiff
	var of, now int64
	if e := v.past.diff; e != nil {
		body := e.Body.(store.BoxDiff)
		was, of = &body, e.Seq
	}
	if v.diff != nil {
		body := v.diff.Body.(store.BoxDiff)
		is, now = &body, v.diff.Seq
	}
	return v.differ(ctx, of, now, "file", "files left changed", drift.Files(was, is, v.past.of(of)))
}
