// Package tui is the workbench: the screens in which a person starts sessions,
// watches the agent work in its box, and plays recorded sessions back.
//
// It promises that a live session and its recording look the same (both are
// drawn by story.apply), that the cost of a frame does not grow with the
// session, that everything foreign is shown through store.Clean, and that the
// terminal is left as it was found, also after a panic.
//
// It never talks to a model, a box or the log itself: all of that is behind
// Backend, and only commands (never Update or View) call it. Begin in app.go.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
	"glovebox/store"
)

// Backend is what the workbench needs of the rest of the program. Its methods
// are called from several goroutines at once. An error that has a Hint() string
// says by it what helps.
type Backend interface {
	// Sessions returns all recorded sessions, newest first.
	Sessions(ctx context.Context) ([]store.Summary, error)
	// Events yields the recorded events of a session in order; the first error ends it.
	Events(ctx context.Context, id string) iter.Seq2[store.Event, error]
	// Search returns the events that q asks for, newest session first.
	Search(ctx context.Context, q store.Query) ([]store.Hit, error)
	// Note records what a person says about a session or a step of it.
	Note(ctx context.Context, id string, note store.Note) (store.Event, error)
	// Check says whether a session, or with "" the whole log, is what was recorded.
	Check(ctx context.Context, id string) (Report, error)
	// Export writes a session for others to a file, and says where, and what was
	// taken out of it first. The format is one of Options.Formats.
	Export(ctx context.Context, id, format string) (Report, error)
	// Import takes in a session from a bundle, and says what it is.
	Import(ctx context.Context, path string) (Report, error)
	// Rerun runs the tool calls of a session again in a new box and says how what
	// came of them compares. It tells the comparison line by line as it goes, from
	// any goroutine; tell returns at once.
	Rerun(ctx context.Context, id string, tell func(line string)) (Report, error)
	// Start opens a new session: its log, box and dataset. One that goes on where
	// an ended one stopped names it in resume, else that is "". Start returns when the
	// box is sealed, which may take seconds; meanwhile, and until Close has
	// returned, observe gets every update of the session, in order. A
	// Delta.Notice says what is going on ("building the image…"). observe may
	// be called from any goroutine and returns at once. When Start fails or
	// ctx ends, nothing is left behind.
	Start(ctx context.Context, resume string, observe func(agent.Update)) (Live, error)

	// Batteries returns the results of glovebox verify, newest first.
	Batteries(ctx context.Context) ([]Battery, error)
	// Stale says why the last of them does not do any more; "" if it does.
	Stale(ctx context.Context) (why string, err error)
	// Verify tries the battery, with its controls or without, and records it.
	// notice is told what is going on before it begins, observe each result as
	// it is recorded; either from any goroutine, and returns at once. That a
	// probe got out is no error.
	Verify(ctx context.Context, control bool, notice func(string), observe func(store.Probed)) error
}

// A Report is what came of something: what a person reads first, and the rest.
type Report struct {
	Bad     bool
	Said    string
	More    []string
	Session string // ID of one that is new in the log; "": none
}

// A Format is what a session can be exported as.
type Format struct{ Name, About string }

// Live is a session that goes on. The workbench calls Prompt one at a time,
// and Close exactly once, after the last Prompt has returned.
type Live interface {
	ID() string
	// Prompt runs one turn and returns when the model is done, a limit is
	// reached, or ctx ends, which interrupts it.
	Prompt(ctx context.Context, text string) error
	// Close ends the session and destroys its box.
	Close(ctx context.Context) error
}

// Options say what the workbench opens with. Only Backend is needed.
type Options struct {
	Backend     Backend
	OpenSession string           // ID of a recorded session: open with its playback
	NewSession  bool             // open with a new session
	Prompt      string           // with NewSession: sent as soon as the box is sealed
	In          io.Reader        // nil: the standard input
	Out         io.Writer        // nil: the standard output
	Env         []string         // TERM, NO_COLOR, EDITOR, PAGER; nil: os.Environ()
	Clock       func() time.Time // nil: time.Now
	Inspect     Inspect          // of what is pasted into a prompt; nil: nothing is asked
	Formats     []Format         // the usual one first

	panicAt string // for the tests of this package: "update" or "view" panics on ctrl+\
}

// hintOf is what helps against an error; "" is nothing that is known.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		return ""
	}
	return "try: " + h.Hint()
}

// telling is an error in all its words.
func telling(err error) string {
	if hint := hintOf(err); hint != "" {
		return err.Error() + "; " + hint
	}
	return err.Error()
}

// brokenly is what a person is told after a panic.
const brokenly = "the workbench broke (the trace is above; what was recorded is safe)"

// closeGrace bounds how long Run waits for boxes to be destroyed.
const closeGrace = 30 * time.Second

// Run shows the workbench until the person leaves it or ctx ends. It returns
// when every session it started has been closed. Leaving is not an error.
func Run(ctx context.Context, o Options) (err error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	workCtx, stop := context.WithCancel(ctx)
	work := &backstage{ctx: workCtx, backend: o.Backend, open: map[Live]bool{}}
	defer func() {
		stop()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
		err = errors.Join(err, work.closeAll(closing))
	}()

	a := newApp(o, work)
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithEnvironment(o.Env)}
	if o.In != nil {
		options = append(options, tea.WithInput(o.In))
	}
	if o.Out != nil {
		options = append(options, tea.WithOutput(o.Out))
	}
	_, err = tea.NewProgram(a, options...).Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case a.broke != nil:
		fmt.Fprintf(os.Stderr, "%s\n", a.broke.stack) // as the library does for panics in Update and View
		return fmt.Errorf("%s: %v", brokenly, a.broke.what)
	case errors.Is(err, tea.ErrInterrupted):
		return context.Canceled
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("%s: %w", brokenly, err)
	case err != nil:
		return fmt.Errorf("running the workbench: %w", err)
	}
	return nil
}
