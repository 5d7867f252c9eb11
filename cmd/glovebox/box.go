package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newBoxCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "box",
		Short: "Run a command or a shell in a throwaway box; look after boxes",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newBoxDiffCmd(a),
		newBoxRunCmd(a),
		newBoxShellCmd(a),
		&cobra.Command{
			Use: "list", Short: "List the boxes that are alive", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.withEngine(cmd, func(e *runner.Engine) error {
					boxes, err := e.Boxes(cmd.Context())
					if err == nil {
						err = a.nameSessions(cmd.Context(), boxes)
					}
					if err != nil {
						return err
					}
					return a.printBoxes(boxes)
				})
			},
		},
		&cobra.Command{
			Use: "prune", Short: "Remove boxes whose owner is gone", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.withEngine(cmd, func(e *runner.Engine) error {
					boxes := e.Reaped() // opening the engine is what removes them
					if a.flags.json {
						return a.printBoxes(boxes)
					}
					_, err := fmt.Fprintf(a.out, "removed %s whose owner is gone\n", store.Plural(len(boxes), "box"))
					return err
				})
			},
		},
	)
	return cmd
}

// nameSessions finds the sessions of boxes that were made before their sessions
// were: the log knows who took them.
func (a *app) nameSessions(ctx context.Context, boxes []runner.BoxStatus) error {
	unnamed := map[string]*runner.BoxStatus{}
	for i := range boxes {
		if boxes[i].Session == "" {
			unnamed[boxes[i].Name] = &boxes[i]
		}
	}
	if len(unnamed) == 0 {
		return nil
	}
	s, err := a.readStore(ctx)
	if s == nil || err != nil {
		return err
	}
	defer s.Close()
	running, err := s.Sessions(ctx, store.Filter{Status: "running"})
	if err != nil {
		return err
	}
	for _, sum := range running {
		for e, err := range s.Events(ctx, sum.ID, 0) {
			if err != nil {
				return err
			}
			if made, ok := e.Body.(store.BoxCreated); ok && unnamed[made.Box] != nil {
				unnamed[made.Box].Session = sum.ID
				break
			}
		}
	}
	return nil
}

// withEngine opens the engine as configured and hands it to use.
func (a *app) withEngine(cmd *cobra.Command, use func(*runner.Engine) error) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	return a.withEngineOf(cmd, cfg, use)
}

func (a *app) withEngineOf(cmd *cobra.Command, cfg config, use func(*runner.Engine) error) error {
	e, err := runner.Open(cmd.Context(), engineOptions(cfg))
	if err != nil {
		return explain(err)
	}
	return explain(errors.Join(use(e), e.Close()))
}

func (a *app) printBoxes(boxes []runner.BoxStatus) error {
	if a.flags.json {
		for _, b := range boxes {
			if err := a.printJSON(struct {
				ID        string    `json:"id"`
				Session   string    `json:"session"`
				OwnerPID  int       `json:"owner_pid"`
				StartedAt time.Time `json:"started_at"`
			}{b.Name, b.Session, b.Owner.PID, b.StartedAt}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(boxes) == 0 {
		_, err := fmt.Fprintln(a.out, "no boxes")
		return err
	}
	var t table
	t.add("BOX", "SESSION", "OWNER", "STARTED")
	for _, b := range boxes {
		t.add(store.CleanLine(b.Name), store.CleanLine(b.Session), fmt.Sprintf("pid %d", b.Owner.PID), b.StartedAt.Format(time.DateTime))
	}
	return t.write(a.out, a.screenWidth())
}
