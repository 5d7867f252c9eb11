package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"glovebox/store"
	"glovebox/store/bundle"
	"glovebox/store/compare"

	"github.com/spf13/cobra"
)

func newDiffCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two recorded sessions; nothing runs",
		Long: `Compare two recorded sessions, one's own or imported, or bundles in files
(NAME.gbx): what differs in their set-up, where their courses part, what came of
each. Steps are numbered as in the log. Times and IDs are not compared; where
something was taken out of a text, nothing is said to be the same. Exit code 0:
they are the same; 1: they differ, or are not known to be the same.

On a terminal it is cut to what can be taken in at a glance; with --plain, or
into a pipe, it is whole.`,
		Example: `  glovebox diff 4k2j last
  glovebox diff last tuesday.gbx | less`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return usageError("diff needs two sessions: their IDs, the beginnings of their IDs, last, or bundles in files", "glovebox sessions")
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			offers, _ := a.completeSession(cmd, nil, begun)
			return offers, cobra.ShellCompDirectiveKeepOrder // and bundles
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.diff(cmd.Context(), args[0], args[1]) },
	}
}

func (a *app) diff(ctx context.Context, refA, refB string) error {
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if s != nil {
		defer s.Close()
	}
	x, err := a.comparable(ctx, s, refA)
	if err != nil {
		return err
	}
	y, err := a.comparable(ctx, s, refB)
	if err != nil {
		return err
	}
	c := compare.Compare(x, y)
	if a.flags.json {
		for line := range c.Lines() {
			if err := cmp.Or(ctx.Err(), a.printJSON(line)); err != nil {
				return err
			}
		}
	} else if err := c.WriteText(a.out, a.screenWidth()); err != nil {
		return err
	}
	if !c.Same() {
		return &exitError{code: exitNo}
	}
	return nil
}

// comparable reads a session from the log, or from a bundle.
func (a *app) comparable(ctx context.Context, s *store.Store, ref string) (*compare.Session, error) {
	if strings.ContainsAny(ref, "./") { // no ID has these, and no file can pass for an ID
		return a.comparableBundle(ctx, s, ref)
	}
	if s == nil {
		return nil, usageError(fmt.Sprintf("there is no session %q: nothing has been recorded yet", ref), "glovebox demo")
	}
	sum, err := s.Session(ctx, ref)
	if err != nil {
		return nil, err
	}
	read, err := compare.Read(sum.ID, s.Disclose(ctx, sum.ID))
	if err == nil {
		err = untouched(ctx, s, sum.ID)
	}
	return read, err
}

// untouched makes sure that a session in the log is as it was recorded: of what
// was changed since, nothing is the same.
func untouched(ctx context.Context, s *store.Store, id string) error {
	audit, err := s.Check(ctx, id)
	if err != nil {
		return err
	}
	for _, f := range audit.Sessions {
		if !f.Intact {
			return &exitError{code: exitNo, msg: fmt.Sprintf("session %s is not as it was recorded: %s", id, f.Why), hint: "glovebox check " + id}
		}
	}
	return nil
}

func (a *app) comparableBundle(ctx context.Context, s *store.Store, path string) (read *compare.Session, err error) {
	err = withBundle(ctx, path, func(b *bundle.Bundle) error {
		by, err := whose(ctx, s, b)
		if err != nil {
			return err
		}
		if read, err = compare.Read(b.Manifest.Session, b.Events(ctx)); err != nil {
			return err
		}
		fmt.Fprintf(a.errOut, "%s: intact, from log %s, signed by %s\n", store.CleanLine(path), store.CleanLine(b.Manifest.Evidence.Log), by)
		return nil
	})
	return read, err
}
