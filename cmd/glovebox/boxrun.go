package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"glovebox/agent"
	"glovebox/agent/budget"
	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// Exit codes of a command that could not be run, as shells have them.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

// jsonKeep is how much of each output --json holds, in bytes.
const jsonKeep = 1 << 20

// boxRun is one command for a throwaway box.
type boxRun struct {
	argv        []string
	schema      string // "": no dataset
	interactive bool   // pass a terminal's input on
	timeout     time.Duration
	puts, gets  []string // F[:DEST], PATH:HOSTPATH
}

func newBoxRunCmd(a *app) *cobra.Command {
	var r boxRun
	var image string
	var rows int
	cmd := &cobra.Command{
		Use:   "run [flags] -- CMD [ARG]…",
		Short: "Run one command in a sealed throwaway box, for scripts",
		Long: `Run one command in a sealed throwaway box. Standard input is passed on unless it
is a terminal (then with -i); standard output and error arrive as they are
written. What was run is recorded: see glovebox sessions. No time limit holds
unless --timeout sets one.

The exit status is CMD's own, or 128 and the number of the signal that ended it;
127 if there is no such program in the box, 126 if it cannot be run, 3 if
--timeout ended it, 130 if you did. When glovebox itself fails, nothing is
written to standard output, one line to standard error says why, and the status
is 2 (usage), 5 (no seal) or 7 (the engine). These may also be CMD's own: where
that matters use --json, which writes one object if, and only if, CMD ran. It
holds the first and last half MiB of each output, as valid UTF-8.`,
		Example: `  glovebox box run -- uname -a
  glovebox box run --file script.py --timeout 60s -- python3 script.py <in >out
  glovebox box run --data shop -- sqlite3 /data/shop.db 'SELECT count(*) FROM orders'
  glovebox box run --out report.txt:report.txt -- sh -c 'date >report.txt'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("box run needs a command", "glovebox box run -- uname -a")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r.argv = args
			if cmd.Flags().Changed("rows") && (rows < 1 || r.schema == "") {
				return usageError("--rows needs --data, and a number above 0", "glovebox box run --data shop --rows 100 -- CMD")
			}
			d, err := a.openDesk(cmd.Context())
			if err != nil {
				return err
			}
			if r.schema != "" {
				d.cfg.Data.takeSchema(r.schema)
			}
			if rows > 0 && d.cfg.Data.Plan != "" {
				return errors.Join(usageError("--rows: the plan "+d.cfg.Data.Plan+" says how many rows each table has", "glovebox data plan --rows N"), d.close())
			}
			if rows > 0 {
				d.cfg.Data.Rows = rows
			}
			if image != "" {
				d.cfg.Box.Image = image
			}
			return errors.Join(a.boxRun(cmd.Context(), d, r), d.close())
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // the flags of CMD are its own
	f.StringVar(&r.schema, "data", "", "put the dataset of `SCHEMA` into /data, or the masked file of masked:FILE")
	f.IntVar(&rows, "rows", 0, "`N` rows in the dataset's largest tables")
	f.StringArrayVar(&r.puts, "file", nil, "put the file `F[:DEST]` into the box, below /work (repeatable)")
	f.StringArrayVar(&r.gets, "out", nil, "when CMD has ended, copy `PATH:HOSTPATH` out of the box (repeatable)")
	f.DurationVar(&r.timeout, "timeout", 0, "end CMD after so `LONG`, such as 60s")
	f.StringVar(&image, "image", "", "image `REF` of the box")
	f.BoolVarP(&r.interactive, "interactive", "i", false, "pass standard input on even if it is a terminal")
	return cmd
}

// A statusError is how the command in a box ended, when not well.
type statusError struct {
	code int
	how  string
}

func (e *statusError) Error() string { return e.how }

func (a *app) boxRun(ctx context.Context, d *desk, r boxRun) error {
	files, err := r.files()
	if err != nil {
		return err
	}
	err = a.throwaway(ctx, d, r.schema, r.argv, func(s *session) error {
		for _, f := range files {
			if err := s.bring(ctx, f); err != nil {
				return err
			}
		}
		result, err := s.exec(ctx, r.argv, func(ctx context.Context) (runner.Result, error) { return a.runInBox(ctx, s.box, r) })
		if err != nil {
			return err
		}
		ended := r.ended(result)
		if err := a.fetch(ctx, s.box, r.gets, int64(d.cfg.Box.Disk), ended == nil); err != nil {
			return err
		}
		if a.flags.json {
			err = a.printResult(s, result)
		}
		return errors.Join(ended, err)
	})
	return a.ownStatus(err)
}

// ownStatus makes the command's exit status our own, without a word.
func (a *app) ownStatus(err error) error {
	var status *statusError
	if errors.As(err, &status) {
		return &exitError{code: status.code, err: err}
	}
	return explain(err)
}

// boxModel stands where a session has its model.
const boxModel = "none"

// throwaway runs use with a sealed box that is destroyed afterwards, all of it
// recorded as a session without a model: its prompt is the command line.
func (a *app) throwaway(ctx context.Context, d *desk, schema string, argv []string, use func(*session) error) error {
	show, _ := a.printer(0, false)
	notices := func(u agent.Update) {
		if u.Event == nil {
			show(u)
		}
	}
	var p plan
	if err := p.planBox(ctx, d, schema, notices); err != nil {
		return err
	}
	s := &session{observe: notices, stop: func() {}}
	var err error
	s.log, err = d.store.Begin(ctx, store.SessionStarted{
		Program: version, Model: boxModel, Config: d.cfg.json(), Policy: json.RawMessage("{}"), Recipe: p.recorded(), Rigor: d.cfg.Rigor,
	}, store.CurrentOwner())
	if err != nil {
		return err
	}
	if err = s.record(ctx, store.Prompt{Text: commandLine(argv)}); err == nil {
		err = s.furnish(ctx, d, p)
	}
	if err == nil {
		err = use(s)
	}
	if ctx.Err() != nil {
		err = errors.Join(agent.Interruption{By: "signal"}, s.record(ctx, store.Interrupted{By: "signal"}))
	}
	var (
		status *statusError
		known  *exitError
	)
	s.last = err
	if err != nil && ctx.Err() == nil && !errors.As(err, &status) && !errors.As(err, &known) {
		err = errors.Join(err, s.record(ctx, store.Failure{Code: failureCode(err), Message: err.Error()}))
	}
	return errors.Join(err, s.Close(ctx))
}

// exec records the command, runs it and records what came of it.
func (s *session) exec(ctx context.Context, argv []string, run func(context.Context) (runner.Result, error)) (runner.Result, error) {
	args, err := json.Marshal(map[string]any{"command": commandLine(argv), "argv": argv})
	if err != nil {
		return runner.Result{}, err
	}
	if err := s.record(ctx, store.ToolCall{CallID: "1", Tool: "shell", Arguments: args}); err != nil {
		return runner.Result{}, err
	}
	r, err := run(ctx)
	result := store.ToolResult{
		CallID: "1", Tool: "shell", Exit: r.Exit, Signal: r.Signal, TimedOut: r.TimedOut,
		Stdout: valid(r.Stdout), StdoutCut: r.StdoutCut, Stderr: valid(r.Stderr), StderrCut: r.StderrCut,
		DurationMS: float64(r.Duration.Microseconds()) / 1000,
	}
	switch {
	case ctx.Err() != nil:
		result.Error = "interrupted"
	case err != nil:
		result.Error = err.Error()
	}
	return r, errors.Join(err, s.record(ctx, result))
}

func valid(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// runInBox runs the command with our standard streams.
func (a *app) runInBox(ctx context.Context, box *runner.Box, r boxRun) (runner.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // lets go of standard input
	cmd := runner.Command{Argv: r.argv, Timeout: r.timeout}
	if r.interactive || !isTerminal(a.in) {
		cmd.Stdin = whileReader{ctx, a.in}
	}
	if a.flags.json {
		cmd.Keep = jsonKeep
	} else {
		outs := [2]io.Writer{forPerson(a.out), forPerson(a.errOut)}
		cmd.Output = func(stderr bool, chunk []byte) {
			w := outs[0]
			if stderr {
				w = outs[1]
			}
			if err := writeWhile(ctx, w, chunk); err != nil {
				cancel(err)
			}
		}
	}
	result, err := box.Exec(ctx, cmd)
	switch {
	case errors.Is(err, syscall.EPIPE):
		// As if the command had written into the closed pipe itself.
		return result, &statusError{128 + int(unix.SIGPIPE), "standard output was closed"}
	case errors.Is(err, fs.ErrNotExist):
		return result, &exitError{code: exitNotFound, msg: fmt.Sprintf("there is no program %s in the box", r.argv[0]), err: err}
	case err != nil && ctx.Err() == nil && !errors.Is(err, runner.ErrBoxLost):
		return result, &exitError{code: exitCannotRun, msg: "in the box: " + err.Error(), err: err}
	}
	if err == nil && result.OverMem {
		fmt.Fprintln(a.errOut, "glovebox: the box's memory limit was reached, and the largest process killed; raise box.memory in glovebox.toml")
	}
	return result, err
}

// ended is nil if the command ended well.
func (r boxRun) ended(result runner.Result) error {
	switch {
	case result.TimedOut:
		return &exitError{
			code: exitLimit, msg: fmt.Sprintf("%s was ended after %s", store.CleanLine(r.argv[0]), r.timeout), hint: "a longer --timeout",
			err: &agent.LimitError{Over: budget.Over{Limit: "timeout", Value: r.timeout.Seconds(), Max: r.timeout.Seconds()}},
		}
	case result.Exit == nil:
		return &statusError{128 + int(unix.SignalNum(result.Signal)), "ended by " + result.Signal}
	case *result.Exit != 0:
		return &statusError{*result.Exit, fmt.Sprint("exit status ", *result.Exit)}
	}
	return nil
}

// printResult is what --json says of a command that ran.
func (a *app) printResult(s *session, r runner.Result) error {
	return a.printJSON(struct {
		Exit       *int    `json:"exit"`   // null: a signal ended it
		Signal     string  `json:"signal"` // "SIGKILL", or ""
		TimedOut   bool    `json:"timed_out"`
		OverMemory bool    `json:"over_memory"`
		Stdout     string  `json:"stdout"`
		Stderr     string  `json:"stderr"`
		StdoutCut  int64   `json:"stdout_cut"` // bytes left out of the middle
		StderrCut  int64   `json:"stderr_cut"`
		DurationMS float64 `json:"duration_ms"`
		Box        string  `json:"box"`
		Session    string  `json:"session"`
	}{
		r.Exit, r.Signal, r.TimedOut, r.OverMem, valid(r.Stdout), valid(r.Stderr), r.StdoutCut, r.StderrCut,
		float64(r.Duration.Microseconds()) / 1000, s.box.Info().Name, s.ID(),
	})
}

// commandLine is argv as a shell would be given it.
func commandLine(argv []string) string {
	words := make([]string, len(argv))
	for i, arg := range argv {
		plain := arg != "" && strings.IndexFunc(arg, func(r rune) bool {
			return !strings.ContainsRune("+-./:=@_,%", r) && (r > 'z' || r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
		}) < 0
		if words[i] = arg; !plain {
			words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
