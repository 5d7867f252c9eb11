package main

import (
	"context"

	"glovebox/store"

	"github.com/spf13/cobra"
)

func newReplayCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "replay ID",
		Short: "Show a recorded session again; nothing runs",
		Long: `Show a recorded session again, from the log alone: nothing runs, no model is
asked. On a terminal it opens in the workbench; with --plain, or into a pipe, it
is text.`,
		Example:           "  glovebox replay last --plain",
		Args:              oneSession,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, id := cmd.Context(), ""
			err := a.withSession(ctx, args[0], func(s *store.Store, sum store.Summary) error {
				if a.flags.plain || a.flags.json || a.openWorkbench == nil || !isTerminal(a.in) || !isTerminal(a.out) {
					return a.playBack(ctx, s, sum.ID)
				}
				id = sum.ID
				return nil
			})
			if err != nil || id == "" {
				return err
			}
			return a.openWorkbench(ctx, id)
		},
	}
}

// playBack writes the events of a session, as text or as JSON lines.
func (a *app) playBack(ctx context.Context, s *store.Store, id string) error {
	transcript := store.Transcript{W: a.out, Reasoning: true}
	for e, err := range s.Events(ctx, id, 0) {
		if err == nil && a.flags.json {
			err = a.printJSON(e)
		} else if err == nil {
			err = transcript.Event(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
