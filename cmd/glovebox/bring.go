package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"

	"glovebox/agent/filter"
	"glovebox/store"
)

// maxBrought bounds one file that a person brings in, in bytes.
const maxBrought = 64 << 20

// brought is a file that a person brings into the box, with what was found in it.
type brought struct {
	name string
	data []byte
	hits []filter.Hit
}

// bring reads the files that go to /work. Real personal data and secrets are
// not let in without a yes.
func (a *app) bring(files []string) ([]brought, error) {
	f, err := filter.New(filter.Config{Secrets: filter.Flag, Personal: filter.Flag})
	if err != nil {
		return nil, err
	}
	var out []brought
	for _, file := range files {
		data, err := readBounded(file)
		if err != nil {
			return nil, usageError("--file "+file+": "+err.Error(), "")
		}
		b := brought{name: filepath.Base(file), data: data}
		_, b.hits, _ = f.Pass(filter.Text{Value: string(data)})
		if len(b.hits) > 0 && !a.flags.yes {
			return nil, &exitError{
				code: exitPolicy, msg: fmt.Sprintf("%s looks as if it held real data: %s", store.CleanLine(file), filter.Sum(b.hits)),
				hint: "a synthetic one (glovebox data), or --yes if you mean it",
			}
		}
		out = append(out, b)
	}
	return out, nil
}

// looker looks at what is pasted into the workbench as bring does at files. Its
// rules are read once, when they are first needed.
func looker() func(text string) (found, marked string) {
	rules := sync.OnceValues(func() (*filter.Filter, error) {
		return filter.New(filter.Config{Secrets: filter.Redact, Personal: filter.Redact})
	})
	return func(text string) (string, string) {
		f, err := rules()
		if err != nil {
			return "it cannot be looked at: " + err.Error(), ""
		}
		marked, hits, _ := f.Pass(filter.Text{Value: text})
		return filter.Sum(hits), marked
	}
}

func readBounded(file string) ([]byte, error) {
	info, err := os.Stat(file) // before opening: a pipe would block
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.New("there is no such file")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a file")
	case info.Size() > maxBrought:
		return nil, fmt.Errorf("it is larger than %d MiB", maxBrought>>20)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBrought))
}

// bringIn puts the files into the box: on the record, with what was found.
func (s *session) bringIn(ctx context.Context, files []brought) error {
	for _, b := range files {
		for _, h := range b.hits {
			if err := s.record(ctx, store.Filtered{Where: "file", What: h.Kind, Rule: h.Rule, Action: h.Action, Count: h.Count}); err != nil {
				return err
			}
		}
		if err := s.place(ctx, path.Join("/work", b.name), 0o644, bytes.NewReader(b.data)); err != nil {
			return err
		}
	}
	return nil
}
