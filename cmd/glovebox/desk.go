package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
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
	store *store.Store

	mu     sync.Mutex
	engine *runner.Engine
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
	return &desk{cfg: cfg, path: path, store: s}, nil
}

func (d *desk) close() error {
	var err error
	if d.engine != nil {
		err = d.engine.Close()
	}
	return errors.Join(err, d.store.Close())
}

// openEngine finds the engine once; opening it removes boxes whose owner is gone.
func (d *desk) openEngine(ctx context.Context) (*runner.Engine, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine != nil {
		return d.engine, nil
	}
	e, err := openEngine(ctx, d.cfg.Box.Runtime)
	if err != nil {
		return nil, err
	}
	d.engine = e
	return e, nil
}

func openEngine(ctx context.Context, runtime string) (*runner.Engine, error) {
	return runner.Open(ctx, runner.Options{StateDir: filepath.Join(xdg.StateHome, "glovebox"), Runtime: runtime})
}

// Sessions implements tui.Backend.
func (d *desk) Sessions(ctx context.Context) ([]store.Summary, error) {
	return d.store.Sessions(ctx, store.Filter{})
}

// Events implements tui.Backend.
func (d *desk) Events(ctx context.Context, id string) iter.Seq2[store.Event, error] {
	return d.store.Events(ctx, id, 0)
}

// Start implements tui.Backend.
func (d *desk) Start(ctx context.Context, observe func(agent.Update)) (tui.Live, error) {
	s, err := d.start(ctx, observe)
	if err != nil {
		return nil, explain(err)
	}
	return s, nil
}

// workbench shows the screens until the person leaves them.
func (a *app) workbench(ctx context.Context, o tui.Options) error {
	d, err := a.openDesk(ctx)
	if err != nil {
		return err
	}
	o.Backend, o.Env = d, os.Environ()
	// Opening the engine removes what a crash left, and saves the first session
	// the wait. If it cannot be opened, the first session says so.
	warm := make(chan struct{})
	opening, cancel := context.WithCancel(ctx)
	go func() {
		defer close(warm)
		d.openEngine(opening) //nolint:errcheck // see above
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
		return coded(exitLimit, fmt.Sprintf("raise limits.%s in glovebox.toml", limit.Limit))
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
	case errors.Is(err, runner.ErrNoEngine), errors.Is(err, runner.ErrRootful), errors.Is(err, runner.ErrNoImage),
		errors.Is(err, agent.ErrBoxLost), errors.Is(err, runner.ErrBoxLost):
		return coded(exitEngine, "glovebox doctor")
	}
	return err
}
