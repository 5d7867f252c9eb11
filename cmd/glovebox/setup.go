package main

import (
	"errors"
	"fmt"
	"os"

	"glovebox/runner"

	"github.com/spf13/cobra"
)

func newSetupCmd(a *app) *cobra.Command {
	var forTests bool
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Make this machine ready for boxes: packages, account, image",
		Long: `Make this machine ready for boxes: installs Podman and its rootless parts
from the distribution's packages, makes the account that Podman runs under when
glovebox is root, reserves subordinate ids, and prepares the image.

It does only what is missing, and asks before it changes the system.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			p := newProgress(a.errOut)
			in, _ := a.in.(*os.File)
			info, err := runner.Setup(cmd.Context(), runner.SetupOptions{
				Engine: engineOptions(cfg), Yes: a.flags.yes, ForTests: forTests, In: in, Out: a.errOut, Progress: p.tell, Agree: a.agrees,
			})
			p.close()
			if errors.Is(err, runner.ErrAdmin) || errors.Is(err, runner.ErrDeclined) {
				return &exitError{code: exitUsage, msg: err.Error(), err: err}
			}
			if err != nil {
				return explain(err)
			}
			if a.flags.json {
				return a.printJSON(map[string]string{
					"podman": info.Version, "account": info.Account, "runtime": info.Runtime, "storage": info.StorageDriver,
				})
			}
			_, err = fmt.Fprintf(a.out, "everything is ready: podman %s, rootless as %s, %s, %s storage\n",
				info.Version, info.Account, info.Runtime, info.StorageDriver)
			return err
		},
	}
	cmd.Flags().BoolVar(&forTests, "for-tests", false, "also install what only the tests need")
	return cmd
}
