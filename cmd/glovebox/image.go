package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newImageCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Prepare and list the images that boxes run",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "prepare [REF]", Short: "Make an image ready to run: auto, or any OCI reference", Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				ref := ""
				if len(args) == 1 {
					ref = args[0]
				}
				return a.prepareImage(cmd, ref)
			},
		},
		&cobra.Command{
			Use: "list", Short: "List the images that are ready to run, newest first", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.withEngine(cmd, func(e *runner.Engine) error {
					list, err := e.Images(cmd.Context())
					if err != nil {
						return err
					}
					return a.printImages(list)
				})
			},
		},
	)
	return cmd
}

// prepareImage makes ref ready, or what the configuration names.
func (a *app) prepareImage(cmd *cobra.Command, ref string) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if ref == "" {
		ref = cfg.Box.Image
	}
	return a.withEngine(cmd, func(e *runner.Engine) error {
		p := newProgress(a.errOut)
		img, err := e.Image(cmd.Context(), ref, p.tell)
		p.close()
		if errors.Is(err, runner.ErrNoImage) {
			return &exitError{code: exitEngine, msg: err.Error(), err: err}
		}
		if err != nil {
			return err
		}
		return a.printImages([]runner.Image{img})
	})
}

func (a *app) printImages(list []runner.Image) error {
	if a.flags.json {
		for _, i := range list {
			if err := a.printJSON(struct {
				Ref        string    `json:"ref"`
				Name       string    `json:"name"`
				ID         string    `json:"id"`
				Digest     string    `json:"digest"`
				BaseDigest string    `json:"base_digest"`
				Size       int64     `json:"size"`
				Created    time.Time `json:"created_at"`
			}{i.Ref, i.Name, i.ID, i.Digest, i.BaseDigest, i.Size, i.Created.UTC()}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.out, "no image is prepared yet; glovebox image prepare does it")
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tMADE FROM\tSIZE\tCREATED\tDIGEST")
	for _, i := range list {
		fmt.Fprintf(w, "%s\t%s\t%d MB\t%s\t%.19s\n", store.CleanLine(i.Name), store.CleanLine(i.Ref), i.Size/1_000_000, i.Created.Format(time.DateTime), i.Digest)
	}
	return w.Flush()
}
