package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"glovebox/agent"
	"glovebox/agent/filter"
	"glovebox/fakedata"
	"glovebox/fakedata/mask"
	"glovebox/runner"
	"glovebox/runner/egress"
	"glovebox/store"
)

// plan is all that is decided before anything of a session exists.
type plan struct {
	model    *agent.OpenAI
	stop     func()
	name     string // of the model
	schema   *fakedata.Schema
	recipe   fakedata.Recipe
	messy    bool     // the dataset has an answer key
	room     byteSize // for the dataset, in the box
	engine   *runner.Engine
	image    runner.Image
	database string // path in the box
	notes    string // DATA.md
	tools    agent.Toolbox
	cost     agent.Cost
	filter   *filter.Filter
	price    store.Price
	rules    []egress.Rule // where the box may reach; none: nowhere

	masked     *mask.Proof // the dataset is a masked file; nil: it is generated
	maskedFile string
	describe   string // its DATA.md
}

func (d *desk) plan(ctx context.Context, observe func(agent.Update)) (p plan, err error) {
	if p.name, err = d.cfg.modelName(); err != nil {
		return p, err
	}
	// What costs nothing to find out comes before the box is tried. The model
	// outlives start: stop ends it.
	if p.model, p.stop, err = openModel(context.WithoutCancel(ctx), p.name, os.Getenv); err != nil {
		return p, err
	}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	if p.cost, p.price, err = d.cfg.cost(p.name, p.model.Endpoint()); err != nil {
		return p, err
	}
	if err = p.planBox(ctx, d, d.schema(), observe); err != nil {
		return p, err
	}
	err = p.planTools(d.cfg)
	return p, err
}

// planTools decides on what the agent may use, once the box is known.
func (p *plan) planTools(c config) (err error) {
	p.tools = agent.Toolbox{Allow: c.Tools.Allow, SQL: sqlCommand(p.database), MaxTimeout: time.Duration(c.Box.ExecTimeout), Seed: c.Data.Seed}
	if len(p.rules) > 0 {
		p.tools.Fetch = fetchCommand
	}
	if p.tools.Policy, err = c.policy(); err != nil {
		return err
	}
	if p.tools.Stubs, err = c.stubs(); err != nil {
		return err
	}
	p.filter, err = c.filter()
	return err
}

// planBox decides on the box and its dataset; schema "" is none. The box is one
// that has been tried, as rigor asks.
func (p *plan) planBox(ctx context.Context, d *desk, schema string, observe func(agent.Update)) error {
	if err := p.planUntried(ctx, d, schema, observe); err != nil {
		return err
	}
	return d.requireVerified(ctx, p, observe)
}

func (p *plan) planUntried(ctx context.Context, d *desk, schema string, observe func(agent.Update)) (err error) {
	p.room = d.cfg.Box.Disk
	if schema != "" {
		if err = p.planData(ctx, d, schema); err == nil && p.masked == nil {
			p.messy, err = fakedata.Messy(p.schema, p.recipe)
		}
		if err != nil {
			hint := "glovebox data schemas"
			if _, masked := maskedFile(schema); masked && d.resume == nil {
				hint = "glovebox data mask FILE, which makes a masked file and its proof"
			} else if masked {
				hint = `name the masked file where it is now: schema = "masked:FILE" under [data] of glovebox.toml`
			}
			return &exitError{code: exitUsage, msg: err.Error(), hint: hint, err: err}
		}
		p.database = "/data/" + fileName(p.schema.Name) + ".db"
		p.notes = fmt.Sprintf("The database is the SQLite file `%s`; the sql tool opens it.\n\n%s", p.database, p.about())
	}
	if key, why := d.cfg.wrong(); key != "" { // a flag may have changed it
		return usageError(why, "")
	}
	for _, entry := range d.cfg.Network.Allow {
		rule, err := egress.ParseRule(entry)
		if err != nil {
			return err
		}
		p.rules = append(p.rules, rule)
	}
	if p.engine, err = d.openEngine(ctx); err != nil {
		return err
	}
	tell := func(step runner.Progress) { observe(agent.Update{Delta: &agent.Delta{Notice: step.Step}}) }
	if d.again != nil {
		p.image, err = d.again.image(ctx, p.engine, tell)
	} else {
		p.image, err = p.engine.Image(ctx, d.cfg.Box.Image, tell)
	}
	return err
}

// recorded is the recipe as the log keeps it; nil: no dataset.
func (p *plan) recorded() *store.Recipe {
	if p.schema == nil {
		return nil
	}
	return &store.Recipe{
		Schema: p.schema.Name, DDL: p.schema.DDL, Seed: p.recipe.Seed, Rows: p.recipe.Rows, Mess: p.recipe.Mess,
		Clock: p.recipe.Clock.Format(time.RFC3339), Generator: p.recipe.Generator, Plan: p.recipe.Plan,
	}
}

// fileName keeps what is harmless in a file name.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

// datasetClock is "now" in every dataset: fixed, so that a seed gives the same
// bytes on every day.
var datasetClock = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// recipe is how a schema becomes the dataset that the configuration asks for.
func (c dataConfig) recipe(s *fakedata.Schema) fakedata.Recipe {
	return fakedata.Recipe{
		Schema: s.Name, DDL: s.DDL, Seed: c.Seed, Rows: c.Rows, Mess: c.Mess, Clock: datasetClock, Generator: fakedata.Generator,
		Plan: c.text,
	}
}
