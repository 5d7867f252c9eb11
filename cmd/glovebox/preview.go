package main

import (
	"fmt"
	"io"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
)

func newPreviewCmd(a *app) *cobra.Command {
	var first int
	cmd := &cobra.Command{
		Use:   "preview [SCHEMA]",
		Short: "Show the first rows of each table, without making the dataset",
		Args:  cobra.ArbitraryArgs, ValidArgsFunction: completeSchema,
		RunE: func(cmd *cobra.Command, args []string) error {
			if first < 0 {
				return usageError(fmt.Sprintf("--first is %d; it cannot be below 0", first), "--first 5")
			}
			s, r, err := a.dataset(cmd, args)
			if err != nil {
				return err
			}
			tables, err := fakedata.Preview(cmd.Context(), s, r, first)
			if err != nil {
				return dataError(cmd.Context(), err)
			}
			for _, t := range tables {
				if a.flags.json {
					err = a.printJSON(struct {
						Table   string     `json:"table"`
						Rows    int64      `json:"rows"`
						Columns []string   `json:"columns"`
						First   [][]string `json:"first"`
					}{t.Table, t.Total, t.Columns, t.Rows})
				} else {
					err = writePreview(a.out, a.screenWidth(), t)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&first, "first", 5, "`N` rows of each table")
	recipeFlags(cmd)
	return cmd
}

// writePreview shows a table's first rows, each cell no wider than 40 columns.
func writePreview(w io.Writer, screen int, p fakedata.TablePreview) error {
	if _, err := fmt.Fprintf(w, "%s, %s\n", store.CleanLine(p.Table), store.Plural(p.Total, "row")); err != nil {
		return err
	}
	var t table
	for _, line := range append([][]string{p.Columns}, p.Rows...) {
		cells := []string{""} // an indent
		for _, cell := range line {
			cells = append(cells, ansi.Truncate(store.CleanLine(cell), 40, "…"))
		}
		t.add(cells...)
	}
	if err := t.write(w, screen); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
