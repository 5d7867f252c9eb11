package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"glovebox/store"

	"github.com/spf13/cobra"
)

func newRemoveCmd(a *app) *cobra.Command {
	var older, under string
	var dry bool
	cmd := &cobra.Command{
		Use:   "rm [ID …]",
		Short: "Remove sessions for good; a tombstone stays",
		Long:  "Remove sessions for good. A tombstone with counts and the final hash stays.",
		Example: `  glovebox sessions rm 7k2m9q
  glovebox sessions rm --older-than 90d
  glovebox sessions rm --keep-under 500MiB --yes`,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && older == "" && under == "" {
				return usageError("rm needs sessions, --older-than or --keep-under", "glovebox sessions rm --older-than 90d")
			}
			return a.remove(cmd.Context(), args, older, under, dry)
		},
	}
	f := cmd.Flags()
	f.StringVar(&older, "older-than", "", "all begun longer ago than this `AGE`, e.g. 90d or 12h")
	f.StringVar(&under, "keep-under", "", "the oldest, until the log is smaller than this `SIZE`, e.g. 500MiB")
	f.BoolVar(&dry, "dry-run", false, "say which, remove nothing")
	return cmd
}

func (a *app) remove(ctx context.Context, refs []string, older, under string, dry bool) error {
	age, size := time.Duration(0), byteSize(0)
	if older != "" {
		var err error
		if age, err = parseAge(older); err != nil {
			return usageError(fmt.Sprintf("%q is not an age", older), "--older-than 90d")
		}
	}
	if under != "" {
		if err := size.UnmarshalText([]byte(under)); err != nil || size <= 0 {
			return usageError(fmt.Sprintf("%q is not a size", under), "--keep-under 500MiB")
		}
	}
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return usageError("there is nothing to remove: nothing has been recorded yet", "")
	}
	err = a.removeFrom(ctx, s, refs, age, int64(size), dry)
	return errors.Join(err, s.Close())
}

func (a *app) removeFrom(ctx context.Context, s *store.Store, refs []string, age time.Duration, size int64, dry bool) error {
	var chosen []store.Summary
	for _, ref := range refs {
		sum, err := s.Session(ctx, ref)
		if err != nil {
			return err
		}
		chosen = append(chosen, sum)
	}
	all, err := s.Sessions(ctx, store.Filter{})
	if err != nil {
		return err
	}
	for _, sum := range all {
		if age > 0 && sum.Status != "running" && time.Since(sum.StartedAt) > age {
			chosen = append(chosen, sum)
		}
	}
	if size > 0 {
		return a.removeOldest(ctx, s, all, size, dry)
	}
	if len(chosen) == 0 {
		fmt.Fprintln(a.errOut, "nothing to remove")
		return nil
	}
	if dry || isTerminal(a.in) {
		if err := writeSessions(a.errOut, widthOf(a.errOut), chosen); err != nil || dry {
			return err
		}
	}
	which := "session " + chosen[0].ID
	if n := len(chosen); n > 1 {
		which = fmt.Sprintf("%d sessions", n)
	}
	if err := a.mayRemove(ctx, fmt.Sprintf("Remove %s for good?", which)); err != nil {
		return err
	}
	for _, sum := range chosen {
		if err := s.Remove(ctx, sum.ID, "asked for"); errors.Is(err, store.ErrRunning) {
			return &exitError{code: exitUsage, msg: err.Error(), err: err}
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := a.removed(ctx, s, sum.ID); err != nil {
			return err
		}
	}
	return s.Compact(ctx)
}

// removed says that a session is gone, and what of it is not: the excerpts in
// the reruns of it.
func (a *app) removed(ctx context.Context, s *store.Store, id string) error {
	fmt.Fprintf(a.errOut, "removed %s\n", id)
	reruns, err := s.Reruns(ctx, id)
	if len(reruns) > 0 {
		fmt.Fprintf(a.errOut, "%s of it quotes it where the two differ: glovebox sessions rm %s\n", store.Plural(len(reruns), "rerun"), strings.Join(reruns, " "))
	}
	return err
}

// removeOldest removes from the end of the list until the log is small enough.
func (a *app) removeOldest(ctx context.Context, s *store.Store, all []store.Summary, size int64, dry bool) error {
	have, err := s.Size(ctx)
	if err != nil {
		return err
	}
	if have <= size {
		fmt.Fprintf(a.errOut, "the log has %d bytes: nothing to remove\n", have)
		return nil
	}
	if dry {
		fmt.Fprintf(a.errOut, "the log has %d bytes; the oldest of %d sessions would be removed until it has %d\n", have, len(all), size)
		return nil
	}
	if err := a.mayRemove(ctx, fmt.Sprintf("The log has %d bytes. Remove the oldest sessions for good until it has %d?", have, size)); err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0 && have > size; i-- {
		if all[i].Status == "running" {
			continue
		}
		if err := s.Remove(ctx, all[i].ID, "size cap"); err != nil {
			return err
		}
		if err := a.removed(ctx, s, all[i].ID); err != nil {
			return err
		}
		if have, err = s.Size(ctx); err != nil {
			return err
		}
	}
	if err := s.Compact(ctx); err != nil {
		return err
	}
	if have > size {
		return &exitError{code: exitNo, msg: fmt.Sprintf("the log still has %d bytes: what is left is running, or tombstones", have)}
	}
	return nil
}

func (a *app) mayRemove(ctx context.Context, question string) error {
	if a.flags.yes {
		return nil
	}
	if !isTerminal(a.in) {
		return usageError("removing cannot be undone, and there is nobody to ask", "glovebox sessions rm … --yes")
	}
	return a.confirm(ctx, question)
}

// parseAge is time.ParseDuration that knows days.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n <= 0 || n > 36500 {
			return 0, errors.New("not an age")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("not an age")
	}
	return d, err
}
