package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"glovebox/agent"
	"glovebox/runner"
	"glovebox/store"
	"glovebox/tui"

	"github.com/adrg/xdg"
)

// desk is what sessions of one process share: configuration, log and, once the
// first session needs it, the engine. It is the workbench's backend.
type desk struct {
	cfg   config
	path  string // of the log
	ask   string // who answers where policy asks: "" nobody, yes (--yes), person (the workbench)
	store *store.Store

	files   []brought             // for the next session's /work
	images  []store.Image         // for its first prompt
	form    *agent.Form           // of its last answer; nil: free
	resume  *store.SessionStarted // of the session that the next one resumes; nil: none
	resumed store.Resumes
	history []store.Event
	again   *rerun // of a recorded session, which the next one is; nil: it is not

	*machine
}

// machine is where boxes come from.
type machine struct {
	mu     sync.Mutex
	engine *runner.Engine
	pool   *runner.Pool // of the workbench; nil: every box is made when it is asked for
	live   map[string]*session
}

// openDesk reads the configuration and opens the log. The caller closes it.
func (a *app) openDesk(ctx context.Context) (*desk, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	path, _ := a.dbPath()
	d := &desk{cfg: cfg, path: path, store: s, machine: &machine{live: map[string]*session{}}}
	if a.flags.yes {
		d.ask = "yes"
	}
	return d, nil
}

// approver is who answers where policy asks.
func (d *desk) approver(observe func(agent.Update)) agent.Approver {
	switch d.ask {
	case "yes":
		return agent.AlwaysYes
	case "person":
		who := "user"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		return agent.AskThrough(observe, who)
	}
	return nil
}

func (d *desk) close() error {
	var errs []error
	if d.pool != nil {
		errs = append(errs, d.pool.Close(context.Background()))
	}
	if d.engine != nil {
		errs = append(errs, d.engine.Close())
	}
	return errors.Join(append(errs, d.store.Close())...)
}

// fillPool makes boxes ready before they are asked for, if the image is there
// already: preparing it is for a session that shows the progress.
func (d *desk) fillPool(ctx context.Context) error {
	e, err := d.openEngine(ctx)
	if err != nil || d.cfg.Box.Pool == 0 || !d.rigor().Pool {
		return err
	}
	image, ok, err := e.Prepared(ctx, d.cfg.Box.Image)
	if err != nil || !ok {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pool == nil && ctx.Err() == nil {
		d.pool = e.NewPool(ctx, d.boxOptions(image), d.cfg.Box.Pool)
	}
	return nil
}

// newBox takes a box from the pool, or makes one for this session.
func (d *desk) newBox(ctx context.Context, e *runner.Engine, image runner.Image, session string) (*runner.Box, error) {
	d.mu.Lock()
	pool := d.pool
	d.mu.Unlock()
	if pool != nil {
		return pool.Get(ctx)
	}
	o := d.boxOptions(image)
	o.Session = session
	if d.again != nil {
		o.UID = d.again.uid()
	}
	return e.NewBox(ctx, o)
}

func (d *desk) boxOptions(image runner.Image) runner.BoxOptions {
	b := d.cfg.Box
	return runner.BoxOptions{
		Image: image, CPUs: b.CPUs, Memory: int64(b.Memory), Pids: int64(b.PIDs), Disk: int64(b.Disk),
		RequireLimits: d.rigor().Limits, Egress: len(d.cfg.Network.Allow) > 0,
	}
}

// openEngine finds the engine once; opening it removes boxes whose owner is gone.
func (d *desk) openEngine(ctx context.Context) (*runner.Engine, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine != nil {
		return d.engine, nil
	}
	o := engineOptions(d.cfg)
	o.OwnKernel = d.rigor().OwnKernel
	e, err := runner.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	d.engine = e
	return e, nil
}

// engineOptions are for an engine as configured, whatever the rigor: what makes
// no box needs no stronger runtime.
func engineOptions(c config) runner.Options {
	return runner.Options{StateDir: filepath.Join(xdg.StateHome, "glovebox"), Runtime: c.Box.Runtime}
}

func (d *desk) rigor() runner.Rigor { return runner.RigorNamed(d.cfg.Rigor) }

// Sessions implements tui.Backend.
func (d *desk) Sessions(ctx context.Context) ([]store.Summary, error) {
	return d.store.Sessions(ctx, store.Filter{})
}

// Events implements tui.Backend.
func (d *desk) Events(ctx context.Context, id string) iter.Seq2[store.Event, error] {
	return d.store.Events(ctx, id, 0)
}

// Start implements tui.Backend.
func (d *desk) Start(ctx context.Context, resume string, observe func(agent.Update)) (tui.Live, error) {
	if resume != "" {
		next := *d // what is resumed is this one session's
		if err := next.resumeFrom(ctx, resume, false); err != nil {
			return nil, explain(err)
		}
		d = &next
	}
	s, err := d.start(ctx, observe)
	if err != nil {
		return nil, explain(err)
	}
	d.keep(s)
	return s, nil
}

// keep knows a session until it is closed.
func (d *desk) keep(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	stop := s.stop
	d.live[s.ID()], s.stop = s, func() {
		d.mu.Lock()
		delete(d.live, s.ID())
		d.mu.Unlock()
		stop()
	}
}

// workbench shows the screens until the person leaves them.
func (a *app) workbench(ctx context.Context, o tui.Options) error {
	d, err := a.openDesk(ctx)
	if err != nil {
		return err
	}
	o.Backend, o.Env, o.Inspect = d, os.Environ(), looker()
	for _, f := range formats {
		o.Formats = append(o.Formats, tui.Format{Name: f.name, About: f.about})
	}
	if d.ask == "" {
		d.ask = "person"
	}
	// Opening the engine removes what a crash left; with a box ready, a session
	// begins at once. What fails here, the first session says.
	warm := make(chan struct{})
	opening, cancel := context.WithCancel(ctx)
	go func() {
		defer close(warm)
		d.fillPool(opening) //nolint:errcheck // see above
	}()
	err = tui.Run(ctx, o)
	cancel()
	<-warm
	return errors.Join(err, d.close())
}

// explain gives an error of a session its exit code and the way out.
func explain(err error) error {
	var (
		known   *exitError
		limit   *agent.LimitError
		model   *agent.ModelError
		script  *agent.ScriptError
		denied  *agent.PolicyError
		stopped agent.Interruption
	)
	coded := func(code int, hint string) error {
		return &exitError{code: code, msg: err.Error(), hint: hint, err: err}
	}
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &stopped), errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, msg: "interrupted", err: err}
	case errors.As(err, &limit):
		return coded(exitLimit, raiseHint(limit))
	case errors.As(err, &denied):
		return coded(exitPolicy, "glovebox policy show")
	case errors.As(err, &script):
		return coded(exitNo, "")
	case errors.As(err, &model):
		return &exitError{code: exitModel, msg: model.Message, hint: model.Hint, err: err}
	case errors.Is(err, runner.ErrNoSeal):
		return coded(exitSeal, "glovebox doctor")
	case errors.Is(err, runner.ErrNotSetUp):
		return coded(exitEngine, "glovebox setup")
	case errors.Is(err, exec.ErrNotFound):
		return coded(exitEngine, "glovebox setup")
	case errors.Is(err, runner.ErrNoImage):
		return coded(exitEngine, "glovebox image list, for those that are here")
	case errors.Is(err, runner.ErrNoEngine), errors.Is(err, runner.ErrRootful),
		errors.Is(err, agent.ErrBoxLost), errors.Is(err, runner.ErrBoxLost):
		return coded(exitEngine, "glovebox doctor")
	}
	return err
}

// raiseHint is how to go on after a limit.
func raiseHint(l *agent.LimitError) string {
	if l.Limit == "context" { // nothing of ours to raise
		return "glovebox models, for what each takes"
	}
	key := l.Limit
	if l.Of == "day" {
		key = "day." + key
	}
	enough, unit := 2*math.Max(l.Max, l.Value+l.Needs), ""
	switch l.Limit {
	case "cost_usd":
		enough = math.Ceil(enough*100) / 100
	case "wall", "working":
		unit = "s"
	case "output_bytes":
		unit = "B"
	}
	if l.Limit != "cost_usd" {
		enough = math.Ceil(enough)
	}
	value := strconv.FormatFloat(enough, 'f', -1, 64) + unit
	return fmt.Sprintf("glovebox run --resume last --raise %s=%s", strings.TrimSuffix(key, "_usd"), value)
}
