package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"glovebox/agent"
	"glovebox/agent/budget"
	"glovebox/store"
)

const (
	maxImage  = 8 << 20 // bytes of one image
	maxImages = 8
	refits    = 2 // how often a model may try again to give an answer that fits
)

// shape prepares what a prompt brings beside its text: the form of the answer
// and images.
func (d *desk) shape(form string, images []string) error {
	if form != "" {
		data, err := readBounded(form)
		if err == nil {
			d.form, err = agent.NewForm(data)
		}
		if err != nil {
			return usageError("--answer "+form+": "+err.Error(), "a file that holds a JSON Schema: {\"type\": \"object\", …}")
		}
	}
	if len(images) > maxImages {
		return usageError(fmt.Sprintf("%d images; at most %d go with a prompt", len(images), maxImages), "")
	}
	for _, file := range images {
		data, err := readBounded(file)
		kind := http.DetectContentType(data)
		switch {
		case err != nil:
		case len(data) > maxImage:
			err = fmt.Errorf("it is larger than %d MiB", maxImage>>20)
		case !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind):
			err = errors.New("it is no PNG, JPEG, GIF or WebP image")
		}
		if err != nil {
			return usageError("--image "+file+": "+err.Error(), "a picture for the model; which image the box runs is said by [box] image in glovebox.toml")
		}
		d.images = append(d.images, store.Image{Name: filepath.Base(file), Type: kind, Data: base64.StdEncoding.EncodeToString(data)})
	}
	if len(images) == 0 {
		return nil
	}
	name, err := d.cfg.modelName()
	if err != nil {
		return err
	}
	if e, known := budget.NewCatalog().Find(name); known && !e.Images {
		return usageError(fmt.Sprintf("the model %s takes no images, as %s has it", name, budget.Snapshot), "glovebox models")
	}
	return nil
}

// gist is what a run says of its session in the end.
type gist struct {
	answer  string // the last whole one without tool calls
	unasked int    // calls that were denied because nobody was there to ask
}

func (g *gist) watch(show func(agent.Update)) func(agent.Update) {
	return func(u agent.Update) {
		if u.Event != nil {
			switch b := u.Event.Body.(type) {
			case store.ModelResponse:
				if len(b.ToolCalls) == 0 && !b.Partial {
					g.answer = b.Text
				}
			case store.Decision:
				if b.By == "headless" && b.Verdict == "deny" {
					g.unasked++
				}
			}
		}
		show(u)
	}
}

// fit writes the answer to standard output as JSON once it fits. A model that
// gives another is told, and may try again.
func (a *app) fit(ctx context.Context, s *session, form *agent.Form, g *gist) error {
	for try := 0; ; try++ {
		answer, err := form.Fit(g.answer)
		if err == nil {
			if a.flags.json { // its line is there
				return nil
			}
			_, err = io.WriteString(a.out, answer+"\n")
			return err
		}
		if try == refits {
			err = &exitError{code: exitModel, msg: "the model's last answer does not fit the schema: " + err.Error(), hint: "another model, or a simpler schema", err: err}
			s.fail(err)
			return err
		}
		told := "Your answer does not fit: " + strings.TrimSuffix(err.Error(), ".") + ". Give it again, as JSON only."
		if err := s.Prompt(ctx, told); err != nil {
			return err
		}
	}
}
