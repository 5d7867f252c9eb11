package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"glovebox/fakedata"
	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newDataCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Make datasets that were never real",
		Long: `Make datasets that were never real. A schema is the name of a built-in one, a
file of SQL CREATE TABLE statements (SQLite, PostgreSQL, MySQL), or a SQLite or
CSV file, of which only the structure is read. The same schema, seed and rows
give the same bytes, on every machine and every day.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGenerateCmd(a), newPreviewCmd(a), newPlanCmd(a), newInspectCmd(a), newScoreCmd(a), newSchemasCmd(a))
	cmd.AddCommand(newMaskCmd(a))
	return cmd
}

// dataset is what a data command works on: its one argument, or what the
// configuration says.
func (a *app) dataset(cmd *cobra.Command, args []string) (*fakedata.Schema, fakedata.Recipe, error) {
	var none fakedata.Recipe
	if len(args) > 1 {
		return nil, none, usageError(called(cmd)+" takes one schema: a built-in name or a file", "glovebox data schemas")
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, none, err
	}
	if file, _ := cmd.Flags().GetString("plan"); file != "" {
		if err := cfg.Data.takePlan(file); err != nil {
			return nil, none, err
		}
	}
	if a.changed != nil && a.changed("seed") {
		cfg.Data.Seed = a.flags.seed
	}
	if len(args) == 1 {
		cfg.Data.takeSchema(args[0])
	}
	if cmd.Flags().Changed("mess") {
		cfg.Data.Mess, _ = cmd.Flags().GetFloat64("mess")
	}
	if key, why := cfg.wrong(); key != "" {
		return nil, none, usageError(why, cmd.CommandPath()+" --help")
	}
	s, err := fakedata.Load(cmd.Context(), cfg.Data.Schema)
	if err != nil {
		return nil, none, dataError(cmd.Context(), err)
	}
	r := cfg.Data.recipe(s)
	rows, _ := cmd.Flags().GetStringArray("rows")
	if err := takeRows(rows, &r); err != nil {
		return nil, none, err
	}
	if scale, _ := cmd.Flags().GetFloat64("scale"); cmd.Flags().Changed("scale") {
		if !(scale > 0 && scale <= fakedata.MaxRows) {
			return nil, none, usageError(fmt.Sprintf("--scale is %g; it must be above 0", scale), "--scale 10")
		}
		if r.Scale == 0 {
			r.Scale = 1
		}
		r.Scale *= scale
	}
	return s, r, nil
}

// dataError is the exit code of what fakedata cannot do: it depends on the
// schema and the recipe alone, so they have to change.
func dataError(ctx context.Context, err error) error {
	if ctx.Err() != nil { // SQLite reports an interruption in words of its own
		return ctx.Err()
	}
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist) {
		return usageError("there is no file "+missing.Path, "glovebox data --help")
	}
	return &exitError{code: exitUsage, msg: err.Error(), err: err}
}

func newGenerateCmd(a *app) *cobra.Command {
	var out, answers, format string
	cmd := &cobra.Command{
		Use:   "generate [SCHEMA]",
		Short: "Write a dataset: a SQLite file, or CSV, JSONL or SQL",
		Example: `  glovebox data generate shop --rows 10000 -o shop.db
  glovebox data generate my-schema.sql --seed 7
  glovebox data generate bank --mess 0.02 -o bank.db   # the key: bank.answers.jsonl`,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: completeSchema,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, r, err := a.dataset(cmd, args)
			if err != nil {
				return err
			}
			f, ending, err := outputFormat(format)
			if err != nil {
				return err
			}
			out = filepath.Clean(cmp.Or(out, s.Name+ending)) // out/ is out
			for _, note := range s.Notes {
				fmt.Fprintln(a.errOut, store.CleanLine(note))
			}
			if answers == "" {
				answers = strings.TrimSuffix(out, filepath.Ext(out)) + ".answers.jsonl"
			}
			return a.generate(cmd.Context(), s, r, fakedata.Target{Path: out, Format: f, Answers: answers})
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write (default SCHEMA.db)")
	cmd.Flags().StringVar(&answers, "answers", "", "the `FILE` for the answer key of the defects (default beside the dataset)")
	cmd.Flags().StringVar(&format, "format", "sqlite", "`FORMAT`: sqlite, csv, jsonl, or SQL for: sql (SQLite), postgres, mysql")
	recipeFlags(cmd)
	return cmd
}

// generate makes the dataset beside its destination and moves it there when it
// is whole, so that there is never half of one.
func (a *app) generate(ctx context.Context, s *fakedata.Schema, r fakedata.Recipe, to fakedata.Target) error {
	out, answers := to.Path, to.Answers
	messy, err := fakedata.Messy(s, r)
	if err != nil {
		return dataError(ctx, err)
	}
	if err := a.mayWrite(out); err != nil {
		return err
	}
	if err := a.mayWrite(answers); messy && err != nil {
		return err
	}
	dir, err := makeBeside(out)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	whole := fakedata.Target{Path: filepath.Join(dir, "dataset.db"), Format: to.Format}
	if messy {
		whole.Answers = filepath.Join(dir, "answers.jsonl")
	}
	var rows int64
	long, step := newProgress(a.errOut), "making "+store.CleanLine(s.Name)
	err = fakedata.Generate(ctx, s, r, whole, func(done, total int64) {
		rows = total
		long.tell(runner.Progress{Step: step, Done: done, Total: total})
	})
	long.close()
	if err != nil {
		return dataError(ctx, err)
	}
	sum, size, err := digestAll(whole.Path)
	if err != nil {
		return err
	}
	if messy {
		if err := os.Rename(whole.Answers, answers); err != nil {
			return usageError(err.Error(), "")
		}
	} else {
		answers = ""
	}
	if err := os.Rename(whole.Path, out); err != nil {
		return usageError(err.Error(), "")
	}
	if a.flags.json {
		return a.printJSON(struct {
			File   string `json:"file"`
			Schema string `json:"schema"`
			Seed   int64  `json:"seed"`
			Tables int    `json:"tables"`
			Rows   int64  `json:"rows"`
			Bytes  int64  `json:"bytes"`
			SHA256 string `json:"sha256"`
			Answer string `json:"answers,omitempty"`
		}{out, s.Name, r.Seed, len(s.Tables), rows, size, sum, answers})
	}
	_, err = fmt.Fprintf(a.out, "%s: %s, %s, %s, sha256 %s\n", out, store.Plural(len(s.Tables), "table"), store.Plural(rows, "row"), store.Plural(size, "byte"), sum[:16])
	if err == nil && messy {
		_, err = fmt.Fprintf(a.out, "%s: the answer key; keep it out of the box\n", answers)
	}
	return err
}

// makeBeside makes a directory next to out for what becomes out when it is
// whole. The caller removes it.
func makeBeside(out string) (string, error) {
	dir, err := os.MkdirTemp(filepath.Dir(out), ".glovebox-")
	if errors.Is(err, fs.ErrNotExist) {
		return "", usageError("there is no directory "+filepath.Dir(out), "-o with a file in one that is there")
	} else if err != nil {
		return "", usageError(err.Error(), "-o with a file in a directory that you may write to")
	}
	return dir, nil
}

// mayWrite refuses to replace what exists, unless --yes is given.
func (a *app) mayWrite(out string) error {
	if info, err := os.Lstat(out); err == nil && info.IsDir() {
		return usageError(out+" is a directory", "glovebox data generate -o FILE")
	} else if err == nil && !a.flags.yes {
		return usageError(out+" exists already", "another file with -o, or --yes to replace it")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usageError(err.Error(), "")
	}
	return nil
}

// outputFormat is the format of that name and how its files end.
func outputFormat(name string) (fakedata.Format, string, error) {
	f := fakedata.Format(name)
	switch f {
	case fakedata.FormatSQLite:
		return f, ".db", nil
	case fakedata.FormatCSV, fakedata.FormatJSONL:
		return f, "", nil // a directory
	case fakedata.FormatSQLiteSQL, fakedata.FormatPostgres, fakedata.FormatMySQL:
		return f, ".sql", nil
	}
	return "", "", usageError(fmt.Sprintf("there is no format %q", name), fmt.Sprintf("--format with one of %s", strings.Trim(fmt.Sprint(fakedata.Formats()), "[]")))
}

// digestAll is the digest of a file; of a directory, that of its files' names
// and digests in order.
func digestAll(path string) (sum string, size int64, err error) {
	files, err := os.ReadDir(path)
	if err != nil {
		return fakedata.Digest(path)
	}
	h := sha256.New()
	for _, f := range files {
		one, n, err := fakedata.Digest(filepath.Join(path, f.Name()))
		if err != nil {
			return "", 0, err
		}
		size += n
		fmt.Fprintf(h, "%s  %s\n", one, f.Name())
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

func newSchemasCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "schemas", Short: "List the built-in schemas", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, name := range fakedata.Builtins() {
				s, err := fakedata.Builtin(name)
				if err != nil {
					return err
				}
				tables := make([]string, len(s.Tables))
				for i, t := range s.Tables {
					tables[i] = t.Name
				}
				if a.flags.json {
					err = a.printJSON(struct {
						Schema string   `json:"schema"`
						Tables []string `json:"tables"`
					}{name, tables})
				} else {
					_, err = fmt.Fprintf(a.out, "%-10s %s\n", name, strings.Join(tables, ", "))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
