package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strings"

	"golang.org/x/term"
)

// ErrAdmin is wrapped by errors that mean: an administrator has to do
// something first. The text says what.
var ErrAdmin = errors.New("an administrator is needed")

// ErrDeclined means that the person did not agree to the changes.
var ErrDeclined = errors.New("nothing was changed")

// SetupOptions say how to set up this machine.
type SetupOptions struct {
	Engine   Options  // for the engine that is tried at the end
	Yes      bool     // change the system without asking
	ForTests bool     // also what only the tests need
	In       *os.File // the terminal that is asked, and sudo too; nil: nobody is there
	// Agree asks whether to make the changes that were listed; nil: nobody is there.
	Agree    func(ctx context.Context, question string) (bool, error)
	Out      io.Writer      // a line for each thing done
	Progress func(Progress) // long steps; may be nil
}

// change is one thing that setup does to the system.
type change struct {
	what string     // "install podman, runc"
	argv [][]string // commands, run as root one after the other
}

// Setup makes this machine ready for boxes: packages, for root the account that
// Podman runs under, ranges of subordinate ids, the image. It does only what is
// missing, asks before it changes the system, and returns the engine that works
// now. Errors wrap ErrAdmin, ErrDeclined or what Open and Image return.
func Setup(ctx context.Context, opts SetupOptions) (Info, error) {
	changes, err := missing(opts.ForTests)
	if err != nil {
		return Info{}, err
	}
	if len(changes) > 0 {
		if err := apply(ctx, opts, changes); err != nil {
			return Info{}, err
		}
	}
	e, err := Open(ctx, opts.Engine)
	if errors.Is(err, errFewIDs) {
		// Podman keeps its user namespace, and with it the ids it once had.
		fmt.Fprintln(opts.Out, "let Podman take up its subordinate ids")
		if err := migrate(ctx); err != nil {
			return Info{}, err
		}
		e, err = Open(ctx, opts.Engine)
	}
	if err != nil {
		return Info{}, err
	}
	defer e.Close()
	prepared := false
	_, err = e.Image(ctx, autoRef, func(p Progress) {
		if !prepared {
			fmt.Fprintln(opts.Out, "preparing the image that boxes run")
		}
		prepared = true
		if opts.Progress != nil {
			opts.Progress(p)
		}
	})
	return e.Info(), err
}

// migrate ends Podman's user namespace; it makes a new one when it is needed.
func migrate(ctx context.Context) error {
	a, err := podmanAccount()
	if err != nil {
		return err
	}
	if out, err := a.command(ctx, "podman", "system", "migrate").CombinedOutput(); err != nil {
		return fmt.Errorf("podman system migrate: %w: %s", err, out)
	}
	return nil
}

// apply asks, and then makes the changes.
func apply(ctx context.Context, opts SetupOptions, changes []change) error {
	as, err := rootBy(ctx, opts.In)
	if err != nil {
		return fmt.Errorf("%w. Ask one to run: %s", err, commands(changes))
	}
	if !opts.Yes {
		if err := ask(ctx, opts, changes); err != nil {
			return err
		}
	}
	for _, c := range changes {
		fmt.Fprintln(opts.Out, c.what)
		if opts.Progress != nil {
			opts.Progress(Progress{Step: c.what})
		}
		for _, argv := range c.argv {
			if err := as.run(ctx, argv); err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
		}
	}
	return nil
}

// commands shows changes as one line for a shell.
func commands(changes []change) string {
	var lines []string
	for _, c := range changes {
		for _, argv := range c.argv {
			lines = append(lines, strings.Join(argv, " "))
		}
	}
	return strings.Join(lines, " && ")
}

func ask(ctx context.Context, opts SetupOptions, changes []change) error {
	fmt.Fprintln(opts.Out, "glovebox needs these changes to the system:")
	for _, c := range changes {
		fmt.Fprintln(opts.Out, "  "+c.what)
	}
	if opts.Agree == nil || opts.In == nil || !term.IsTerminal(int(opts.In.Fd())) {
		return fmt.Errorf("%w: nobody is there to agree; with --yes it does not ask", ErrDeclined)
	}
	agreed, err := opts.Agree(ctx, "Make them?")
	if err == nil && !agreed {
		err = ErrDeclined
	}
	return err
}

// missing lists what has to be changed, cheaply: nothing is started for it.
func missing(forTests bool) ([]change, error) {
	var changes []change
	if c, err := missingPackages(forTests); err != nil {
		return nil, err
	} else if c != nil {
		changes = append(changes, *c)
	}
	a, err := podmanAccount()
	if errors.Is(err, ErrNotSetUp) {
		a = account{name: accountName, uid: -1, drop: true}
		changes = append(changes, change{
			what: "make the account " + accountName + ", which Podman runs under in place of root",
			argv: [][]string{
				{
					"useradd", "--system", "--user-group", "--create-home", "--home-dir", accountHome,
					"--shell", "/usr/sbin/nologin", "--comment", "glovebox", accountName,
				},
				{"chmod", "700", accountHome},
			},
		})
	} else if err != nil {
		return nil, err
	}
	c, err := missingRanges(a)
	if c != nil {
		changes = append(changes, *c)
	}
	return changes, err
}

const accountHome = "/var/lib/" + accountName

// missingRanges gives the account subordinate ids that are nobody else's.
func missingRanges(a account) (*change, error) {
	uids, err1 := readSubRanges("/etc/subuid")
	gids, err2 := readSubRanges("/etc/subgid")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	first := freeRange(append(uids, gids...))
	ids := fmt.Sprintf("%d-%d", first, first+subIDCount-1)
	argv := []string{"usermod"}
	if !a.hasRange(uids) {
		argv = append(argv, "--add-subuids", ids)
	}
	if !a.hasRange(gids) {
		argv = append(argv, "--add-subgids", ids)
	}
	if len(argv) == 1 {
		return nil, nil
	}
	return &change{
		what: fmt.Sprintf("give %s the subordinate ids %s", a.name, ids),
		argv: [][]string{append(argv, a.name)},
	}, nil
}

// rootCommand runs a command as root.
type rootCommand struct {
	prefix []string
	in     *os.File // for sudo to ask for the password
}

// rootBy finds a way to be root: to be it already, or sudo.
func rootBy(ctx context.Context, in *os.File) (rootCommand, error) {
	if os.Geteuid() == 0 {
		return rootCommand{}, nil
	}
	if _, err := exec.LookPath("sudo"); err != nil {
		return rootCommand{}, fmt.Errorf("%w: you are not root, and there is no sudo", ErrAdmin)
	}
	if exec.CommandContext(ctx, "sudo", "-n", "true").Run() == nil {
		return rootCommand{prefix: []string{"sudo", "-n"}}, nil
	}
	if in != nil && term.IsTerminal(int(in.Fd())) {
		return rootCommand{prefix: []string{"sudo"}, in: in}, nil
	}
	name := "this user"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return rootCommand{}, fmt.Errorf("%w: sudo wants a password from %s, and there is no terminal to ask on", ErrAdmin, name)
}

// run shows what the command said only when it failed.
func (r rootCommand) run(ctx context.Context, argv []string) error {
	argv = append(r.prefix[:len(r.prefix):len(r.prefix)], argv...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	if r.in != nil {
		cmd.Stdin, cmd.Stderr = r.in, io.MultiWriter(said, os.Stderr)
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), cmp.Or(ctx.Err(), err), said)
	}
	return nil
}
