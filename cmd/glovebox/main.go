// Command glovebox lets a language-model agent loose in a sealed box, on data
// that was never real, with every move written down.
//
// This package reads flags, wires the rooms together and turns errors into exit
// codes; it decides nothing. Begin in root.go: each command has a file.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"glovebox/tui"

	"github.com/adrg/xdg"
)

// version is set when linking.
var version = "devel"

func main() {
	os.Exit(run(interruptible(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: arguments in, exit code out.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	xdg.Reload() // the environment as it is now
	a := &app{in: in, out: out, errOut: errOut}
	a.openWorkbench = func(ctx context.Context, sessionID string) error {
		return a.workbench(ctx, tui.Options{OpenSession: sessionID})
	}
	root := newRootCmd(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return a.report(root.ExecuteContext(ctx))
}

// interruptible returns a context that the first signal to stop ends, so that
// there is time to clean up; the second ends the program at once. A signal that
// the program was started without (nohup) stays ignored.
func interruptible() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	// With a listener, writing to a closed pipe is an error instead of death.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx
}
