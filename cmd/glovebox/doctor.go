package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func newDoctorCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "List what is needed, how it is here, and the command that mends it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, cfgErr := a.loadConfig()
			opts := engineOptions(cfg)
			opts.OwnKernel = cfgErr == nil && runner.RigorNamed(cfg.Rigor).OwnKernel
			checks := append(runner.Doctor(cmd.Context(), opts), checkConfig(cfgErr), checkModel(cmd.Context(), cfg), a.checkData())
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			if err := a.printChecks(checks); err != nil {
				return err
			}
			for _, c := range checks {
				if c.State == runner.Fail {
					return &exitError{code: exitNo}
				}
			}
			return nil
		},
	}
}

func (a *app) printChecks(checks []runner.Check) error {
	if a.flags.json {
		for _, c := range checks {
			if err := a.printJSON(struct {
				Check  string       `json:"check"`
				State  runner.State `json:"state"`
				Detail string       `json:"detail"`
				Fix    string       `json:"fix"`
			}{c.Name, c.State, c.Detail, c.Fix}); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{wrap: true}
	for _, c := range checks {
		t.add(string(c.State), c.Name, store.CleanLine(c.Detail))
		if c.Fix != "" {
			t.add("", "", "try: "+store.CleanLine(c.Fix))
		}
	}
	return t.write(a.out, a.screenWidth())
}

func checkConfig(err error) runner.Check {
	if err != nil {
		return runner.Check{Name: "configuration", State: runner.Fail, Detail: err.Error(), Fix: "correct that file"}
	}
	return runner.Check{Name: "configuration", State: runner.OK, Detail: "as it should be"}
}

// checkModel looks at the settings only: asking the endpoint may cost money.
// Without a model there is still the demo, hence no failure.
func checkModel(ctx context.Context, cfg config) runner.Check {
	c := runner.Check{Name: "model endpoint", State: runner.Warn}
	name, err := cfg.modelName()
	if err == nil {
		m, stop, openErr := openModel(ctx, name, os.Getenv)
		if err = openErr; err == nil {
			c.State, c.Detail = runner.OK, fmt.Sprintf("%s at %s; not asked", name, m.Endpoint())
			stop()
		}
	}
	if err != nil {
		c.Detail, c.Fix = err.Error(), "glovebox demo needs no model"
		var e *exitError
		if errors.As(err, &e) && e.hint != "" {
			c.Fix = e.hint
		}
	}
	return c
}

// checkData sees whether the log can be written, without making it.
func (a *app) checkData() runner.Check {
	path, _ := a.dbPath()
	c := runner.Check{Name: "data", State: runner.OK, Detail: path}
	target := path
	for {
		_, err := os.Stat(target)
		if err == nil {
			break
		}
		parent := filepath.Dir(target)
		if !errors.Is(err, fs.ErrNotExist) || parent == target {
			c.State, c.Detail, c.Fix = runner.Fail, err.Error(), "glovebox --db OTHER_FILE …"
			return c
		}
		target = parent
	}
	if err := unix.Access(target, unix.W_OK); err != nil {
		c.State, c.Detail, c.Fix = runner.Fail, fmt.Sprintf("%s cannot be written: %v", target, err), "glovebox --db OTHER_FILE …"
	}
	return c
}
