package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
)

func newInspectCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "inspect FILE.db",
		Short:   "Show nulls, distinct values, ranges and relations of a dataset",
		Example: `  glovebox data inspect shop.db`,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("glovebox data inspect takes one SQLite file", "glovebox data generate shop -o shop.db")
			}
			if err := mustBeSQLite(args[0]); err != nil {
				return err
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

// mustBeSQLite refuses other files in better words than SQLite's.
func mustBeSQLite(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return usageError(fileSays(path, err), "glovebox data generate shop -o shop.db")
	}
	defer f.Close()
	head := make([]byte, 16)
	if _, err := io.ReadFull(f, head); err == nil && string(head) == "SQLite format 3\x00" {
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return usageError(path+" is no SQLite file, and only those are inspected; a CSV file can be made one",
		"sqlite3 "+name+".db "+commandLine([]string{".import --csv " + path + " " + name}))
}

func writeProfile(w io.Writer, p fakedata.TableProfile) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", store.CleanLine(p.Table), store.Plural(p.Rows, "row"))
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
