package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"glovebox/runner"
	"glovebox/runner/port"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

func newBoxShellCmd(a *app) *cobra.Command {
	var schema, image string
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Open a shell in a sealed throwaway box",
		Long: `Open an interactive shell in a sealed throwaway box, with a terminal of its own
inside the box. When the shell ends, the box is destroyed; its exit status is
ours. Of your environment nothing goes in but TERM.

What the shell prints goes to your terminal as it is, or less and vi would not
work: a program in the box can draw anything, also something that looks like
your own prompt. What could do more than draw is left out: clipboard, titles,
links, graphics, window and printer control.`,
		Example: `  glovebox box shell
  glovebox box shell --data shop`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, ok := a.in.(*os.File)
			if !ok || !isTerminal(a.in) || !isTerminal(a.out) || a.flags.json {
				return usageError("box shell needs a terminal, and has no --json", "glovebox box run -- CMD")
			}
			d, err := a.openDesk(cmd.Context())
			if err != nil {
				return err
			}
			if image != "" {
				d.cfg.Box.Image = image
			}
			return errors.Join(a.boxShell(cmd.Context(), d, schema, in), d.close())
		},
	}
	cmd.Flags().StringVar(&schema, "data", "", "generate the dataset of `SCHEMA` into /data")
	cmd.Flags().StringVar(&image, "image", "", "image `REF` of the box")
	return cmd
}

// startShell takes the best shell that the image has, and a terminal type that
// the image knows.
var startShell = []string{"/bin/sh", "-c", `if command -v tput >/dev/null && ! tput longname >/dev/null 2>&1; then
  TERM=xterm; export TERM
fi
if command -v bash >/dev/null; then
  PS1='box:\w\$ ' exec bash --norc -i
fi
PS1='box$ ' exec sh -i`}

func (a *app) boxShell(ctx context.Context, d *desk, schema string, in *os.File) error {
	err := a.throwaway(ctx, d, schema, []string{"sh"}, func(s *session) error {
		fmt.Fprintln(a.errOut, "a sealed box: what you do here is gone when you leave")
		result, err := s.exec(ctx, []string{"sh"}, func(ctx context.Context) (runner.Result, error) {
			return lendTerminal(ctx, in, func(ctx context.Context, t runner.Terminal) (runner.Result, error) {
				t.Screen = a.out
				return s.box.Shell(ctx, runner.Command{Argv: startShell}, t)
			})
		})
		if err != nil {
			return err
		}
		return boxRun{}.ended(result)
	})
	return a.ownStatus(err)
}

// lendTerminal gives the person's terminal to use, raw, and takes it back as it
// was: also after a panic, and at the first signal to stop, since the second
// ends the program where it stands.
func lendTerminal(ctx context.Context, in *os.File, use func(context.Context, runner.Terminal) (runner.Result, error)) (runner.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // lets go of the keys
	fd := int(in.Fd())
	size := func() (port.Size, error) {
		cols, rows, err := term.GetSize(fd)
		return port.Size{Rows: uint16(rows), Cols: uint16(cols)}, err
	}
	now, err := size()
	if err != nil {
		return runner.Result{}, fmt.Errorf("read the terminal's size: %w", err)
	}
	was, err := term.MakeRaw(fd)
	if err != nil {
		return runner.Result{}, fmt.Errorf("take the terminal: %w", err)
	}
	restore := func() {
		// What the terminal itself answered to the box is not for your shell.
		unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) //nolint:errcheck // then it is typed there
		term.Restore(fd, was)                            //nolint:errcheck // a terminal that is gone needs none
	}
	defer restore()
	defer context.AfterFunc(ctx, restore)()

	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGWINCH)
	defer signal.Stop(changed)
	sizes := make(chan port.Size)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			if now, err := size(); err == nil {
				select {
				case sizes <- now:
				case <-ctx.Done():
				}
			}
		}
	}()
	return use(ctx, runner.Terminal{Name: os.Getenv("TERM"), Size: now, Resized: sizes, Keys: whileReader{ctx, in}})
}
