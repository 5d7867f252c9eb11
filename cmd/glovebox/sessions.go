package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"glovebox/store"

	"github.com/spf13/cobra"
)

func newSessionsCmd(a *app) *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error { return a.listSessions(cmd.Context()) }
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "List and show what was recorded, newest first",
		Args:  noSuchCommand,
		RunE:  list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "List the sessions, newest first", Args: cobra.NoArgs, RunE: list},
		&cobra.Command{
			Use: "show ID", Short: "Show one session: what became of it, and every step",
			Args: oneSession, ValidArgsFunction: a.completeSession,
			RunE: func(cmd *cobra.Command, args []string) error { return a.showSession(cmd.Context(), args[0]) },
		},
	)
	return cmd
}

func (a *app) listSessions(ctx context.Context) error {
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	var all []store.Summary
	if s != nil {
		all, err = s.Sessions(ctx, store.Filter{})
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	if a.flags.json {
		for _, sum := range all {
			if err := a.printJSON(sum); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(a.errOut, "nothing has been recorded yet; try: glovebox demo")
		return nil
	}
	return writeSessions(a.out, all)
}

// writeSessions puts the title last: it is the one column of any length.
func writeSessions(w io.Writer, all []store.Summary) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "ID\tWHEN\tRESULT\tSTEPS\tTOKENS\tMODEL\tTITLE")
	for _, sum := range all {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", sum.ID, sum.StartedAt.Local().Format("2006-01-02 15:04"), sum.Status,
			sum.Steps, sum.Tokens, store.CleanLine(sum.Model), store.CleanLine(sum.Title))
	}
	return tw.Flush()
}

func (a *app) showSession(ctx context.Context, ref string) error {
	return a.withSession(ctx, ref, func(s *store.Store, sum store.Summary) error {
		if a.flags.json {
			return a.playBack(ctx, s, sum.ID)
		}
		took := ""
		if sum.EndedAt != nil {
			took = fmt.Sprintf(" after %s", sum.EndedAt.Sub(sum.StartedAt).Round(1e8))
		}
		cost := "unknown"
		if sum.CostUSD != nil {
			cost = fmt.Sprintf("$%.4f", *sum.CostUSD)
		}
		_, err := fmt.Fprintf(a.out, "title   %s\nresult  %s%s\nspent   %d steps, %d tokens, cost %s\n\n",
			store.CleanLine(sum.Title), sum.Status, took, sum.Steps, sum.Tokens, cost)
		if err == nil {
			err = a.writeOutbox(ctx, s, sum.ID)
		}
		if err != nil {
			return err
		}
		return a.playBack(ctx, s, sum.ID)
	})
}

// writeOutbox lists what the agent would have done with tools that are stubs.
func (a *app) writeOutbox(ctx context.Context, s *store.Store, id string) error {
	n := 0
	for e, err := range s.Events(ctx, id, 0) {
		if err != nil {
			return err
		}
		if c, ok := e.Body.(store.ToolCall); ok && c.Stub {
			if n++; n == 1 {
				fmt.Fprintln(a.out, "outbox: nothing of this was really done")
			}
			fmt.Fprintf(a.out, "  %d. %s %s\n", n, c.Tool, store.CleanLine(string(c.Arguments)))
		}
	}
	if n > 0 {
		fmt.Fprintln(a.out)
	}
	return nil
}

// completeSession offers the IDs of recorded sessions to the shell.
func (a *app) completeSession(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := a.readStore(cmd.Context())
	if s == nil || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer s.Close()
	all, err := s.Sessions(cmd.Context(), store.Filter{Limit: 100})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	offers := []string{"last"}
	for _, sum := range all {
		if strings.HasPrefix(sum.ID, begun) {
			offers = append(offers, sum.ID+"\t"+store.CleanLine(sum.Title))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
