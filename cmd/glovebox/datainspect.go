package main

import (
	"fmt"
	"io"
	"strings"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
)

func newInspectCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "inspect FILE.db",
		Short:   "Show what is in a dataset: nulls, distinct values, ranges, histograms, relations",
		Example: `  glovebox data inspect shop.db`,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("glovebox data inspect takes one SQLite file", "glovebox data generate shop -o shop.db")
			}
			profiles, err := fakedata.Inspect(cmd.Context(), args[0])
			if err != nil {
				return dataError(cmd.Context(), err)
			}
			for _, p := range profiles {
				if a.flags.json {
					err = a.printJSON(p)
				} else {
					err = writeProfile(a.out, p)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func writeProfile(w io.Writer, p fakedata.TableProfile) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d rows\n", store.CleanLine(p.Table), p.Rows)
	for _, c := range p.Columns {
		what := store.CleanLine(c.Least) + " … " + store.CleanLine(c.Most)
		switch {
		case len(c.Values) > 0:
			parts := make([]string, len(c.Values))
			for i, v := range c.Values {
				parts[i] = fmt.Sprintf("%s %d", store.CleanLine(v), c.Counts[i])
			}
			what = strings.Join(parts, ", ")
		case c.Histogram != nil:
			what = "▕" + fakedata.Bars(c.Histogram) + "▏ " + what
		case c.Distinct == 0:
			what = "nothing"
		}
		name := ansi.Truncate(store.CleanLine(c.Column), 24, "…")
		fmt.Fprintf(&b, "  %s%s %7d distinct %6d null  %s\n", name, strings.Repeat(" ", 24-ansi.StringWidth(name)), c.Distinct, c.Nulls, ansi.Truncate(what, 110, "…"))
	}
	for _, r := range p.Relations {
		fmt.Fprintf(&b, "  %s\n", store.CleanLine(r))
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}
