package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"golang.org/x/term"
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
					err = writeTable(a.out, t)
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

// writeTable aligns the columns of a table. On a terminal, what is wider than
// the screen is cut off.
func writeTable(w io.Writer, t fakedata.TablePreview) error {
	const widest = 40
	screen := 0
	if f, ok := w.(*os.File); ok {
		screen, _, _ = term.GetSize(int(f.Fd())) // no terminal: 0
	}
	lines := append([][]string{t.Columns}, t.Rows...)
	widths := make([]int, len(t.Columns))
	for i, line := range lines {
		cells := make([]string, len(line))
		for j, cell := range line {
			cells[j] = ansi.Truncate(store.CleanLine(cell), widest, "…")
			widths[j] = max(widths[j], ansi.StringWidth(cells[j]))
		}
		lines[i] = cells
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", store.CleanLine(t.Table), store.Plural(t.Total, "row"))
	for _, line := range lines {
		row := " "
		for j, cell := range line {
			row += " " + cell + strings.Repeat(" ", widths[j]-ansi.StringWidth(cell)+1)
		}
		b.WriteString(ansi.Truncate(strings.TrimRight(row, " "), cmp.Or(screen, len(row)), "…") + "\n")
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}
