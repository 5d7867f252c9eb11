package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"glovebox/store"

	"golang.org/x/term"
)

// Exit codes: part of the outer contract.
const (
	exitDone        = 0
	exitNo          = 1   // the answer is no: drift, probe failed, not intact, gate closed
	exitUsage       = 2   // usage or configuration
	exitLimit       = 3   // a limit stopped it
	exitPolicy      = 4   // policy stopped it
	exitSeal        = 5   // no seal
	exitModel       = 6   // the model endpoint failed
	exitEngine      = 7   // the engine failed, or something that nobody foresaw
	exitInterrupted = 130 // interrupted
)

// An exitError ends the program with a code and at most two lines on standard
// error: what happened and why, and what to do next.
type exitError struct {
	code int
	msg  string // "": the code says it all
	hint string // what helps, e.g. a command line, or ""
	err  error  // cause, or nil
}

func (e *exitError) Error() string { return e.msg }
func (e *exitError) Unwrap() error { return e.err }

// Hint is what helps; the workbench shows it.
func (e *exitError) Hint() string { return e.hint }

func usageError(msg, hint string) error {
	return &exitError{code: exitUsage, msg: msg, hint: hint}
}

// report writes what is to be said about err and returns the exit code.
func (a *app) report(err error) int {
	if err == nil || errors.Is(err, syscall.EPIPE) { // whoever read our output has seen enough
		return exitDone
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = &exitError{code: a.code(err), msg: err.Error()}
		if e.code == exitInterrupted {
			e.msg = "interrupted"
		}
	}
	if errors.Is(err, store.ErrNotFound) && e.hint == "" {
		e = &exitError{code: e.code, msg: e.msg, hint: "glovebox sessions"}
	}
	if errors.Is(err, store.ErrOtherKey) {
		e = &exitError{code: e.code, msg: e.msg, hint: "set GLOVEBOX_KEY to the file of that key, or begin another log: glovebox --db FILE …"}
	}
	if e.msg != "" {
		fmt.Fprintf(a.errOut, "glovebox: %s\n", store.CleanLine(e.msg))
	}
	if e.hint != "" {
		fmt.Fprintf(a.errOut, "try: %s\n", store.CleanLine(e.hint))
	}
	return e.code
}

// code is the exit code of an error that does not bring its own.
func (a *app) code(err error) int {
	for _, usage := range []error{store.ErrNewer, store.ErrUnusable, store.ErrNotFound, store.ErrOtherKey} {
		if errors.Is(err, usage) {
			return exitUsage
		}
	}
	switch {
	case !a.started: // the command line itself is wrong
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitEngine
}

// fileSays is what is wrong with a file that a person named.
func fileSays(path string, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no file " + path
	}
	return err.Error()
}

// printJSON writes v as one line, harmless to a terminal.
func (a *app) printJSON(v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err := io.WriteString(a.out, store.CleanJSON(b.String()))
	return err
}

// isTerminal says whether w, an output or an input, is a person's screen.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// widthOf is how many columns w has as a person's screen; 0: it is none.
func widthOf(w any) int {
	if !isTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// screenWidth is widthOf standard output; 0, too, where it is wanted whole.
func (a *app) screenWidth() int {
	if a.flags.plain {
		return 0
	}
	return widthOf(a.out)
}
