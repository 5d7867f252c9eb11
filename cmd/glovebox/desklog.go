package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"glovebox/runner"
	"glovebox/store"
	"glovebox/store/bundle"
	"glovebox/store/redact"
	"glovebox/tui"
)

// Search implements tui.Backend.
func (d *desk) Search(ctx context.Context, q store.Query) ([]store.Hit, error) {
	return d.store.Search(ctx, q)
}

// Note implements tui.Backend. What goes on here is told of it at once.
func (d *desk) Note(ctx context.Context, id string, n store.Note) (store.Event, error) {
	n.By = account()
	d.mu.Lock()
	s := d.live[id]
	d.mu.Unlock()
	if s != nil {
		return s.append(ctx, n)
	}
	return d.store.Note(ctx, id, n)
}

// Check implements tui.Backend.
func (d *desk) Check(ctx context.Context, id string) (tui.Report, error) {
	audit, err := d.store.Check(ctx, id)
	if err != nil {
		return tui.Report{}, err
	}
	r := tui.Report{Bad: !audit.Intact(), Said: verdict(audit)}
	for _, f := range audit.Sessions {
		r.More = append(r.More, describe(f))
	}
	return r, nil
}

// Export implements tui.Backend: into the working directory, redacted.
func (d *desk) Export(ctx context.Context, id, format string) (tui.Report, error) {
	name := id
	for _, f := range formats {
		if f.name == format {
			name += f.ending
		}
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return tui.Report{}, err
	}
	r, err := redact.New()
	if err != nil {
		return tui.Report{}, err
	}
	var removed []redact.Removal
	err = writeFile(path, func(w io.Writer) (err error) {
		removed, err = writeExport(ctx, w, d.store, id, format, r)
		return err
	})
	if err != nil {
		return tui.Report{}, err
	}
	out := tui.Report{Said: "wrote " + path, More: []string{"nothing had to be taken out"}}
	if len(removed) > 0 {
		out.More = []string{"taken out, in " + store.Plural(len(removed), "place") + ":"}
	}
	for _, r := range removed {
		out.More = append(out.More, removal(r))
	}
	return out, nil
}

// Import implements tui.Backend.
func (d *desk) Import(ctx context.Context, path string) (r tui.Report, err error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok { // no shell has seen it
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	err = withBundle(ctx, path, func(b *bundle.Bundle) error {
		by, in, err := takeIn(ctx, d.store, b)
		if err == nil {
			said := importTold(b.Manifest, by, lacking(ctx, in, func(use func(*runner.Engine) error) error {
				e, err := d.openEngine(ctx)
				if err != nil {
					return err
				}
				return use(e)
			}))
			r = tui.Report{Said: said[0], More: said[1:], Session: b.Manifest.Session}
		}
		return err
	})
	return r, err
}
