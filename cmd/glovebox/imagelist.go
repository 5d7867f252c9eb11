package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newImageListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images that are ready to run, newest first", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEngine(cmd, func(e *runner.Engine) error {
				list, err := e.Images(cmd.Context())
				if err != nil {
					return err
				}
				return a.printImages(cmd.Context(), e, list, nil)
			})
		},
	}
}

// printImages shows images with how many boxes run each.
func (a *app) printImages(ctx context.Context, e *runner.Engine, list []runner.Image, lacks []string) error {
	boxes, err := e.Boxes(ctx)
	if err != nil {
		return err
	}
	used := map[string]int{}
	for _, b := range boxes {
		used[b.Image]++
	}
	own, err := e.OwnInit()
	if err != nil {
		return err
	}
	if a.flags.json {
		for _, i := range list {
			if err := a.printJSON(struct {
				Ref        string    `json:"ref"`
				Name       string    `json:"name"`
				ID         string    `json:"id"`
				Digest     string    `json:"digest"`
				BaseDigest string    `json:"base_digest"`
				Was        string    `json:"was,omitempty"`
				Size       int64     `json:"size"`
				Created    time.Time `json:"created_at"`
				Boxes      int       `json:"boxes"`
				Own        bool      `json:"own"` // this version of glovebox can use it
				Lacks      []string  `json:"lacks,omitempty"`
			}{i.Ref, i.Name, i.ID, i.Digest, i.BaseDigest, i.Was, i.Size, i.Created.UTC(), used[i.ID], i.Init == own, lacks}); err != nil {
				return err
			}
		}
		return nil
	}
	return a.writeImages(list, used, own)
}

// writeImages is the list for people; used counts the boxes of each ID, own is
// the init of this version.
func (a *app) writeImages(list []runner.Image, used map[string]int, own string) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.out, "no image is prepared yet; glovebox image prepare does it")
		return err
	}
	t := table{spare: []int{1, 3}} // size, in use
	t.add("REFERENCE", "SIZE", "PREPARED", "IN USE", "DIGEST", "NOTE")
	others, newest := 0, map[string]string{} // base of the newest image of a reference
	for _, i := range list {
		if newest[i.Ref] == "" {
			newest[i.Ref] = i.BaseDigest
		}
		var notes []string
		if i.BaseDigest != newest[i.Ref] {
			notes = append(notes, "superseded")
		}
		if i.Init != own {
			others++
			notes = append(notes, "of another version")
		}
		use := "no"
		if n := used[i.ID]; n > 0 {
			use = store.Plural(n, "box")
		}
		t.add(store.CleanLine(i.Ref), fmt.Sprintf("%d MB", i.Size/1_000_000), i.Created.Local().Format(time.DateTime), use,
			store.CleanLine(i.BaseDigest), strings.Join(notes, ", "))
	}
	if err := t.write(a.out, a.screenWidth()); err != nil || others < 3 {
		return err
	}
	_, err := fmt.Fprintf(a.errOut, "%d were prepared by other versions of glovebox; glovebox image prune removes those that nobody needs and that are older than an hour\n", others)
	return err
}
