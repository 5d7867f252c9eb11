package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"glovebox/fakedata"
	"glovebox/fakedata/mask"
)

// maskedPrefix marks a data.schema, or --data, that is no schema but a file of
// glovebox data mask.
const maskedPrefix = "masked:"

// planMasked decides on a masked file as the dataset. One without the proof
// that nothing real survives in it is refused.
func (p *plan) planMasked(ctx context.Context, d *desk, file string) (err error) {
	if d.cfg.Data.Mess > 0 || d.cfg.Data.Plan != "" {
		return errors.New("data.mess and data.plan are for generated datasets: a masked file stays as it is")
	}
	if file == "" {
		return errors.New("where the session's masked file is now is not known")
	}
	if p.masked, err = mask.Verify(file); err != nil {
		return err
	}
	if p.describe, err = mask.Describe(ctx, file); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if p.schema, err = fakedata.Load(ctx, file); err != nil {
		return err
	}
	p.maskedFile, p.recipe = file, d.cfg.Data.recipe(p.schema)
	p.recipe.Generator = p.masked.String()
	if d.resume != nil && d.resume.Recipe != nil && d.resume.Recipe.Generator != p.recipe.Generator {
		return fmt.Errorf("%s is not the file that the session had, %s", file, d.resume.Recipe.Generator)
	}
	return nil
}

// about is DATA.md.
func (p *plan) about() string {
	if p.masked != nil {
		return p.describe
	}
	return fakedata.Describe(p.schema, p.recipe)
}

// makeData makes the dataset, or copies the masked file and sees that it is
// still the one that the proof is about. It stops where the file would not
// fit the box: a recipe from elsewhere may want to fill this disk.
func (p *plan) makeData(ctx context.Context, to fakedata.Target) error {
	if p.masked != nil {
		return p.copyMasked(to)
	}
	tooLarge := usageError(fmt.Sprintf("the dataset does not fit the box, whose disk is %s", p.room), "fewer rows in [data], or more disk in [box]")
	to.Most = int64(p.room)
	err := fakedata.Generate(ctx, p.schema, p.recipe, to, nil)
	if errors.Is(err, fakedata.ErrTooLarge) {
		return tooLarge
	}
	return err
}

func (p *plan) copyMasked(to fakedata.Target) error {
	from, err := os.Open(p.maskedFile)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if sum, _, err := fakedata.Digest(to.Path); err != nil || sum != p.masked.SHA256 {
		return errors.Join(fmt.Errorf("%s was changed while the session began", p.maskedFile), err)
	}
	return nil
}

// maskedAgain is the schema of a session on a masked file that goes on: where
// the configuration says that a masked file is now, or else where the session's
// own said then; somebody else's path is looked at only below this directory.
// That it is the same file, its proof has to show.
func maskedAgain(now string, config []byte, foreign bool) string {
	if _, ok := maskedFile(now); ok {
		return now
	}
	var then struct{ Data struct{ Schema string } }
	if err := json.Unmarshal(config, &then); err != nil {
		return maskedPrefix // no file is called that
	}
	if file, ok := maskedFile(then.Data.Schema); ok && (!foreign || filepath.IsLocal(file)) {
		return then.Data.Schema
	}
	return maskedPrefix
}

// maskedFile is the file that a schema's name means, if it means one.
func maskedFile(schema string) (string, bool) { return strings.CutPrefix(schema, maskedPrefix) }
