package main

import (
	"errors"
	"fmt"

	"glovebox/store"

	"github.com/spf13/cobra"
)

func newBackupCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write the whole log as it is now to a new file",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return usageError("backup needs the name of a new file", "glovebox sessions backup log-backup.db")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.readStore(cmd.Context())
			if err != nil {
				return err
			}
			if s == nil {
				return usageError("there is nothing to back up: nothing has been recorded yet", "glovebox demo")
			}
			err = s.Backup(cmd.Context(), args[0])
			if err = errors.Join(err, s.Close()); errors.Is(err, store.ErrInvalid) {
				return usageError(err.Error(), "")
			} else if err != nil {
				return err
			}
			fmt.Fprintf(a.errOut, "wrote %s\n", store.CleanLine(args[0]))
			return nil
		},
	}
}
