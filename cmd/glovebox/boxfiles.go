package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"glovebox/runner"
	"glovebox/store"
)

// hostFile is a file on its way into the box.
type hostFile struct {
	from, to string
	mode     fs.FileMode
}

// files finds out what can be wrong with --file and --out before a box is made.
func (r boxRun) files() ([]hostFile, error) {
	for _, get := range r.gets {
		from, to, ok := strings.Cut(get, ":")
		if !ok || from == "" || to == "" {
			return nil, usageError(fmt.Sprintf("--out %q: write it as PATH:HOSTPATH", get), "--out report.txt:report.txt")
		}
		if st, err := os.Stat(to); err == nil && st.IsDir() {
			return nil, usageError(fmt.Sprintf("--out %s: %s is a directory", get, to), "--out "+from+":"+filepath.Join(to, path.Base(from)))
		}
		if st, err := os.Stat(filepath.Dir(to)); err != nil || !st.IsDir() {
			return nil, usageError(fmt.Sprintf("--out %s: there is no directory %s", get, filepath.Dir(to)), commandLine([]string{"mkdir", "-p", filepath.Dir(to)}))
		}
	}
	var files []hostFile
	for _, put := range r.puts {
		from, to, _ := strings.Cut(put, ":")
		if to == "" || strings.HasSuffix(to, "/") {
			to = path.Join(to, filepath.Base(from))
		}
		st, err := os.Stat(from)
		if err != nil {
			return nil, &exitError{code: exitUsage, msg: "--file: " + fileSays(from, err), err: err}
		}
		if !st.Mode().IsRegular() {
			return nil, usageError(fmt.Sprintf("--file: %s is not a regular file", from), "")
		}
		if !path.IsAbs(to) {
			to = path.Join("/work", to)
		}
		files = append(files, hostFile{from, to, st.Mode().Perm() | 0o644})
	}
	return files, nil
}

// bring puts a file of the person's into the box.
func (s *session) bring(ctx context.Context, f hostFile) error {
	r, err := os.Open(f.from)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := s.place(ctx, f.to, f.mode, r); err != nil {
		return fmt.Errorf("--file %s: %w", f.from, err)
	}
	return nil
}

// fetch copies files out of the box, whole or not at all. One that a command
// that failed did not make is no news; required says that it did not fail.
func (a *app) fetch(ctx context.Context, box *runner.Box, gets []string, limit int64, required bool) error {
	for _, get := range gets {
		from, to, _ := strings.Cut(get, ":")
		err := fetchFile(ctx, box, from, to, limit)
		if errors.Is(err, fs.ErrNotExist) && !required {
			fmt.Fprintf(a.errOut, "glovebox: --out: there is no %s in the box\n", store.CleanLine(from))
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			return &exitError{code: exitNo, msg: fmt.Sprintf("--out: there is no %s in the box", from), hint: "a path below /work, or a whole one", err: err}
		}
		if err != nil {
			return &exitError{code: exitNo, msg: fmt.Sprintf("--out %s: %v", from, err), err: err}
		}
	}
	return nil
}

func fetchFile(ctx context.Context, box *runner.Box, from, to string, limit int64) error {
	f, err := os.CreateTemp(filepath.Dir(to), ".glovebox-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	// A box can name a file of any length that takes no room.
	size, err := box.Get(ctx, from, 0, limit, f)
	if err == nil && size > limit {
		err = fmt.Errorf("it has %d bytes, and box.disk allows %d", size, limit)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}
