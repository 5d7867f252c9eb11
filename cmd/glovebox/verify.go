package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"glovebox/runner"
	"glovebox/runner/port"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// verifyFlags are those of the command.
type verifyFlags struct {
	control, attack, history bool
	every                    time.Duration
	timer, noTimer           bool
	junit                    string // file; "": none
}

func newVerifyCmd(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Try to break out of a box in every known way, and say what held",
		Long: `Try to break out of a box in every known way, and say what held. Each probe says
PASS (refused), FAIL (it got out), or INCONCLUSIVE and why it could not be tried.

With --control each probe is tried also in a box that is weak on purpose exactly
where it looks, and must say FAIL there: a probe that cannot fail proves nothing.
Nothing leaves the machine either way.

With --attack an agent is told to get out, by the tools that every session has:
the built-in script:redteam, or the model of --model, within the limits of the
configuration. Its session is recorded like any other.

Results are kept in the log. Sessions under rigor standard need one for this
kernel, Podman, runtime, image and policy that is at most a week old, and make
it where there is none; under strict every session begins with it.

A probe that should have been tried and was not counts as one that did not hold.
One that finds nothing to try (no production host is named, this kernel has no
such file) does not.

The exit code is 0 if everything held, 1 if not.`,
		Example: `  glovebox verify
  glovebox verify --control
  glovebox verify --attack --model openai/gpt-5-mini
  glovebox verify --junit verify.xml
  glovebox verify --every 6h
  glovebox verify --install-timer`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verifyCommand(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.control, "control", false, "show that each probe can fail")
	fl.BoolVar(&f.attack, "attack", false, "let an agent try to get out")
	fl.BoolVar(&f.history, "history", false, "list earlier results")
	fl.DurationVar(&f.every, "every", 0, "go on, and verify again after so `LONG`, such as 6h")
	fl.BoolVar(&f.timer, "install-timer", false, "have systemd verify every six hours, or as --every says")
	fl.BoolVar(&f.noTimer, "uninstall-timer", false, "take the timer away again")
	fl.StringVar(&f.junit, "junit", "", "write the results to `FILE`, as JUnit XML")
	for _, alone := range []string{"history", "uninstall-timer", "install-timer"} {
		for _, other := range []string{"control", "attack", "junit"} {
			cmd.MarkFlagsMutuallyExclusive(alone, other)
		}
	}
	cmd.MarkFlagsMutuallyExclusive("history", "install-timer", "uninstall-timer")
	cmd.MarkFlagsMutuallyExclusive("history", "every")
	cmd.MarkFlagsMutuallyExclusive("uninstall-timer", "every")
	return cmd
}

func (a *app) verifyCommand(ctx context.Context, f verifyFlags) error {
	if a.changed("every") && f.every < time.Minute {
		return usageError(fmt.Sprintf("--every %s is too often", f.every), "glovebox verify --every 6h")
	}
	if f.junit != "" { // not after ten seconds of work
		if _, err := os.Stat(filepath.Dir(f.junit)); err != nil {
			return usageError("the report cannot be written: "+err.Error(), "another file with --junit")
		}
	}
	switch {
	case f.timer:
		return a.installTimer(ctx, f.every)
	case f.noTimer:
		return a.uninstallTimer(ctx)
	case f.every > 0:
		return a.verifyEvery(ctx, f)
	}
	return a.verifyNow(ctx, f)
}

// verifyNow opens what it needs anew, so that it finds the machine as it is.
func (a *app) verifyNow(ctx context.Context, f verifyFlags) (err error) {
	report := newJUnit()
	if f.junit != "" { // whatever happens: an earlier report would be taken for today's
		defer func() { err = errors.Join(err, report.write(f.junit, err)) }()
	}
	d, err := a.openDesk(ctx)
	if err != nil {
		return err
	}
	if f.history {
		err = a.verifyHistory(ctx, d)
	} else {
		err = a.verifyOnce(ctx, d, f, report)
	}
	return errors.Join(err, d.close())
}

// verifyEvery verifies until it is interrupted. A result that says no is told,
// and does not end it; nor does an engine that fails, after the first time.
func (a *app) verifyEvery(ctx context.Context, f verifyFlags) error {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for first := true; ; first = false {
		err := a.verifyNow(ctx, f)
		var e *exitError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && first && (!errors.As(err, &e) || e.code != exitNo):
			return err
		case err != nil:
			fmt.Fprintln(a.errOut, "glovebox:", store.CleanLine(err.Error()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (a *app) verifyOnce(ctx context.Context, d *desk, f verifyFlags, report *junit) error {
	var p plan
	show, _ := a.printer(0, false)
	err := p.planUntried(ctx, d, d.cfg.Data.Schema, show)
	if err != nil {
		return explain(err)
	}
	observe := func(v runner.Verified) {
		report.add(v)
		a.printVerified(v)
	}
	v, err := d.verify(ctx, &p, f.control, false, observe)
	if err != nil {
		return explain(err)
	}
	report.of(v.Of)
	if !a.flags.json {
		fmt.Fprintf(a.out, "\n%d of %d hold", v.Passed, v.total())
		if n := len(v.Inconclusive) - len(v.Untried); n > 0 {
			fmt.Fprintf(a.out, ", %d had nothing to try", n)
		}
		if f.control {
			fmt.Fprintf(a.out, "; %d failed in their control as they must, %d can have none", v.proven, v.without)
		}
		fmt.Fprintf(a.out, " (%.1f s, recorded as %s)\n", v.DurationMS/1000, v.session)
	}
	if err = v.err(); err == nil && f.attack {
		err = a.attack(ctx, d, observe)
	}
	return err
}

// printVerified writes one result as it is there.
func (a *app) printVerified(v runner.Verified) {
	if a.flags.json {
		type column struct {
			Weakness string       `json:"weakness"`
			Verdict  port.Verdict `json:"verdict"`
			Evidence string       `json:"evidence"`
		}
		line := struct {
			Probe    string       `json:"probe"`
			Layer    string       `json:"layer"`
			Verdict  port.Verdict `json:"verdict"`
			Evidence string       `json:"evidence"`
			Control  *column      `json:"control,omitempty"`
			Why      string       `json:"no_control,omitempty"`
		}{v.Name, v.Layer, v.Verdict, v.Evidence, nil, v.Why}
		if c := v.Control; c != nil {
			line.Control = &column{string(v.Probe.Control), c.Verdict, c.Evidence}
		}
		a.printJSON(line) //nolint:errcheck // the result is recorded, and told at the end
		return
	}
	fmt.Fprintf(a.out, "%-12s %-9s %-18s %s\n", v.Verdict, v.Layer, v.Name, store.CleanLine(v.Evidence))
	if v.Verdict == port.Fail {
		fmt.Fprintf(a.out, "             %s: an attacker could %s\n", v.Tries, v.Gain)
	}
	if c := v.Control; c != nil {
		fmt.Fprintf(a.out, "  %-10s with %s: %s\n", c.Verdict, v.Probe.Control, store.CleanLine(c.Evidence))
	}
}

// verifyHistory lists earlier results, and whether each would still do.
func (a *app) verifyHistory(ctx context.Context, d *desk) error {
	all, err := d.verifications(ctx, 0)
	if err != nil {
		return err
	}
	if a.flags.json {
		for _, v := range all {
			if err := a.printJSON(struct {
				Session      string            `json:"session"`
				At           time.Time         `json:"at"`
				Passed       int               `json:"passed"`
				Failed       []string          `json:"failed"`
				Inconclusive []string          `json:"inconclusive"`
				Of           map[string]string `json:"of"`
			}{v.session, v.at, v.Passed, v.Failed, v.Inconclusive, v.Of}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(a.errOut, "nothing has been verified yet; try: glovebox verify")
		return nil
	}
	t := table{spare: []int{6, 7, 5}} // podman, runtime, kernel
	t.add("SESSION", "WHEN", "HOLD", "FAILED", "NOT TRIED", "KERNEL", "PODMAN", "RUNTIME")
	for _, v := range all {
		kernel, _, _ := strings.Cut(v.Of["kernel"], " ")
		t.add(v.session, v.at.Local().Format("2006-01-02 15:04"), fmt.Sprintf("%d of %d", v.Passed, v.total()),
			none(v.Failed), none(v.Inconclusive), store.CleanLine(kernel), store.CleanLine(v.Of["podman"]), store.CleanLine(v.Of["runtime"]))
	}
	if err := t.write(a.out, a.screenWidth()); err != nil {
		return err
	}
	why, err := d.Stale(ctx)
	switch {
	case err != nil:
		why = "whether the last result still holds cannot be told: " + err.Error()
	case why != "":
		why = "stale: " + why + "; the next session under rigor standard verifies again"
	default:
		why = "fresh: sessions under rigor standard start without verifying again"
	}
	_, err = fmt.Fprintln(a.errOut, store.CleanLine(why))
	return err
}

func none(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return store.CleanLine(strings.Join(slices.Clone(names), ", "))
}
