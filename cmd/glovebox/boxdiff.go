package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newBoxDiffCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "diff ID",
		Short: "Show what a session changed in its box: a list and a patch",
		Long: `Show what a session changed under /work and /data, as it was recorded before its
box was destroyed: a list, then a patch of the text files. With --json one object
per file.`,
		Example:           "  glovebox box diff last",
		Args:              oneSession,
		ValidArgsFunction: a.completeSession,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSession(cmd.Context(), args[0], func(s *store.Store, sum store.Summary) error {
				d, err := recordedDiff(cmd.Context(), s, sum)
				if err != nil {
					return err
				}
				return a.printDiff(d)
			})
		},
	}
}

func recordedDiff(ctx context.Context, s *store.Store, sum store.Summary) (store.BoxDiff, error) {
	for e, err := range s.Events(ctx, sum.ID, 0) {
		if err != nil {
			return store.BoxDiff{}, err
		}
		if d, ok := e.Body.(store.BoxDiff); ok {
			if d.Error != "" {
				return d, &exitError{code: exitNo, msg: "what session " + sum.ID + " changed is not known: " + d.Error}
			}
			return d, nil
		}
	}
	why := "its box was lost before it could be looked at"
	if !sum.HasModel() {
		why = "it is kept of sessions with a model; of a command in a box, --out brings files out"
	} else if sum.Status == "running" {
		why = "it is recorded when the session ends"
	}
	return store.BoxDiff{}, &exitError{code: exitNo, msg: "session " + sum.ID + " has no record of changed files: " + why}
}

func (a *app) printDiff(d store.BoxDiff) error {
	if a.flags.json {
		for _, c := range d.Changes {
			if err := a.printJSON(c); err != nil {
				return err
			}
		}
		return nil
	}
	var b strings.Builder
	b.WriteString(store.CleanLine(store.Changed(d)) + "\n")
	for _, c := range d.Changes {
		b.WriteString("  " + store.CleanLine(c.String()) + "\n")
	}
	blank := "\n"
	for _, c := range d.Changes {
		if c.Patch != "" {
			b.WriteString(blank + store.Clean(c.Patch))
			blank = ""
		}
	}
	_, err := io.WriteString(a.out, b.String())
	return err
}

// recordDiff finds out what the session changed, and records it. That the
// listing failed is recorded too, unless it was the box that ended.
func (s *session) recordDiff(ctx context.Context) error {
	if s.before == nil {
		return nil
	}
	body := store.BoxDiff{Box: s.box.Info().Name, Changes: []store.FileChange{}}
	after, err := s.box.Manifest(ctx, s.before)
	select {
	case <-s.box.Done():
		return nil
	default:
	}
	if err != nil {
		body.Error = err.Error()
		return s.record(ctx, body)
	}
	d := s.before.Diff(after)
	body.Cut, body.Partial = d.Cut, d.Partial
	for _, c := range d.Changes {
		body.Changes = append(body.Changes, fileChange(c))
	}
	return s.record(ctx, body)
}

func fileChange(c runner.Change) store.FileChange {
	mode := func(kind string, bits uint32) string {
		if kind == "" || kind == "link" {
			return ""
		}
		return fmt.Sprintf("%04o", bits)
	}
	return store.FileChange{
		Path: c.Path, Change: c.What, From: c.From, Type: c.Type, OldType: c.OldType,
		Mode: mode(c.Type, c.Mode), OldMode: mode(c.OldType, c.OldMode), Size: c.Size, OldSize: c.OldSize,
		SHA256: c.SHA256, OldSHA256: c.OldSHA, Link: c.Link, Binary: c.Binary, Patch: c.Patch, PatchCut: c.PatchCut,
	}
}
