package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"glovebox/agent"
	"glovebox/store"

	"github.com/spf13/cobra"
)

// maxPrompt bounds a prompt read from standard input, in bytes.
const maxPrompt = 1 << 20

func newRunCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "run PROMPT",
		Short: "Run one session without a screen: text, or --json for events",
		Long: `Run one session without a screen. A new box and dataset are made for it and
destroyed with it; the recording stays. PROMPT may be "-" for standard input.`,
		Example: `  glovebox run "which customers look odd?"
  glovebox run --model ollama/qwen3 - <prompt.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return usageError("run needs one prompt, in quotes, or - to read it from standard input", `glovebox run "which customers look odd?"`)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			prompt, err := a.prompt(args[0])
			if err != nil {
				return err
			}
			d, err := a.openDesk(cmd.Context())
			if err != nil {
				return err
			}
			_, err = a.runSession(cmd.Context(), d, prompt, 0)
			return errors.Join(err, d.close())
		},
	}
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
	show, failed := a.printer(lines)
	s, err := d.start(ctx, show)
	if err != nil {
		return "", explain(err)
	}
	// A signal reaches us as ctx; the agent wants to know who broke it off.
	turn, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { cancel(agent.Interruption{By: "signal"}) })()
	err = s.Prompt(turn, prompt)
	cancel(nil)
	if closed := s.Close(ctx); err == nil {
		err = closed
	}
	if err == nil {
		err = failed()
	}
	return s.ID(), err
}

// printer shows a session as it goes: text, or events one per line. failed
// tells whether something could not be written.
func (a *app) printer(lines int) (show func(agent.Update), failed func() error) {
	var first error
	text := store.Transcript{W: a.out, Lines: lines}
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
