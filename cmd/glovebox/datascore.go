package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"glovebox/fakedata"
	"glovebox/store"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
)

// answersFile is where the answer key of a session's dataset is kept: on this
// side of the wall, never in the box.
func answersFile(session string) (string, error) {
	dir := filepath.Join(xdg.DataHome, "glovebox", "answers")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("keep the answer key: %w", err)
	}
	return filepath.Join(dir, session+".jsonl"), nil
}

func newScoreCmd(a *app) *cobra.Command {
	var dataset string
	cmd := &cobra.Command{
		Use:   "score ANSWERS FINDINGS|REPAIRED.db",
		Short: "Compare findings in a messy dataset with its answer key",
		Long: `Compare a list of findings, or a repaired database, with the answer key of a
messy dataset. ANSWERS is the key that glovebox data generate wrote, or the ID
of a session.

Findings are JSON objects, one per line, or CSV with a header: table, key,
column and, if wanted, kind. A repaired database is compared with the messy one,
which --dataset names; each cell or row that differs counts as a finding.`,
		Example: `  glovebox data score shop.answers.jsonl findings.jsonl
  glovebox data score shop.answers.jsonl repaired.db --dataset shop.db`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError("glovebox data score takes the answer key and what was found", "glovebox data score shop.answers.jsonl findings.jsonl")
			}
			score, err := a.score(cmd, args[0], args[1], dataset)
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(score)
			}
			return writeScore(a.out, score, dataset != "")
		},
	}
	cmd.Flags().StringVar(&dataset, "dataset", "", "the messy `FILE` that was repaired")
	return cmd
}

func (a *app) score(cmd *cobra.Command, answers, found, dataset string) (fakedata.Score, error) {
	none := fakedata.Score{}
	key, err := openAnswers(answers)
	if err != nil {
		return none, usageError(fileSays(answers, err), "glovebox data generate SCHEMA --mess 0.02")
	}
	defer key.Close()
	f, err := os.Open(found)
	if err != nil {
		return none, usageError(fileSays(found, err), "glovebox data score --help")
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return none, usageError(err.Error(), "")
	}
	switch isDB := bytes.Equal(head[:n], []byte("SQLite format 3\x00")); {
	case isDB && dataset == "":
		return none, usageError(found+" is a database; what it was repaired from is needed too", "--dataset FILE")
	case isDB:
		score, err := fakedata.ScoreRepair(cmd.Context(), key, dataset, found)
		if err != nil {
			return none, dataError(cmd.Context(), err)
		}
		return score, nil
	case dataset != "":
		return none, usageError(found+" is no SQLite database", "without --dataset, for a list of findings")
	}
	score, err := fakedata.ScoreFindings(key, io.MultiReader(bytes.NewReader(head[:n]), f))
	if err != nil {
		return none, dataError(cmd.Context(), err)
	}
	return score, nil
}

// openAnswers opens an answer key, named by its file or by its session.
func openAnswers(name string) (*os.File, error) {
	f, err := os.Open(name)
	if !errors.Is(err, os.ErrNotExist) || filepath.Base(name) != name {
		return f, err
	}
	if path, e := answersFile(name); e == nil {
		if kept, e := os.Open(path); e == nil {
			return kept, nil
		}
	}
	return nil, err
}

func writeScore(w io.Writer, s fakedata.Score, repaired bool) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, %s, %d of them right: precision %.3f, recall %.3f, F1 %.3f\n",
		store.Plural(s.Defects, "defect"), store.Plural(s.Findings, "finding"), s.Found, s.Precision, s.Recall, s.F1)
	if repaired {
		fmt.Fprintf(&b, "%d got their right value back\n", s.Repaired)
	}
	fmt.Fprintf(&b, "\n%-14s %8s %8s %8s %10s\n", "kind", "defects", "found", "recall", "precision")
	for _, k := range s.Kinds {
		precision := "-"
		if k.Precision >= 0 {
			precision = fmt.Sprintf("%.3f", k.Precision)
		}
		fmt.Fprintf(&b, "%-14s %8d %8d %8.3f %10s\n", store.CleanLine(k.Kind), k.Defects, k.Found, k.Recall, precision)
	}
	_, err := w.Write(b.Bytes())
	return err
}
