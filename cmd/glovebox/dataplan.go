package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// recipeFlags are those of every command that makes data.
func recipeFlags(cmd *cobra.Command) {
	cmd.Flags().StringArray("rows", nil, "`N` rows in the largest tables, others follow; or TABLE=N for one of them (repeatable)")
	cmd.Flags().Float64("scale", 0, "`FACTOR` of the rows of all tables but lookups")
	cmd.Flags().Float64("mess", 0, "`SHARE` of rows with a defect, for each kind of defect")
	cmd.Flags().String("plan", "", "the plan in `FILE` says how, see glovebox data plan")
}

func newPlanCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [SCHEMA]",
		Short: "Print how a dataset would be made, to read and to edit",
		Long: `Print, as TOML, how each column of a dataset would be made and why. Edit it,
then make the dataset with: glovebox data generate --plan FILE. What an edited
plan leaves out is decided as without one. Columns of whose name nothing could
be made are listed on standard error.`,
		Example: `  glovebox data plan shop > plan.toml
  glovebox data generate --plan plan.toml`,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: completeSchema,
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
		if file, _ := cmd.Flags().GetString("plan"); file == "" || cfg.Data.takePlan(file) == nil {
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

// takePlan reads the plan in file and takes over what it says of the dataset as
// a whole. A relative path in it starts at the plan.
func (c *dataConfig) takePlan(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return usageError("reading the plan: "+fileSays(file, err), "glovebox data plan SCHEMA > "+file)
	}
	p, err := fakedata.ParsePlan(string(data))
	if err != nil {
		return &exitError{code: exitUsage, msg: file + ": " + err.Error(), err: err}
	}
	c.Plan, c.text = file, string(data)
	if p.Schema != "" {
		c.Schema = p.Schema
		if !slices.Contains(fakedata.Builtins(), p.Schema) && !filepath.IsAbs(p.Schema) {
			c.Schema = filepath.Join(filepath.Dir(file), p.Schema)
		}
	}
	if p.Rows != 0 {
		c.Rows = p.Rows
	}
	if p.Seed != nil {
		c.Seed = *p.Seed
	}
	if p.Mess != nil {
		c.Mess = *p.Mess
	}
	return nil
}

// takeSchema is another schema than the configuration's: a plan for that one
// says nothing about this.
func (c *dataConfig) takeSchema(schema string) {
	if schema != c.Schema {
		c.Schema, c.Plan, c.text = schema, "", ""
	}
}

// takeRows reads the values of --rows: a number for the largest tables, or
// TABLE=N for one. Beside a plan, which says how many rows each table has, the
// number scales them all.
func takeRows(values []string, r *fakedata.Recipe) error {
	for _, v := range values {
		table, number, one := cutLast(v, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil || n < 1 || n > fakedata.MaxRows:
			return usageError(fmt.Sprintf("--rows %s: rows are a number from 1 to %d", store.CleanLine(v), fakedata.MaxRows), "--rows 10000, or --rows TABLE=10000")
		case one:
			if r.Tables == nil {
				r.Tables = map[string]int64{}
			}
			r.Tables[table] = n
		case r.Plan != "":
			r.Scale = float64(n) / float64(r.Rows)
		default:
			r.Rows = int(n)
		}
	}
	return nil
}

// cutLast cuts around the last sep; after is all of s where there is none.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(sep):], true
}
