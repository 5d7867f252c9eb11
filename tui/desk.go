package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// desk is what all screens share.
type desk struct {
	keys  keyMap
	th    *theme
	work  *backstage
	clock func() time.Time
	vars  []string

	inspect Inspect
	formats []Format
	pending []tea.Msg // see send
	draft   string    // what was written for a session that never was
}

// env looks up an environment variable of the person's terminal.
func (d *desk) env(name string) string {
	for i := len(d.vars) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(d.vars[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// screen fills the terminal.
type screen interface {
	setSize(w, h int)
	// view draws at most h-1 lines of at most w cells; the last line belongs to the hints.
	view() string
	// cursor is where to show the cursor, nil for nowhere.
	cursor() *tea.Cursor
	// handle takes a message. For keys, handled says whether it meant anything.
	handle(msg tea.Msg) (handled bool, cmd tea.Cmd)
	// interrupt stops what is running, and reports whether anything was.
	interrupt() bool
	// hints are the keys to name at the foot of the screen, and what to say instead ("": nothing).
	hints() (keys []hint, flash string)
	keyGroups() []keyGroup
}

// dialog lies over a screen, and has the keys while it does. Its methods are
// like those of screen, but that handle says whether it is done.
type dialog interface {
	setSize(w, h int)
	view() string
	cursor() *tea.Cursor
	handle(msg tea.Msg) (done bool, cmd tea.Cmd)
	hints() (keys []hint, flash string)
}

// hint is a key named at the foot of the screen.
type hint struct{ key, does string }

// Messages from the screens to the root.
type (
	goHomeMsg struct{}
	leaveMsg  struct{}
	seenMsg   struct{} // a screen can be seen again
	openMsg   struct {
		id   string
		seq  int64  // the event to show; 0: the last
		word string // in it; "": its beginning
	}
	newMsg    struct{ prompt, resume string }
	searchMsg struct{ session string } // search; in one session, unless ""
	dialogMsg struct {
		dialog
		cmd tea.Cmd // its first
	}
	verifyMsg struct{} // show whether the box is closed
	flashMsg  string
	notedMsg  struct{ event store.Event } // somebody has noted something
	tookInMsg struct{ session string }    // it was imported
)

// sessionMsg is for one screen or dialog, whichever is shown.
type sessionMsg struct {
	to interface {
		handle(msg tea.Msg) (bool, tea.Cmd)
	}
	msg tea.Msg
}

// send lets the root have a message once the one that is being handled has been,
// and before any other: a key that follows at once goes to the screen or dialog
// that was asked for. The command is nil.
func (d *desk) send(msg tea.Msg) tea.Cmd {
	d.pending = append(d.pending, msg)
	return nil
}
