package main

import (
	"fmt"

	"glovebox/fakedata"

	"github.com/spf13/cobra"
)

func newDataCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Make datasets that were never real",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "schemas", Short: "List the built-in schemas", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.listSchemas() },
	})
	return cmd
}

func (a *app) listSchemas() error {
	for _, name := range fakedata.Builtins() {
		s, err := fakedata.Builtin(name)
		if err != nil {
			return err
		}
		if a.flags.json {
			var tables []string
			for _, t := range s.Tables {
				tables = append(tables, t.Name)
			}
			if err := a.printJSON(map[string]any{"schema": name, "tables": tables}); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(a.out, "%s  %d tables\n", name, len(s.Tables)); err != nil {
			return err
		}
	}
	return nil
}
