package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"glovebox/agent"
	"glovebox/runner"
	"glovebox/store"
)

// inBox lets the agent use a runner's box.
type inBox struct {
	box     *runner.Box
	timeout time.Duration // of a command that names none
}

func lost(err error) error {
	if errors.Is(err, runner.ErrBoxLost) {
		return lostBox{err}
	}
	return err
}

// lostBox is runner.ErrBoxLost in the agent's terms.
type lostBox struct{ error }

func (e lostBox) Unwrap() error      { return e.error }
func (lostBox) Is(target error) bool { return target == agent.ErrBoxLost }

func (b inBox) Exec(ctx context.Context, cmd agent.Command, onOutput func(bool, []byte)) (agent.Result, error) {
	c := runner.Command{Argv: cmd.Argv, Dir: cmd.Dir, Timeout: cmd.Timeout, Output: onOutput}
	if c.Timeout == 0 {
		c.Timeout = b.timeout
	}
	if cmd.Stdin != nil {
		c.Stdin = bytes.NewReader(cmd.Stdin)
	}
	r, err := b.box.Exec(ctx, c)
	if r.OverMem {
		r.Stderr = append(r.Stderr, "\nglovebox: killed, the box's memory limit was reached\n"...)
	}
	if r.OverPids {
		r.Stderr = append(r.Stderr, "\nglovebox: killed, it kept the box full of processes; the limit counts threads too\n"...)
	}
	if r.OverNames {
		r.Stderr = append(r.Stderr, "\nglovebox: killed, a writable place may not hold so many files; remove some\n"...)
	}
	if r.OverOutput {
		r.Stderr = fmt.Appendf(r.Stderr, "\nglovebox: killed, a command may print at most %d MiB; write to a file instead\n", runner.DefaultMaxOutput>>20)
	}
	if r.Killed > 0 {
		r.Stderr = fmt.Appendf(r.Stderr, "\nglovebox: %s ended with the command\n", store.Plural(r.Killed, "background process"))
	}
	return agent.Result{
		Exit: r.Exit, Signal: r.Signal, TimedOut: r.TimedOut, Stdout: r.Stdout, Stderr: r.Stderr,
		StdoutCut: r.StdoutCut, StderrCut: r.StderrCut, Duration: r.Duration,
	}, lost(err)
}

func (b inBox) ReadFile(ctx context.Context, path string, offset, limit int64) ([]byte, int64, error) {
	var buf bytes.Buffer
	size, err := b.box.Get(ctx, path, offset, limit, &buf)
	return buf.Bytes(), size, lost(err)
}

func (b inBox) WriteFile(ctx context.Context, path string, data []byte) error {
	_, err := b.box.Put(ctx, path, 0o644, bytes.NewReader(data))
	return lost(err)
}

// sqlCommand runs a query in the box with what its image has: the sqlite3
// shell, else Python's module. Both print CSV with a header line, NULL as NULL.
// The shell is one that knows -safe: without it, SQL can run programs (edit) and
// write files (writefile, ATTACH), past the rules for those.
func sqlCommand(database string) func(query string) agent.Command {
	return func(query string) agent.Command {
		return agent.Command{Argv: []string{"/bin/sh", "-c", sqlScript, "sql", database}, Stdin: []byte(query)}
	}
}

const sqlScript = `if sqlite3 -safe :memory: "" </dev/null 2>/dev/null; then
  exec sqlite3 -safe -batch -bail -csv -header -nullvalue NULL "$1"
fi
exec python3 -c '
import csv, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
out, statement = csv.writer(sys.stdout), ""
try:
    for line in sys.stdin.read().splitlines(True) + ["\n;"]:
        statement += line
        if not sqlite3.complete_statement(statement):
            continue
        rows = db.execute(statement)
        statement = ""
        if rows.description:
            out.writerow([c[0] for c in rows.description])
            out.writerows(["NULL" if v is None else v for v in row] for row in rows)
except sqlite3.Error as e:
    sys.exit("Error: %s" % e)
' "$1"`

// boxCreated is the record of a box.
func boxCreated(e runner.Info, b runner.BoxInfo) store.BoxCreated {
	r := store.BoxCreated{
		Box: b.Name, Container: b.Container, Image: b.Image.Ref, ImageDigest: b.Image.Digest, Runtime: b.Runtime,
		Engine: fmt.Sprintf("podman %s rootless as %s", e.Version, e.Account), UID: b.UID,
		ReadyMS: float64(b.Ready.Microseconds()) / 1000,
		Base:    &store.BaseImage{Digest: b.Image.BaseDigest, Was: b.Image.Was, HostUsr: b.Image.HostUsr(), Root: b.Image.BaseRoot, Init: b.Image.Init},
	}
	for _, p := range b.Seal {
		r.Seal = append(r.Seal, store.Proof{Probe: p.Probe, Layer: p.Layer, Verdict: string(p.Verdict), Evidence: p.Evidence})
	}
	for _, l := range b.Limits {
		r.Limits = append(r.Limits, store.Limit{Name: l.Name, Value: l.Value, Enforced: l.Enforced})
	}
	return r
}
