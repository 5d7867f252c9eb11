// Package agent runs one conversation between a language model and a box:
// prompt → model → tool calls → policy → box → results → model, until the
// model is done or a limit is reached. Every step is recorded before it is
// taken (Recorder). A rerun takes the calls from a recorded session instead of a
// model (rerun.go). The package knows neither Podman nor a screen; begin in
// loop.go.
package agent

import (
	"context"
	"time"

	"glovebox/store"
)

// Model is one language model behind some endpoint.
type Model interface {
	// Stream sends the conversation and returns the whole answer. Pieces are
	// handed to onDelta as they arrive, on the caller's goroutine. When ctx ends or the
	// stream breaks off, the partial answer is returned together with the error.
	Stream(ctx context.Context, req Request, onDelta func(Delta)) (store.ModelResponse, error)
}

// Box is where tool calls run. All methods are safe for concurrent use.
type Box interface {
	// Exec runs argv and waits. A command that fails is a Result, not an
	// error; an error (wrapping ErrBoxLost where the box is gone) means that
	// its outcome is unknown. onOutput, if not nil, gets all output as it arrives, one call at a time.
	Exec(ctx context.Context, cmd Command, onOutput func(stderr bool, chunk []byte)) (Result, error)
	// ReadFile returns at most limit bytes from offset, and the file's size.
	ReadFile(ctx context.Context, path string, offset, limit int64) (data []byte, size int64, err error)
	// WriteFile creates or replaces a file, making parent directories.
	WriteFile(ctx context.Context, path string, data []byte) error
}

// Recorder appends to the session's log. When Append returns without an error
// the event is on disk.
type Recorder interface {
	Append(ctx context.Context, body store.Body) (store.Event, error)
}

// Command is one process to run in the box.
type Command struct {
	Argv    []string
	Dir     string // "" is /work
	Stdin   []byte
	Timeout time.Duration // 0: the box's default
}

// Result is how a command ended and what it printed, bounded.
type Result struct {
	Exit      *int   // nil when a signal ended it
	Signal    string // e.g. "SIGKILL"
	TimedOut  bool
	Stdout    []byte
	Stderr    []byte
	StdoutCut int64 // bytes left out of the middle
	StderrCut int64
	Duration  time.Duration
}

// Request is the conversation so far.
type Request struct {
	System   string
	Messages []Message
	Tools    []store.ToolSpec
	Seed     *int64

	Temperature *float64 // nil: the server's own
	Form        *Form    // of the answer; nil: free
	MaxOutput   int64    // tokens of answer at most; 0: as many as the model likes
}

// Message is one entry of a conversation. Role decides which fields count:
// "user" Text and Images; "assistant" Text and ToolCalls; "tool" CallID and Text.
type Message struct {
	Role      string
	Text      string
	Images    []store.Image
	ToolCalls []store.CallSpec
	CallID    string
}

// Delta is a piece of an answer while it streams.
type Delta struct {
	Text      string
	Reasoning string
	Tool      string // name of a tool call that has begun, once per call
	Notice    string // for the screen only, e.g. "rate limited, trying again in 3 s"
}

// Update is what the screen gets while a session runs: a committed event, or
// a piece of something whose event is still to come. Exactly one field is set.
type Update struct {
	Event  *store.Event
	Delta  *Delta
	Output *Output
	Ask    *Ask
}

// Output is a piece of a running tool call's output.
type Output struct {
	CallID string
	Stderr bool
	Chunk  string
}
