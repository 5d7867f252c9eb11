package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"glovebox/agent/budget"
	"glovebox/store"
)

// ErrBoxLost says that the box is gone: nothing more can run in it. A Box
// wraps it.
var ErrBoxLost = errors.New("the box is gone")

// errStreamCut says that an answer broke off before the model had finished.
// A *ModelError wraps it.
var errStreamCut = errors.New("the answer was cut off")

// ModelError says why the model endpoint gave no whole answer. It never holds
// the API key.
type ModelError struct {
	Status  int    // HTTP status; 0: there was none
	Code    string // unreachable, refused_key, unknown_model, rate_limited, timeout, cut, too_long (the answer), too_large (the request), protocol, server
	Message string // what happened, one line, bounded
	Hint    string // what to do next; may be empty
	cause   error
}

func (e *ModelError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// Unwrap gives errStreamCut where that is the cause.
func (e *ModelError) Unwrap() error { return e.cause }

// ScriptError says that a scenario expected something that did not come.
type ScriptError struct {
	Message string // file, turn, call, what was expected, what came; bounded
}

func (e *ScriptError) Error() string { return e.Message }

// LimitError says which limit stopped the session.
type LimitError struct {
	budget.Over
	Of string // day, batch; "": the session
}

func (e *LimitError) Error() string {
	if e.Limit == "context" { // the model's own
		return fmt.Sprintf("the conversation has come to %s tokens, and the model takes %s: begin a new session, or use a model that takes more",
			figure(e.Value), figure(e.Max))
	}
	unit := ""
	if e.Limit == "wall" || e.Limit == "working" {
		unit = " s"
	}
	key, needs := e.Limit, ""
	if e.Of == "day" {
		key = "day." + key
	}
	if e.Needs > 0 {
		needs = ", and the next call may need " + figure(e.Needs) + " more"
	}
	return fmt.Sprintf("the %s reached its limit of %s (%s of %s%s%s); raise limits.%s to let it go further",
		cmp.Or(e.Of, "session"), e.Limit, figure(e.Value), figure(e.Max), unit, needs, key)
}

// figure is a number as people write it: 1000000, not 1e+06.
func figure(f float64) string { return strconv.FormatFloat(math.Round(f*1e6)/1e6, 'f', -1, 64) }

func (e *LimitError) event() store.LimitReached {
	return store.LimitReached{Limit: e.Limit, Value: e.Value, Max: e.Max, Needs: e.Needs, Of: e.Of}
}

// Interruption is the cause to cancel Prompt's context with when somebody
// breaks the session off; any other cause counts as the user.
type Interruption struct {
	By string // user, signal
}

func (i Interruption) Error() string { return "interrupted by " + i.By }

// Outcome maps what Prompt returned to how the session ended.
func Outcome(err error) store.SessionEnded {
	var limit *LimitError
	var denied *PolicyError
	switch {
	case err == nil:
		return store.SessionEnded{Status: "done"}
	case errors.As(err, &denied):
		return store.SessionEnded{Status: "denied", Reason: err.Error()}
	case errors.As(err, &limit):
		return store.SessionEnded{Status: "limited", Reason: err.Error()}
	case isInterruption(err):
		return store.SessionEnded{Status: "interrupted", Reason: err.Error()}
	default:
		return store.SessionEnded{Status: "failed", Reason: err.Error()}
	}
}

func isInterruption(err error) bool {
	var i Interruption
	return errors.As(err, &i) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
