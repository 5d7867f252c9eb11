package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// recipeFlags are those of every command that makes data.
func recipeFlags(cmd *cobra.Command) {
	cmd.Flags().Int("rows", 0, "`N` rows in the largest tables; others follow")
	cmd.Flags().Float64("mess", 0, "`SHARE` of rows with a defect, for each kind of defect")
	cmd.Flags().String("plan", "", "the plan in `FILE` says how, see glovebox data plan")
}

func newPlanCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [SCHEMA]",
		Short: "Print how a dataset would be made, to read and to edit",
		Long: `Print, as TOML, how each column of a dataset would be made and why. Edit it, then
make the dataset with: glovebox data generate --plan FILE. What an edited plan leaves
out is decided as without one. Columns of whose name nothing could be made are listed
on standard error.`,
		Example: `  glovebox data plan shop > plan.toml
  glovebox data generate --plan plan.toml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, r, err := a.dataset(cmd, args)
			if err != nil {
				return err
			}
			text, err := fakedata.WritePlan(s, r, a.schemaName(cmd, args, s))
			if err != nil {
				return dataError(cmd.Context(), err)
			}
			left, err := fakedata.Plain(s, r)
			if err != nil {
				return dataError(cmd.Context(), err)
			}
			if _, err := io.WriteString(a.out, text); err != nil {
				return err
			}
			columns := 0
			for _, t := range s.Tables {
				columns += len(t.Columns)
			}
			fmt.Fprintf(a.errOut, "%d of %d columns are left to a plain type", len(left), columns)
			if len(left) > 0 {
				fmt.Fprintf(a.errOut, ": %s", store.CleanLine(strings.Join(left, ", ")))
			}
			_, err = fmt.Fprintln(a.errOut)
			return err
		},
	}
	recipeFlags(cmd)
	return cmd
}

// schemaName is what leads back to the schema: a built-in name, or a path that
// holds from anywhere.
func (a *app) schemaName(cmd *cobra.Command, args []string, s *fakedata.Schema) string {
	name := s.Name
	if len(args) == 1 {
		name = args[0]
	} else if cfg, err := a.loadConfig(); err == nil {
		if _, err := cfg.Data.takePlan(cmd); err == nil {
			name = cfg.Data.Schema
		}
	}
	if slices.Contains(fakedata.Builtins(), name) {
		return name
	}
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// takePlan reads the plan that --plan names, if it does, and takes over what
// it says of the dataset as a whole. A relative path in it starts at the plan.
func (c *dataConfig) takePlan(cmd *cobra.Command) (text string, err error) {
	file, _ := cmd.Flags().GetString("plan")
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", usageError("reading the plan: "+err.Error(), "glovebox data plan SCHEMA > "+file)
	}
	p, err := fakedata.ParsePlan(string(data))
	if err != nil {
		return "", &exitError{code: exitUsage, msg: file + ": " + err.Error(), err: err}
	}
	if p.Schema != "" {
		c.Schema = p.Schema
		if !slices.Contains(fakedata.Builtins(), p.Schema) && !filepath.IsAbs(p.Schema) {
			c.Schema = filepath.Join(filepath.Dir(file), p.Schema)
		}
	}
	if p.Rows != 0 {
		c.Rows = p.Rows
	}
	if p.Seed != 0 {
		c.Seed = p.Seed
	}
	if p.Mess != 0 {
		c.Mess = p.Mess
	}
	return string(data), nil
}
