package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"glovebox/fakedata"
	"glovebox/runner"
	"glovebox/store"
	"glovebox/store/bundle"

	"github.com/spf13/cobra"
)

func newImportCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Take in a session that somebody handed on",
		Long: `Take in a session from a bundle. Nothing of it is run: it is checked whole, its
signature included, and then is in the log like one's own, to be shown,
replayed, searched and noted on. What a rerun would need that is not here is said.`,
		Example: "  glovebox import tuesday.gbx",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return usageError("import needs one bundle", "glovebox import FILE.gbx")
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.importBundle(cmd.Context(), args[0]) },
	}
}

// withBundle opens a bundle and hands it to do. One that is not intact ends with exit code 1.
func withBundle(ctx context.Context, path string, do func(*bundle.Bundle) error) error {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err == nil && !info.Mode().IsRegular() {
		return usageError(fmt.Sprintf("%s is not a file", path), "")
	}
	f, err := os.Open(path)
	if err != nil {
		return usageError(fileSays(path, err), "glovebox export ID, which writes a bundle")
	}
	defer f.Close()
	b, err := bundle.Open(ctx, f, info.Size())
	if err == nil {
		err = do(b)
	}
	if errors.Is(err, store.ErrBroken) {
		return &exitError{code: exitNo, msg: fmt.Sprintf("%s: %v", path, err), err: err}
	}
	return err
}

// whose says whose key a bundle is signed with. Another key for a log that is
// known is a forgery.
func whose(ctx context.Context, s *store.Store, b *bundle.Bundle) (string, error) {
	known := ""
	if s != nil {
		var err error
		if known, err = s.KnownKey(ctx, b.Manifest.Evidence.Log); err != nil {
			return "", err
		}
		own, err := s.LogID(ctx)
		if err != nil {
			return "", err
		}
		if own == b.Manifest.Evidence.Log && known == b.Manifest.Key {
			return "this log's own key", nil
		}
	}
	name := bundle.KeyName(b.Manifest.Key)
	switch known {
	case b.Manifest.Key:
		return "foreign key " + name + ", the one that log " + b.Manifest.Evidence.Log + " was first seen with", nil
	case "":
		return "foreign key " + name + ", never seen before: ask whoever handed it on whether it is theirs", nil
	}
	return "", fmt.Errorf("%w: it is signed by %s, and log %s has another key", store.ErrBroken, name, store.CleanLine(b.Manifest.Evidence.Log))
}

func (a *app) importBundle(ctx context.Context, path string) error {
	return withBundle(ctx, path, func(b *bundle.Bundle) error {
		s, err := a.openStore(ctx)
		if err != nil {
			return err
		}
		by, in, err := takeIn(ctx, s, b)
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
		m := b.Manifest
		lacks := lacking(ctx, in, func(use func(*runner.Engine) error) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			e, err := runner.Open(ctx, engineOptions(cfg))
			if err != nil {
				return err
			}
			return errors.Join(use(e), e.Close())
		})
		if a.flags.json {
			return a.printJSON(struct {
				Session string   `json:"session"`
				Events  int64    `json:"events"`
				Log     string   `json:"log"`
				Key     string   `json:"key"`
				Missing []string `json:"missing"`
			}{m.Session, m.Events, m.Evidence.Log, m.Key, append(lacks, missing(b.Recipe, os.Getenv)...)})
		}
		for _, line := range importTold(m, by, lacks) {
			fmt.Fprintln(a.out, line)
		}
		for _, line := range missing(b.Recipe, os.Getenv) {
			fmt.Fprintf(a.out, "to ask its model again: %s\n", store.CleanLine(line))
		}
		return nil
	})
}

// takeIn imports a bundle, and says whose key it is signed with; in is the session.
func takeIn(ctx context.Context, s *store.Store, b *bundle.Bundle) (by string, in *past, err error) {
	m := b.Manifest
	by, err = whose(ctx, s, b)
	if err == nil {
		err = s.Import(ctx, store.Import{Session: m.Session, Events: b.Events(ctx), Evidence: m.Evidence})
	}
	if errors.Is(err, store.ErrExists) {
		err = &exitError{code: exitUsage, msg: err.Error(), hint: "glovebox replay " + m.Session, err: err}
	}
	if err == nil {
		in, err = recallSession(ctx, s, m.Session)
	}
	return by, in, err
}

// importTold is what a person is told of an imported session, and of what a rerun lacks.
func importTold(m bundle.Manifest, by string, lacking []string) []string {
	said := []string{
		fmt.Sprintf("session %s: %s, %s", m.Session, store.Plural(m.Events, "event"), store.CleanLine(m.Title)),
		fmt.Sprintf("intact, root %s", m.Root), // as check says it where it was recorded
		fmt.Sprintf("from log %s, signed by %s", store.CleanLine(m.Evidence.Log), by),
	}
	if n := m.Gone(); n > 0 {
		said = append(said, fmt.Sprintf("something was taken out of %s before it was handed on", store.Plural(n, "field")))
	}
	for _, line := range lacking {
		said = append(said, "to rerun it: "+store.CleanLine(line))
	}
	return said
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// missing is what its model needs that is not, or may not be, here.
func missing(r bundle.Recipe, getenv func(string) string) []string {
	out := []string{}
	kind, name, _ := strings.Cut(r.Started.Model, ":")
	provider, _, _ := strings.Cut(r.Started.Model, "/")
	switch {
	case kind == "script" && name != "demo":
		// Somebody else's path is looked at only below this directory.
		if !filepath.IsLocal(name) || !isFile(name) {
			out = append(out, fmt.Sprintf("the script %s is not here", filepath.Base(name)))
		}
	case provider == "openai" && getenv("OPENAI_API_KEY") == "" && getenv("OPENAI_BASE_URL") == "":
		out = append(out, fmt.Sprintf("model %s needs OPENAI_API_KEY, or OPENAI_BASE_URL", r.Started.Model))
	}
	return out
}

// lacking is what a rerun of an imported session needs that is not here, or
// would be another one, and what to do.
func lacking(ctx context.Context, r *past, engine func(use func(*runner.Engine) error) error) []string {
	out := []string{}
	if r.calls == 0 {
		return out
	}
	if d := r.started.Recipe; d != nil && d.Masked() {
		out = append(out, "its dataset is a masked file, which no bundle holds, "+d.Generator+`: name it under [data] of glovebox.toml, schema = "masked:FILE"`)
	} else if d != nil && d.Generator != fakedata.Generator {
		out = append(out, fmt.Sprintf("its dataset was made by generator %s, this program has %s: the rows will differ", d.Generator, fakedata.Generator))
	}
	for _, e := range r.puts {
		if len(out) == 20 {
			out = append(out, "more files were brought into it")
			break
		}
		if put := e.Body.(store.FilePut); wasBrought(put) {
			out = append(out, fmt.Sprintf("the file %s was brought into it, which no bundle holds: glovebox rerun %s --file %s (SHA-256 %s)", path.Base(put.Path), r.sum.ID, path.Base(put.Path), put.SHA256))
		}
	}
	if line := lackingImage(ctx, r, engine); line != "" {
		out = append(out, line)
	}
	if r.started.Program != version {
		out = append(out, fmt.Sprintf("it was recorded by glovebox %s, this is %s", r.started.Program, version))
	}
	return out
}

// lackingImage says whether the image of a session is here; "": it is.
func lackingImage(ctx context.Context, r *past, engine func(use func(*runner.Engine) error) error) string {
	if r.box == nil {
		return "which image it had was not recorded: glovebox rerun " + r.sum.ID + " --image auto"
	}
	box := r.box.Body.(store.BoxCreated)
	then, root := box.ImageDigest, ""
	if box.Base != nil {
		then, root = box.Base.Digest, box.Base.Root
	}
	said := fmt.Sprintf("the image %s (%s) is not here: glovebox image prepare %s, or glovebox rerun %s --image auto", box.Image, then, box.Image, r.sum.ID)
	if box.Image == "auto" {
		said = fmt.Sprintf("it had the image auto (%s); there is none here yet, a rerun makes it, and what differs by that will show", then)
	}
	err := engine(func(e *runner.Engine) error {
		_, ok, err := e.PreparedFrom(ctx, box.Image, then, root)
		if err != nil || ok {
			said = ""
			return err
		}
		img, ok, err := e.Prepared(ctx, box.Image)
		if ok {
			is := img.BaseDigest
			if root != "" && img.BaseRoot != "" {
				then, is = root, img.BaseRoot // what is in them is what matters
			}
			said = fmt.Sprintf("it had the image %s as %s; here that is %s, and what differs by that will show", box.Image, then, is)
		}
		return err
	})
	if err != nil {
		return fmt.Sprintf("it had the image %s as %s; whether that is here cannot be told: %v", box.Image, then, err)
	}
	return said
}
