// Package mask turns a SQLite file or a CSV file with real data into its twin
// for a sandbox: the same structure and references, other values.
//
// It promises: the same value has the same pseudonym wherever it stands, and
// two values never share one; what refers goes on referring, declared or not;
// NULLs, lengths, cases and separators stay; the output is a new file made row
// by row; memory does not grow with rows; the same key, plan and file give the
// same bytes. A column is passed through only where the schema lists its
// values, or where they are few and none of them rare, or where a plan says so.
// After writing, the output is searched for the original values (leak.go); if
// one is found there is no output.
//
// It does not promise anonymity: pseudonyms keep frequencies and relations, and
// who knows enough about a person may find them. What the search cannot see is
// said in leak.go.
//
// It never opens the source for writing, runs nothing of it but the CHECKs,
// generated columns and index expressions that its schema puts on the output,
// and writes no original value anywhere, not even to a temporary file.
//
// Begin in infer.go, which chooses a method for each column; value.go carries
// the methods out, source.go reads, write.go writes.
package mask

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"glovebox/fakedata"
)

// Generator is the fingerprint of the method: it changes whenever a key would
// give other pseudonyms than before.
const Generator = "mask/1"

// Options say how a file is masked.
type Options struct {
	Key      *Key
	Plan     string // text, see WritePlan; "": all is inferred
	Progress func(step string, done, total int64)
}

// File masks the file at from into a new file at to, mode 0600, and beside it
// to+".mask.json", its Proof. A name that ends in .csv or .tsv gets CSV, any
// other SQLite. On an error, of which ErrLeak is one, neither is left.
func File(ctx context.Context, from, to string, o Options) (p *Proof, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("masking %s: %w", filepath.Base(from), err)
		}
	}()
	src, err := open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	sv, err := survey(ctx, src, o.Progress)
	if err != nil {
		return nil, err
	}
	pl, err := newPlan(src, sv, o.Plan)
	if err != nil {
		return nil, err
	}
	if err := sv.remember(ctx, src, pl, o.Progress); err != nil {
		return nil, err
	}
	for _, path := range []string{to, proofPath(to)} {
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s exists already", path)
		}
	}
	led, err := openLedger(ctx, to+".ledger")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, led.close()) }()
	defer func() {
		if err != nil {
			os.Remove(to)
			os.Remove(proofPath(to))
		}
	}()
	m := &masker{key: o.Key, plan: pl, originals: sv.originals, ledger: led}
	if err := write(ctx, src, to, m, o.Progress); err != nil {
		return nil, err
	}
	if err := src.unchanged(); err != nil {
		return nil, err
	}
	leaks, err := check(ctx, src, to, pl, sv, o.Progress)
	if err != nil {
		return nil, err
	}
	p = &Proof{Format: proofFormat, Generator: Generator, Key: o.Key.Fingerprint(), Plan: pl.digest(), Leaks: *leaks, Notes: src.notes}
	if p.SHA256, p.Bytes, err = fakedata.Digest(to); err != nil {
		return nil, err
	}
	if p.Groups, err = led.groups(ctx, pl); err != nil {
		return nil, err
	}
	for i := range pl.tables {
		p.Rows += sv.tables[i].rows
	}
	p.Tables = len(pl.tables)
	p.Retries, p.Longer, p.Unmoved = m.retries, m.longer, m.unmoved
	return p, p.write(to)
}

// WritePlan is the plan by which File would mask the file at path, as TOML to
// read and to edit: per column the method and, as a comment, why.
func WritePlan(ctx context.Context, path string, o Options) (text string, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	src, err := open(ctx, path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	defer func() { err = errors.Join(err, src.close()) }()
	sv, err := survey(ctx, src, o.Progress)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	pl, err := newPlan(src, sv, o.Plan)
	if err != nil {
		return "", err
	}
	return pl.text(), nil
}

func isCSV(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".csv" || ext == ".tsv"
}

// quote makes an SQL identifier of any name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
