package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"glovebox/agent"
	"glovebox/store"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
)

// maxPrompt bounds a prompt read from standard input, in bytes.
const maxPrompt = 1 << 20

// errand is what run was asked for beside the prompt.
type errand struct {
	resume, form         string
	raise, files, images []string
}

func newRunCmd(a *app) *cobra.Command {
	var e errand
	cmd := &cobra.Command{
		Use:   "run PROMPT",
		Short: "Run one session without a screen: text, or --json for events",
		Long: `Run one session without a screen. A new box and dataset are made for it and
destroyed with it; the recording stays. PROMPT may be "-" for standard input.`,
		Example: `  glovebox run "which customers look odd?"
  glovebox run --model ollama/qwen3 - <prompt.txt
  glovebox run --resume last --raise cost=2`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && e.resume != "" {
				return nil
			}
			return usageError("run needs one prompt, in quotes, or - to read it from standard input", `glovebox run "which customers look odd?"`)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			prompt, err := "Go on where you stopped.", error(nil)
			if len(args) == 1 {
				prompt, err = a.prompt(args[0])
			}
			if err != nil {
				return err
			}
			return a.runOnce(cmd.Context(), prompt, e)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&e.raise, "raise", nil, "`LIMIT=VALUE` for this run only, such as cost=2 or turns=100; may be repeated")
	f.StringArrayVar(&e.files, "file", nil, "put `FILE` into the box's /work; what looks like real data needs --yes")
	f.StringArrayVar(&e.images, "image", nil, "show the model the picture in `FILE` with the prompt (PNG, JPEG, GIF, WebP)")
	f.StringVar(&e.form, "answer", "", "the last answer must fit the JSON Schema in `FILE`; then standard output is that JSON only")
	f.StringVar(&e.resume, "resume", "", "go on with session `ID` in a new box; PROMPT may be left out")
	return cmd
}

// runOnce runs one session and says what it has cost.
func (a *app) runOnce(ctx context.Context, prompt string, e errand) (err error) {
	in, err := a.bring(e.files)
	if err != nil {
		return err
	}
	d, err := a.openDesk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	d.files = in
	if err := d.shape(e.form, e.images); err != nil {
		return err
	}
	if err := d.cfg.raise(e.raise); err != nil {
		return err
	}
	if e.resume != "" {
		if a.changed("seed") {
			return usageError("--seed: a session that goes on has the dataset that it had", "glovebox run --resume "+e.resume)
		}
		if err := d.resumeFrom(ctx, e.resume, a.flags.model != ""); err != nil {
			return err
		}
	}
	id, err := a.runSession(ctx, d, prompt, 0)
	var limit *agent.LimitError
	if (err == nil || errors.As(err, &limit)) && id != "" && !a.flags.json {
		err = errors.Join(err, a.spent(context.WithoutCancel(ctx), d, id))
	}
	return err
}

// raise sets limits for one run: cost=2, turns=100, wall=1h, day.cost=5.
func (c *config) raise(limits []string) error {
	for _, l := range limits {
		key, value, ok := strings.Cut(strings.TrimPrefix(l, "limits."), "=")
		if key == "cost" || key == "day.cost" {
			key += "_usd"
		}
		key = "limits." + key
		if !ok || value == "" {
			return usageError("--raise "+l+": it must be LIMIT=VALUE", "--raise cost=2")
		}
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			value = strconv.Quote(value)
		}
		known := configKeys(reflect.TypeFor[config](), "")
		if !known[key] || key == "limits.day" {
			var names []string
			for k := range known {
				if name, ok := strings.CutPrefix(k, "limits."); ok && name != "day" {
					names = append(names, strings.TrimSuffix(name, "_usd"))
				}
			}
			slices.Sort(names)
			return usageError("--raise "+l+": there is no such limit, only "+strings.Join(names, ", "), "--raise cost=2")
		}
		if strings.HasSuffix(key, "_usd") && !strings.Contains(value, ".") {
			value += ".0"
		}
		if _, err := toml.Decode(key+" = "+value, c); err != nil {
			return usageError("--raise "+l+": "+strings.TrimPrefix(tomlError("", err).Error(), ":1: "), "--raise cost=2, --raise turns=100 or --raise wall=1h")
		}
		c.from[key] = "--raise"
	}
	if key, why := c.wrong(); key != "" {
		return usageError("--raise: "+why, "")
	}
	return nil
}

// spent says what a session has cost, and of how much.
func (a *app) spent(ctx context.Context, d *desk, id string) error {
	sum, err := d.store.Session(ctx, id)
	if err != nil {
		return err
	}
	said := "spent: " + steps(sum)
	if sum.CostUSD != nil {
		said += fmt.Sprintf(", $%.4f", *sum.CostUSD)
	}
	if limit := d.cfg.Limits.CostUSD; sum.CostUSD != nil && limit > 0 {
		said += fmt.Sprintf(" of $%.2f", limit)
	}
	_, err = fmt.Fprintln(a.errOut, said)
	return err
}

func (a *app) prompt(arg string) (string, error) {
	if arg == "-" {
		data, err := io.ReadAll(io.LimitReader(a.in, maxPrompt+1))
		if err != nil {
			return "", err
		}
		if len(data) > maxPrompt {
			return "", usageError("the prompt on standard input is longer than 1 MiB", "")
		}
		arg = string(data)
	}
	if strings.TrimSpace(arg) == "" {
		return "", usageError("the prompt is empty", `glovebox run "which customers look odd?"`)
	}
	return arg, nil
}

// runSession runs one prompt in a session of its own and returns its ID. Of
// each tool's output it shows at most so many lines; 0: all.
func (a *app) runSession(ctx context.Context, d *desk, prompt string, lines int) (id string, err error) {
	show, failed := a.printer(lines, d.form != nil)
	var g gist
	s, err := d.start(ctx, g.watch(show))
	if err != nil {
		return "", explain(err)
	}
	// A signal reaches us as ctx; the agent wants to know who broke it off.
	turn, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { cancel(agent.Interruption{By: "signal"}) })()
	err = s.promptWith(turn, prompt, d.images...)
	if err == nil && d.form != nil {
		err = a.fit(turn, s, d.form, &g)
	}
	cancel(nil)
	if closed := s.Close(ctx); err == nil {
		err = closed
	}
	if err == nil {
		err = failed()
	}
	if g.unasked > 0 && err == nil {
		_, err = fmt.Fprintf(a.errOut, "not run: %s that somebody should have been asked about; --yes allows them, the workbench asks\n", store.Plural(g.unasked, "call"))
	}
	return s.ID(), err
}

// printer shows a session as it goes: text, or events one per line; the text
// aside, on standard error, where that is asked for. failed
// tells whether something could not be written.
func (a *app) printer(lines int, aside bool) (show func(agent.Update), failed func() error) {
	var first error
	text := store.Transcript{W: a.out, Lines: lines}
	if aside { // standard output is for something else
		text.W = a.errOut
	}
	show = func(u agent.Update) {
		var err error
		switch {
		case u.Event != nil && a.flags.json:
			err = a.printJSON(u.Event)
		case u.Event != nil:
			err = text.Event(*u.Event)
		case u.Delta != nil && u.Delta.Notice != "":
			_, err = io.WriteString(a.errOut, store.CleanLine(u.Delta.Notice)+"\n")
		case u.Delta != nil && u.Delta.Text != "" && !a.flags.json:
			err = text.Stream(u.Delta.Text)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return show, func() error { return first }
}
