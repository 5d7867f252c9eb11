package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"glovebox/fakedata/mask"
	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// maskRun is one call of data mask.
type maskRun struct {
	keyFile, plan, out string
	newKey, showPlan   bool
}

func newMaskCmd(a *app) *cobra.Command {
	var r maskRun
	cmd := &cobra.Command{
		Use:   "mask FILE",
		Short: "Turn a real SQLite or CSV file into its pseudonymised twin",
		Long: `Turn a real SQLite or CSV file into its twin for a sandbox. Under one key the
same value always gets the same pseudonym; references, formats and the order of
dates stay. A column is passed through only where its values are few and none is
rare, or where a plan says so. The source is only read. The twin is searched for
original values before it is moved to its place: if one is found, there is no
twin and the exit status is 1.

A twin is pseudonymised, not anonymous: who knows enough about a person may find
them. The smallest group of rows that cannot be told apart (k) is printed.`,
		Example: `  glovebox data mask crm.db --show-plan > plan.toml       # read it, edit it
  glovebox data mask crm.db --key-file mask.key --new-key --plan plan.toml -o twin.db
  glovebox box run --data masked:twin.db -- sqlite3 /data/twin.db .tables`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("glovebox data mask takes one file", "glovebox data mask FILE --key-file K")
			}
			return a.mask(cmd.Context(), args[0], r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.keyFile, "key-file", "", "the key is in `FILE`, which only you may read")
	f.BoolVar(&r.newKey, "new-key", false, "make the key file first; it must not exist")
	f.StringVar(&r.plan, "plan", "", "the plan in `FILE` says what becomes of each column")
	f.BoolVar(&r.showPlan, "show-plan", false, "print the plan, to read and to edit, and do nothing else")
	f.StringVarP(&r.out, "output", "o", "", "the `FILE` to write (default FILE.masked.db or .csv)")
	return cmd
}

func (a *app) mask(ctx context.Context, file string, r maskRun) error {
	if _, err := os.Stat(file); err != nil { // before a key is made
		return usageError(fileSays(file, err), "glovebox data mask --help")
	}
	long := newProgress(a.errOut)
	closed := false
	shut := func() {
		if !closed {
			closed = true
			long.close()
		}
	}
	defer shut()
	o := mask.Options{Progress: func(step string, done, total int64) {
		long.tell(runner.Progress{Step: store.CleanLine(step), Done: done, Total: total})
	}}
	if r.plan != "" {
		text, err := readPlan(r.plan)
		if err != nil {
			return usageError(fileSays(r.plan, err), "glovebox data mask "+file+" --show-plan > "+r.plan)
		}
		o.Plan = text
	}
	if r.showPlan {
		text, err := mask.WritePlan(ctx, file, o)
		shut()
		if err != nil {
			return dataError(ctx, err)
		}
		_, err = io.WriteString(a.out, text)
		return err
	}
	return a.writeTwin(ctx, file, r, o, shut)
}

// writeTwin masks file into a new one, calling shut when nothing goes on any more.
func (a *app) writeTwin(ctx context.Context, file string, r maskRun, o mask.Options, shut func()) error {
	if r.out == "" {
		r.out = maskedName(file)
	}
	if err := a.mayWrite(r.out); err != nil {
		return err
	}
	dir, err := makeBeside(r.out)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := a.loadMaskKey(&o, r); err != nil {
		return err
	}
	whole := filepath.Join(dir, filepath.Base(r.out))
	proof, err := mask.File(ctx, file, whole, o)
	shut()
	switch {
	case errors.Is(err, mask.ErrLeak):
		return &exitError{code: exitNo, msg: err.Error() + "; nothing was written", hint: "glovebox data mask " + file + " --show-plan", err: err}
	case err != nil:
		return dataError(ctx, err)
	}
	for _, end := range []string{mask.ProofEnding, ""} { // a proof without its file proves nothing; a file without its proof is no data
		if err := os.Rename(whole+end, r.out+end); err != nil {
			return usageError(err.Error(), "")
		}
	}
	if a.flags.json {
		return a.printJSON(struct {
			File string `json:"file"`
			*mask.Proof
		}{r.out, proof})
	}
	return writeProof(a.out, r.out, proof)
}

func (a *app) loadMaskKey(o *mask.Options, r maskRun) (err error) {
	if r.keyFile == "" {
		return usageError("a key is needed: the same key gives the same pseudonyms again", "--key-file mask.key --new-key")
	}
	if r.newKey {
		if err := mask.NewKeyFile(r.keyFile); err != nil {
			return usageError(err.Error(), "")
		}
	}
	if o.Key, err = mask.LoadKey(r.keyFile); errors.Is(err, os.ErrNotExist) {
		return usageError(err.Error(), "--new-key, to make one")
	} else if err != nil {
		return usageError(err.Error(), "")
	}
	return nil
}

// readPlan reads the text of a plan, which is a file of modest size.
func readPlan(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 16<<20))
	return string(text), err
}

func maskedName(file string) string {
	ext := filepath.Ext(file)
	out := strings.TrimSuffix(file, ext) + ".masked"
	if low := strings.ToLower(ext); low == ".csv" || low == ".tsv" {
		return out + ext
	}
	return out + ".db"
}

func writeProof(w io.Writer, out string, p *mask.Proof) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s, %s, sha256 %s, key %s\n", store.CleanLine(out), store.Plural(p.Tables, "table"), store.Plural(p.Rows, "row"), store.Plural(p.Bytes, "byte"), p.SHA256[:16], p.Key)
	s := p.Leaks
	fmt.Fprintf(&b, "searched for %s in %s and %s: none survives\n", store.Plural(s.Values, "original value"), store.Plural(s.Cells, "cell"), store.Plural(s.Bytes, "byte"))
	if s.NotBytes > 0 {
		fmt.Fprintf(&b, "  %d of them tell less than %.0f bits and were looked for in cells and words only\n", s.NotBytes, s.MinBits)
	}
	if len(s.Shifted) > 0 {
		fmt.Fprintf(&b, "  not looked for, because moved or exchanged among themselves: %s\n", store.CleanLine(strings.Join(s.Shifted, ", ")))
	}
	if p.Unmoved > 0 {
		fmt.Fprintf(&b, "  %d small numbers were moved by nothing\n", p.Unmoved)
	}
	for _, g := range p.Groups {
		fmt.Fprintf(&b, "%s: k = %d by %s; %d of %d rows stand alone\n",
			store.CleanLine(g.Table), g.K, store.CleanLine(strings.Join(g.Columns, ", ")), g.Alone, g.Rows)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(&b, store.CleanLine(n))
	}
	takes := "a session takes the file only with it"
	if ext := strings.ToLower(filepath.Ext(out)); ext == ".csv" || ext == ".tsv" {
		takes = "a session takes databases only: mask again with -o NAME.db"
	}
	fmt.Fprintf(&b, "%s: the proof; %s\n", store.CleanLine(out+mask.ProofEnding), takes)
	_, err := io.WriteString(w, b.String())
	return err
}
