package main

import (
	"context"
	"fmt"
	"time"

	"glovebox/fakedata"
	"glovebox/store"
)

// resumedNote is what the model is told of a conversation that goes on.
const resumedNote = "This conversation goes on from an earlier session, whose box is gone. This box is new: /work is empty again, and the dataset is as it was at the beginning. What you made there you must make again before you use it."

// maxLineage bounds how many sessions one conversation may go through.
const maxLineage = 100

// resumeFrom makes the next session go on where one that has ended stopped: with its
// conversation, its model and its dataset, in a new box. What it spent counts on.
func (d *desk) resumeFrom(ctx context.Context, ref string, modelChosen bool) error {
	sum, err := d.store.Session(ctx, ref)
	if err != nil {
		return err
	}
	if sum.Status == "running" {
		return usageError("session "+sum.ID+" is still running", "glovebox sessions")
	}
	started, err := d.loadHistory(ctx, sum.ID, maxLineage)
	if err != nil {
		return err
	}
	if r := started.Reruns; r != nil {
		return usageError("session "+sum.ID+" is a rerun: no conversation goes on from it", "glovebox run --resume "+store.CleanLine(r.Session))
	}
	if !sum.HasModel() {
		return usageError(fmt.Sprintf("session %s has no conversation to go on with: it is a command in a box, or a verification", sum.ID), "glovebox sessions, for the ID of another")
	}
	d.resume, d.resumed = &started, store.Resumes{Session: sum.ID, Through: sum.Events}
	if !modelChosen {
		d.cfg.Model = started.Model
	}
	return d.sameData(ctx, sum.ID, started)
}

// sameData asks for the dataset that a recorded session had.
func (d *desk) sameData(ctx context.Context, id string, started store.SessionStarted) error {
	now := d.cfg.Data.Schema
	if r := started.Recipe; r != nil {
		schema := r.Schema
		if r.Masked() {
			from, _, err := d.store.Origin(ctx, id)
			if err != nil {
				return err
			}
			schema = maskedAgain(now, started.Config, from != "")
		} else if _, file := maskedFile(schema); file { // what it names would be read, wherever it is
			return usageError("session "+id+" cannot be repeated here: its dataset was generated, and bears the name of a masked file", "")
		}
		d.cfg.Data = dataConfig{Schema: schema, Seed: r.Seed, Rows: r.Rows, Mess: r.Mess, text: r.Plan}
		if _, why := d.cfg.wrongData(); why != "" { // a session from elsewhere may ask for anything
			return usageError("session "+id+" cannot be repeated here: "+why, "")
		}
	}
	return nil
}

// schema is what the next session's dataset is made of; "": none, where the one
// that is repeated had none.
func (d *desk) schema() string {
	if d.resume != nil && d.resume.Recipe == nil {
		return ""
	}
	return d.cfg.Data.Schema
}

// loadHistory gathers the events of a session that count, those of the ones
// that it resumed itself first.
func (d *desk) loadHistory(ctx context.Context, id string, left int) (started store.SessionStarted, err error) {
	if left == 0 {
		return started, fmt.Errorf("session %s: its conversation goes back through more than %d sessions", id, maxLineage)
	}
	for e, err := range d.store.Events(ctx, id, 0) {
		if err != nil {
			return started, err
		}
		switch b := e.Body.(type) {
		case store.SessionStarted:
			started = b
			if b.Resumes != nil {
				if _, err := d.loadHistory(ctx, b.Resumes.Session, left-1); err != nil {
					return started, err
				}
			}
		case store.Prompt, store.ModelRequest, store.ModelResponse, store.Decision, store.ToolCall, store.ToolResult, store.Compacted:
			d.history = append(d.history, e)
		}
	}
	return started, nil
}

// planData decides on the dataset: that of the configuration, or the one that
// the resumed session had.
func (p *plan) planData(ctx context.Context, d *desk, schema string) (err error) {
	if file, ok := maskedFile(schema); ok {
		return p.planMasked(ctx, d, file)
	}
	if d.resume == nil || d.resume.Recipe == nil {
		if p.schema, err = fakedata.Load(ctx, schema); err == nil {
			p.recipe = d.cfg.Data.recipe(p.schema)
		}
		return err
	}
	r := d.resume.Recipe
	if p.schema, err = fakedata.Parse(ctx, r.Schema, r.DDL); err != nil {
		return err
	}
	p.recipe = d.cfg.Data.recipe(p.schema)
	if p.recipe.Clock, err = time.Parse(time.RFC3339, r.Clock); err == nil && p.recipe.Generator != r.Generator && d.again == nil { // a rerun finds out, and says so
		err = fmt.Errorf("the dataset was made by generator %s, this program has %s: it would not be the same", r.Generator, p.recipe.Generator)
	}
	return err
}
