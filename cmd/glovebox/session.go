package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"glovebox/agent"
	"glovebox/agent/filter"
	"glovebox/agent/policy"
	"glovebox/fakedata"
	"glovebox/fakedata/mask"
	"glovebox/runner"
	"glovebox/runner/egress"
	"glovebox/store"
)

// session is one live session: its log, box, dataset and conversation.
type session struct {
	log     *store.Session
	box     *runner.Box
	agent   *agent.Agent
	system  string           // prompt
	before  *runner.Manifest // of the furnished box; nil: not furnished
	trips   agent.Tripwires
	observe func(agent.Update)
	stop    func() // of the model

	mu   sync.Mutex
	last error // of the last prompt
	halt func(*agent.PolicyError)
}

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

// start opens a session: everything that can be wrong is found out first, then
// the log is begun, then the box is made. On an error nothing is left but a
// session recorded as failed.
func (d *desk) start(ctx context.Context, observe func(agent.Update)) (*session, error) {
	if observe == nil {
		observe = func(agent.Update) {}
	}
	p, err := d.plan(ctx, observe)
	if err != nil {
		return nil, err
	}
	s := &session{stop: p.stop}
	s.observe = inOrder(observe, func(seq int64) (store.Event, bool) { return s.noted(d.store, seq) })
	started, err := s.started(d, p)
	if err == nil {
		err = s.begin(ctx, d, started)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	if err := s.open(ctx, d, p); err != nil {
		return nil, err
	}
	s.work(agent.New(agent.Config{
		Model: p.model, ModelName: p.name, Box: inBox{s.box, time.Duration(d.cfg.Box.ExecTimeout)}, Log: s.log, System: s.system, Tools: p.tools,
		Limits: d.cfg.Limits.limits(), Cost: p.cost, Budgets: d.budgets(), Rates: agent.Rates{ModelCalls: d.cfg.Rates.ModelCalls, ToolCalls: d.cfg.Rates.ToolCalls},
		Observe: s.observe, Approve: d.approver(s.observe), History: d.history, Repeats: d.cfg.Limits.Repeats, Filter: p.filter,
		Tripwires: s.trips, Seed: d.cfg.Sample.Seed, Heat: d.cfg.Sample.Temperature, Form: d.form,
	}))
	return s, nil
}

// open makes and furnishes the box of a session that has begun. On an error the
// session is recorded as failed and closed.
func (s *session) open(ctx context.Context, d *desk, p plan) error {
	err := s.furnish(ctx, d, p)
	if err == nil {
		return nil
	}
	s.last = err
	if ctx.Err() == nil {
		err = errors.Join(err, s.record(ctx, store.Failure{Code: failureCode(err), Message: err.Error()}))
	}
	return errors.Join(err, s.Close(ctx))
}

// work gives the session its agent.
func (s *session) work(a *agent.Agent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agent, s.halt = a, a.Halt
}

func failureCode(err error) string {
	if errors.Is(err, runner.ErrNoSeal) {
		return "seal"
	}
	return "box"
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

// started is what the session's first event says.
func (s *session) started(d *desk, p plan) (store.SessionStarted, error) {
	specs := p.tools.Specs()
	names := make([]string, len(specs))
	for i, t := range specs {
		names[i] = t.Name
	}
	s.system = agent.System(p.notes, names, d.cfg.Network.Allow...)
	if d.form != nil {
		s.system += "\n" + d.form.Note() + "\n"
	}
	var resumes *store.Resumes
	if d.resume != nil {
		s.system += "\n" + resumedNote
		resumes = &d.resumed
	}
	rules, err := json.Marshal(struct {
		Allow   []string      `json:"allow"`
		Default string        `json:"default"`
		Rules   []policy.Rule `json:"rules"`
	}{names, d.cfg.Tools.Default, d.cfg.rules()})
	return store.SessionStarted{
		Program: version, Model: p.name, System: s.system, Tools: specs, Config: d.cfg.json(), Policy: rules,
		Recipe: p.recorded(), Rigor: d.cfg.Rigor, Endpoint: p.model.Endpoint(), Price: &p.price, Resumes: resumes, Seed: d.cfg.Sample.Seed,
	}, err
}

// begin begins the log.
func (s *session) begin(ctx context.Context, d *desk, started store.SessionStarted) (err error) {
	if s.log, err = d.store.Begin(ctx, started, store.CurrentOwner()); err != nil {
		return err
	}
	e := s.log.Started()
	s.observe(agent.Update{Event: &e})
	return nil
}

// furnish makes the box and, meanwhile, the dataset, and puts the one into the other.
func (s *session) furnish(ctx context.Context, d *desk, p plan) error {
	dir, err := os.MkdirTemp("", "glovebox-data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	to := fakedata.Target{Path: filepath.Join(dir, "dataset.db")}
	if p.messy {
		if to.Answers, err = answersFile(s.log.ID()); err != nil {
			return err
		}
		s.observe(agent.Update{Delta: &agent.Delta{Notice: "the answer key of the defects: " + to.Answers}})
	}
	made := make(chan error, 1)
	go func() {
		if p.schema == nil {
			made <- nil
			return
		}
		err := p.makeData(ctx, to)
		if err == nil {
			s.trips, err = tripwires(ctx, d.cfg, p, to.Path)
		}
		made <- err
	}()

	s.box, err = d.newBox(ctx, p.engine, p.image, s.log.ID())
	if generated := <-made; generated != nil {
		return errors.Join(err, fmt.Errorf("make the dataset: %w", generated))
	}
	if err != nil {
		return err
	}
	if err := s.record(ctx, boxCreated(p.engine.Info(), s.box.Info())); err != nil {
		return err
	}
	for _, l := range s.box.Info().Limits {
		if l.Enforced == "none" { // only rigor quick comes this far
			s.observe(agent.Update{Delta: &agent.Delta{Notice: fmt.Sprintf("nothing enforces the limit %q in this box", l.Name)}})
		}
	}
	if len(p.rules) > 0 {
		s.box.ServeEgress(s.proxy(d.cfg.Network, p.rules))
	}
	if err := s.bringIn(ctx, d.files); err != nil {
		return err
	}
	if p.schema == nil {
		return nil
	}
	f, err := os.Open(to.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	os.RemoveAll(dir) // from here on a crash leaves nothing of it
	if err := s.place(ctx, p.database, 0o644, f); err != nil {
		return err
	}
	if err := s.place(ctx, "/data/DATA.md", 0o644, strings.NewReader(p.notes)); err != nil {
		return err
	}
	s.before, err = s.box.Manifest(ctx, nil)
	return err
}

// place puts a file of glovebox's own, or the person's, into the box, after its record.
func (s *session) place(ctx context.Context, path string, mode fs.FileMode, r io.ReadSeeker) error {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.record(ctx, store.FilePut{Path: path, Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}); err != nil {
		return err
	}
	_, err = s.box.Put(ctx, path, mode, r)
	return err
}

// record appends what is not the agent's to record, and shows it. What has
// happened is recorded also when ctx has ended.
func (s *session) record(ctx context.Context, body store.Body) error {
	_, err := s.append(ctx, body)
	return err
}

func (s *session) append(ctx context.Context, body store.Body) (store.Event, error) {
	e, err := s.log.Append(context.WithoutCancel(ctx), body)
	if err == nil {
		s.observe(agent.Update{Event: &e})
	}
	return e, err
}

// noted reads an event, and says whether it is a note.
func (s *session) noted(log *store.Store, seq int64) (store.Event, bool) {
	for e, err := range log.Events(context.Background(), s.log.ID(), seq-1) {
		_, note := e.Body.(store.Note)
		return e, err == nil && note
	}
	return store.Event{}, false
}

// ID implements tui.Live.
func (s *session) ID() string { return s.log.ID() }

// Prompt implements tui.Live.
func (s *session) Prompt(ctx context.Context, text string) error {
	return s.promptWith(ctx, text)
}

// promptWith is Prompt with images.
func (s *session) promptWith(ctx context.Context, text string, images ...store.Image) error {
	err := s.agent.Prompt(ctx, text, images...)
	s.fail(err)
	err = explain(err)
	var known *exitError
	if errors.As(err, &known) { // another session may be the last by then
		known.hint = strings.Replace(known.hint, "--resume last", "--resume "+s.ID(), 1)
	}
	return err
}

// fail sets what becomes of the session; nil: it did well.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = err
}

// Close implements tui.Live: the box is destroyed, the session ended.
func (s *session) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	s.stop()
	err := s.leave(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.record(ctx, agent.Outcome(s.last)))
}

// leave records what was changed in the box, and destroys it.
func (s *session) leave(ctx context.Context) (err error) {
	if s.box == nil {
		return nil
	}
	reason := "done"
	select {
	case <-s.box.Done():
		reason = "died"
	default:
		err = s.recordDiff(ctx)
	}
	closed := s.box.Close(ctx)
	if closed == nil {
		closed = s.record(ctx, store.BoxDestroyed{Box: s.box.Info().Name, Reason: reason})
	}
	return errors.Join(err, closed)
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
