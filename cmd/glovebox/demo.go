package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

const demoPrompt = "Explore the shop's database, write a short report to /work/report.md, and see whether you can reach the internet."

// tourLines keeps the tour readable; the replay shows all.
const tourLines = 6

func newDemoCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "The guided tour, offline: scripted model, real box, real dataset",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.openDesk(cmd.Context())
			if err != nil {
				return err
			}
			return errors.Join(a.demo(cmd.Context(), d), d.close())
		},
	}
}

func (a *app) demo(ctx context.Context, d *desk) error {
	d.cfg.Model = "script:demo"
	d.cfg.Data = defaultConfig().Data // the script knows this dataset
	d.cfg.Tools = defaultConfig().Tools
	if !a.flags.json {
		fmt.Fprintln(a.errOut, "A scripted model now works in a real, sealed box on a freshly made shop. No key, no network.")
	}
	id, err := a.runSession(ctx, d, demoPrompt, tourLines)
	if err != nil || a.flags.json {
		return err
	}
	_, err = fmt.Fprintf(a.out, `
The box is gone; the recording stays.
  log      %s
  replay   glovebox replay %s
  again    glovebox rerun %s
  list     glovebox sessions
  yours    OPENAI_API_KEY=… glovebox run "which customers look odd?"
`, d.path, id, id)
	return err
}
