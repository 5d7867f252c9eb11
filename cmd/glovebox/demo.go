package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

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
	_, err := a.runSession(ctx, d, demoPrompt, tourLines)
	if err != nil || a.flags.json {
		return err
	}
	_, err = fmt.Fprintf(a.out, `
The box is gone; the recording stays, in %[2]s
  %[1]s                opens the workbench: what was recorded, and what you do next
  %[1]s replay last    shows it again
  %[1]s rerun last     runs its calls again, in a new box
  OPENAI_API_KEY=… %[1]s run "which customers look odd?"
`, itself(), d.path)
	return err
}

// itself is how the shell calls this program: by its name where it finds that.
func itself() string {
	if _, err := exec.LookPath("glovebox"); err != nil {
		return os.Args[0]
	}
	return "glovebox"
}
