package main

import (
	"context"
	"errors"

	"glovebox/agent"
	"glovebox/tui"
)

// Rerun implements tui.Backend. Its box is none of the pool's, and its engine its
// own: the recorded limits, rigor and runtime are not those of the workbench.
func (d *desk) Rerun(ctx context.Context, id string, tell func(string)) (r tui.Report, err error) {
	next := *d
	next.machine, next.files, next.history = &machine{live: map[string]*session{}}, nil, nil
	defer func() {
		if next.engine != nil {
			err = errors.Join(err, next.engine.Close())
		}
	}()
	v, err := next.prepareAgain(ctx, again{ref: id, say: tell})
	if err != nil {
		return r, err
	}
	for _, line := range v.title() {
		tell(line)
	}
	v.print = func(c agent.Comparison, what string) error {
		for _, line := range comparisonTold(c, what) {
			tell(line)
		}
		return nil
	}
	err = v.runUntil(ctx, &next, "user")
	r = tui.Report{Bad: !v.sum.Proven(), Said: v.sum.String(), Session: v.ID()}
	if err != nil { // of a session that is in the log all the same
		r.Bad, r.Said, err = true, err.Error(), nil
	}
	return r, nil
}
