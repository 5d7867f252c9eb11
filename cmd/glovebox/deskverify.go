package main

import (
	"context"

	"glovebox/agent"
	"glovebox/runner"
	"glovebox/store"
	"glovebox/tui"
)

// Batteries implements tui.Backend.
func (d *desk) Batteries(ctx context.Context) ([]tui.Battery, error) {
	all, err := d.verifications(ctx, 0)
	if err != nil {
		return nil, err
	}
	out := make([]tui.Battery, len(all))
	for i, v := range all {
		out[i] = tui.Battery{ID: v.session, At: v.at, Verified: v.Verified}
	}
	return out, nil
}

// Stale implements tui.Backend. It prepares no image: that is for whoever
// verifies, and takes its time.
func (d *desk) Stale(ctx context.Context) (string, error) {
	var p plan
	var err error
	if p.engine, err = d.openEngine(ctx); err != nil {
		return "", err
	}
	image, ok, err := p.engine.Prepared(ctx, d.cfg.Box.Image)
	if err != nil {
		return "", err
	}
	if !ok {
		return "the image of its boxes is not there any more, or not yet", nil
	}
	p.image = image
	return d.stale(ctx, &p)
}

// Verify implements tui.Backend.
func (d *desk) Verify(ctx context.Context, control bool, notice func(string), observe func(store.Probed)) error {
	var p plan
	err := p.planUntried(ctx, d, d.cfg.Data.Schema, func(u agent.Update) {
		if u.Delta != nil && u.Delta.Notice != "" {
			notice(u.Delta.Notice)
		}
	})
	if err == nil {
		_, err = d.verify(ctx, &p, control, false, func(v runner.Verified) { observe(probed(v)) })
	}
	return explain(err)
}
