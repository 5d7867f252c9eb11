package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"glovebox/store"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what the commands share: where to read and write, and the flags that
// every command has.
type app struct {
	in          io.Reader
	out, errOut io.Writer
	started     bool // the command line was understood
	flags       struct {
		db, config, model, rigor string
		seed                     int64
		json, plain, yes         bool
	}
	changed func(flag string) bool // whether the flag was given

	// openWorkbench shows the workbench, on a session unless sessionID is "".
	// Nil: there is no workbench, sessions are shown as text.
	openWorkbench func(ctx context.Context, sessionID string) error
}

func newRootCmd(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "glovebox",
		Short: "Let an agent loose in a sealed box, on data that was never real, with every move written down",
		Long: `Let an agent loose in a sealed box, on data that was never real, with every move
written down. Results go to standard output, everything else to standard error.

Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, 3 a limit,
4 policy, 5 no seal, 6 the model endpoint, 7 the engine, 130 interrupted.`,
		Example: `  glovebox demo                       a guided tour, offline
  glovebox run "find what is odd"     one session as text
  glovebox                            the workbench`,
		Version:       version,
		Args:          noSuchCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.started, a.changed = true, cmd.Flags().Changed
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.openWorkbench == nil || a.flags.plain || !isTerminal(a.in) || !isTerminal(a.out) {
				return usageError("the workbench needs a terminal", "glovebox run PROMPT")
			}
			return a.openWorkbench(cmd.Context(), "")
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("glovebox {{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 80 "))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		hint := "help"
		if wrong, unknown := strings.CutPrefix(err.Error(), "unknown flag: --"); unknown {
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			hint = cmp.Or(nearest(wrong, names), hint)
		}
		return usageError(plainFlagError(err.Error()), cmd.CommandPath()+" --"+hint)
	})
	f := root.PersistentFlags()
	f.StringVar(&a.flags.db, "db", "", "the log `FILE` (default $GLOVEBOX_DB, or in $XDG_DATA_HOME)")
	f.StringVar(&a.flags.config, "config", "", "read `FILE`, not the user's config.toml ($GLOVEBOX_CONFIG)")
	f.StringVar(&a.flags.model, "model", "", "`MODEL`: provider/name or script:FILE ($GLOVEBOX_MODEL)")
	f.Int64Var(&a.flags.seed, "seed", 0, "seed `N` of the dataset")
	f.StringVar(&a.flags.rigor, "rigor", "", "`RIGOR`: quick, standard or strict ($GLOVEBOX_RIGOR)")
	f.BoolVar(&a.flags.json, "json", false, "write one JSON object per line")
	f.BoolVar(&a.flags.plain, "plain", false, "write plain text and whole lines, open no workbench")
	f.BoolVar(&a.flags.yes, "yes", false, "answer questions with yes")
	a.addCommands(root)
	a.completeFlags(root)
	return root
}

// addCommands puts the commands under root, in the groups that its help shows.
func (a *app) addCommands(root *cobra.Command) {
	group := func(title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
		for _, c := range commands {
			c.GroupID = title
		}
		root.AddCommand(commands...)
	}
	group("Sessions", newRunCmd(a), newDemoCmd(a), newSessionsCmd(a), newReplayCmd(a), newRerunCmd(a), newDiffCmd(a),
		newExportCmd(a), newImportCmd(a), newCheckCmd(a))
	group("What they work with", newBoxCmd(a), newImageCmd(a), newDataCmd(a), newPolicyCmd(a), newModelsCmd(a))
	group("This machine", newSetupCmd(a), newDoctorCmd(a), newVerifyCmd(a))
	group("About glovebox", newVersionCmd(a), newCompletionCmd(), newManCmd())
	root.SetHelpCommandGroupID("About glovebox")
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if show := c.Run; c.Name() == "help" && show != nil { // cobra's own shows the root's for what does not exist
			c.Run, c.RunE = nil, func(cmd *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || len(rest) > 0 {
					return noSuchCommand(found, rest)
				}
				show(cmd, args)
				return nil
			}
		}
	}
}

// goSyntax is what Go adds to the refusal of a flag's value, for programmers.
var goSyntax = regexp.MustCompile(`: (strconv\.Parse\w+|time): .*$`)

// plainFlagError says what a flag wants instead.
func plainFlagError(msg string) string {
	return goSyntax.ReplaceAllStringFunc(msg, func(tail string) string {
		switch {
		case strings.HasPrefix(tail, ": time"):
			return ": it must be a time, such as 90s or 6h"
		case strings.Contains(tail, "ParseBool"):
			return ": it must be true or false"
		case strings.HasSuffix(tail, strconv.ErrRange.Error()):
			return ": it is out of range"
		}
		return ": it must be a number"
	})
}

// noSuchCommand refuses the arguments of a command that has none of its own.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := cmd.CommandPath() + " --help"
	var names, begun []string
	for _, c := range cmd.Commands() {
		if names = append(names, c.Name()); len(args[0]) > 1 && strings.HasPrefix(c.Name(), args[0]) {
			begun = append(begun, c.Name())
		}
	}
	if len(begun) > 0 {
		hint = cmd.CommandPath() + " " + begun[0]
	} else if there := elsewhere(cmd.Root(), args[0]); len(there) > 0 {
		hint = strings.Join(there, ", or ")
	} else if meant := nearest(args[0], names); meant != "" {
		hint = cmd.CommandPath() + " " + meant
	}
	return usageError(fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+args[0]), hint)
}

// elsewhere are the commands of that name which are part of another.
func elsewhere(root *cobra.Command, name string) (paths []string) {
	for _, group := range root.Commands() {
		for _, c := range group.Commands() {
			if c.Name() == name && c.IsAvailableCommand() && group.Name() != "completion" {
				paths = append(paths, c.CommandPath())
			}
		}
	}
	return paths
}

// dbPath is where the log is, and whether a person chose the place.
func (a *app) dbPath() (path string, chosen bool) {
	for _, path := range []string{a.flags.db, os.Getenv("GLOVEBOX_DB")} {
		if path != "" {
			return path, true
		}
	}
	return filepath.Join(xdg.DataHome, "glovebox", "log.db"), false
}

// openStore opens the log, new if there is none, and ends the sessions that a
// crash left running. The caller closes it.
func (a *app) openStore(ctx context.Context) (*store.Store, error) {
	path, _ := a.dbPath()
	s, err := store.Open(ctx, path)
	if errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrUnusable) {
		return nil, &exitError{code: exitUsage, msg: err.Error(), hint: "glovebox --db OTHER_FILE …", err: err}
	} else if err != nil {
		return nil, err
	}
	key, err := store.LoadKey(keyPath())
	if err == nil {
		s.SignWith(key)
		_, err = s.Recover(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// readStore is openStore for commands that only read: they make no file. Where
// there is no log yet it returns nil, or an error if a person named the file.
func (a *app) readStore(ctx context.Context) (*store.Store, error) {
	path, chosen := a.dbPath()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if chosen {
			return nil, usageError("there is no log "+path, commandLine([]string{"glovebox", "demo", "--db", path})+", which begins one")
		}
		return nil, nil
	}
	return a.openStore(ctx)
}

// withSession opens the log for reading, finds the session that ref means and
// hands both to show.
func (a *app) withSession(ctx context.Context, ref string, show func(*store.Store, store.Summary) error) error {
	s, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return usageError(fmt.Sprintf("there is no session %q: nothing has been recorded yet", ref), "glovebox demo")
	}
	sum, err := s.Session(ctx, ref)
	if err == nil {
		err = show(s, sum)
	}
	if closed := s.Close(); err == nil && closed != nil {
		err = fmt.Errorf("closing the log: %w", closed)
	}
	return err
}

// noArgs refuses the arguments of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(fmt.Sprintf("%s takes no argument, and was given %q", called(cmd), args[0]), cmd.CommandPath()+" --help")
}

// called is the command without the program's name, which begins every error.
func called(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// oneSession is the argument of commands that work on a recorded session.
func oneSession(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usageError(called(cmd)+" needs one session: its ID, the beginning of its ID, or last", "glovebox sessions")
}
