package tui

import (
	"cmp"
	"fmt"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// Below this the workbench only asks for room.
const (
	minWidth  = 30
	minHeight = 10
)

// app is the root. Its Update routes and does nothing else: size, then global
// keys, then the dialog, then the screen.
type app struct {
	*desk
	options  Options
	w, h     int
	home     *home
	closed   *verifying // whether the box is
	sessions []*session // those that this workbench has started
	search   *search
	front    screen
	behind   screen    // where a session was opened from: home or search
	top      dialog    // nil: none
	leaving  string    // said at the foot while the next ctrl+c leaves
	broke    *brokeMsg // why it quits, if a command panicked

	panicking bool // see Options.panicAt
}

func newApp(o Options, work *backstage) *app {
	d := &desk{keys: newKeyMap(), work: work, clock: o.Clock, vars: o.Env, inspect: o.Inspect, formats: o.Formats}
	a := &app{desk: d, options: o}
	d.th = newTheme(darkSays(d.env("COLORFGBG")))
	a.closed, a.search = newVerifying(d), newSearch(d)
	a.home = newHome(d, a.session)
	a.front, a.behind = a.home, a.home
	return a
}

// Init is of tea.Model.
func (a *app) Init() tea.Cmd {
	cmds := []tea.Cmd{tea.RequestBackgroundColor, a.home.load(), second()}
	switch {
	case a.options.OpenSession != "":
		cmds = append(cmds, func() tea.Msg { return openMsg{id: a.options.OpenSession} })
	case a.options.NewSession:
		cmds = append(cmds, func() tea.Msg { return newMsg{prompt: a.options.Prompt} })
	}
	return tea.Batch(cmds...)
}

// secondMsg comes every second.
type secondMsg struct{}

func second() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return secondMsg{} }) }

// Update is of tea.Model.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := a.route(msg)
	for len(a.pending) > 0 {
		msg, a.pending = a.pending[0], a.pending[1:]
		cmd = tea.Batch(cmd, a.route(msg))
	}
	return a, cmd
}

// route takes a message to where it belongs.
func (a *app) route(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		a.th = newTheme(msg.IsDark())
	case tea.KeyPressMsg:
		return a.press(msg)
	case sessionMsg:
		done, cmd := msg.to.handle(msg.msg)
		if d, ok := msg.to.(dialog); ok && done && d == a.top {
			a.top = nil
			a.front.handle(seenMsg{})
		}
		return cmd
	case secondMsg:
		_, cmd := a.front.handle(msg)
		return tea.Batch(second(), cmd)
	case leaveMsg:
		return a.leave()
	case goHomeMsg:
		return a.goHome()
	case verifyMsg:
		a.show(a.closed)
		return a.closed.load()
	case searchMsg:
		a.behind = a.front
		a.show(a.search)
		return a.search.begin(msg.session)
	case dialogMsg:
		a.top = msg.dialog
		a.top.setSize(a.w, a.h)
		return msg.cmd
	case openMsg:
		return a.openSession(msg)
	case newMsg:
		return a.newSession(msg)
	case brokeMsg:
		a.broke = &msg
		return tea.Quit
	default:
		handle := a.front.handle
		if _, pasted := msg.(tea.PasteMsg); pasted && a.top != nil {
			handle = a.top.handle
		}
		_, cmd := handle(msg)
		return cmd
	}
	return nil
}

// press takes a key to where it belongs.
func (a *app) press(msg tea.KeyPressMsg) tea.Cmd {
	if a.options.panicAt != "" && msg.String() == `ctrl+\` {
		a.panicking = true
		a.panicIf("update")
	}
	if key.Matches(msg, a.keys.Quit) {
		return a.interruptOrLeave()
	}
	a.leaving = ""
	if a.top != nil {
		done, cmd := a.top.handle(msg)
		if done {
			a.top = nil
			a.front.handle(seenMsg{})
		}
		return cmd
	}
	handled, cmd := a.front.handle(msg)
	if !handled && key.Matches(msg, a.keys.Help) {
		a.top = &help{desk: a.desk, groups: a.front.keyGroups()}
		a.top.setSize(a.w, a.h)
	}
	return cmd
}

// panicIf is how the tests see what a panic leaves of the terminal.
func (a *app) panicIf(where string) {
	if a.panicking && a.options.panicAt == where {
		panic("a test asked for it")
	}
}

// interruptOrLeave is ctrl+c: the first one interrupts, the second one leaves.
func (a *app) interruptOrLeave() tea.Cmd {
	if a.leaving != "" {
		return tea.Quit
	}
	a.leaving = "ctrl+c again to leave" + a.losing()
	a.front.interrupt()
	return nil
}

// leave leaves where nothing is lost by it, and says so where something is.
func (a *app) leave() tea.Cmd {
	losing := a.losing()
	if losing == "" {
		return tea.Quit
	}
	a.leaving = "ctrl+c to leave" + losing
	return nil
}

// losing says what leaving ends.
func (a *app) losing() string {
	n := 0
	for _, s := range a.sessions {
		if s.open() {
			n++
		}
	}
	r, reporting := a.top.(*reporting)
	switch {
	case n > 0:
		return " and end " + store.Plural(n, "open session")
	case reporting && r.report == nil:
		return " and stop what goes on here"
	case a.closed.running:
		return " and stop verifying"
	}
	return ""
}

func (a *app) resize(w, h int) {
	a.w, a.h = w, h
	if a.small() {
		return
	}
	a.home.setSize(w, h)
	a.closed.setSize(w, h)
	a.search.setSize(w, h)
	for _, s := range a.sessions {
		s.setSize(w, h)
	}
	a.front.setSize(w, h)
	if a.top != nil {
		a.top.setSize(w, h)
	}
}

func (a *app) small() bool { return a.w < minWidth || a.h < minHeight }

// show brings a screen to the front.
func (a *app) show(s screen) {
	a.front = s
	if !a.small() {
		s.setSize(a.w, a.h)
	}
	s.handle(secondMsg{})
	s.handle(seenMsg{})
}

// session finds an open session of this workbench.
func (a *app) session(id string) *session {
	for _, s := range a.sessions {
		if s.open() && s.live != nil && s.live.ID() == id {
			return s
		}
	}
	return nil
}

// goHome goes back to the sessions, or first to where the screen was opened from.
func (a *app) goHome() tea.Cmd {
	back := a.behind
	a.behind = a.home
	if back != a.home && back != a.front {
		a.show(back)
		return nil
	}
	switch s := a.front.(type) {
	case *session:
		a.home.want = s.story.sum.ID
	case *playback:
		a.home.want = s.id
	}
	kept := a.sessions[:0]
	for _, s := range a.sessions {
		if s.open() {
			kept = append(kept, s)
		} else {
			s.updates.close()
			a.draft = cmp.Or(s.unsent(), a.draft)
		}
	}
	a.sessions = kept
	a.show(a.home)
	return a.home.load()
}

func (a *app) openSession(msg openMsg) tea.Cmd {
	if a.front == a.search {
		a.behind = a.search
	}
	if s := a.session(msg.id); s != nil {
		a.show(s)
		s.jump(msg)
		return nil
	}
	p, cmd := newPlayback(a.desk, msg)
	a.show(p)
	return cmd
}

func (a *app) newSession(msg newMsg) tea.Cmd {
	s, cmd := newSession(a.desk, msg)
	a.sessions = append(a.sessions, s)
	a.show(s)
	return cmd
}

// View is of tea.Model.
func (a *app) View() tea.View {
	a.panicIf("view")
	v := tea.NewView(a.content())
	v.AltScreen = true
	switch {
	case a.small():
	case a.top != nil:
		v.Cursor = a.top.cursor()
	default:
		v.Cursor = a.front.cursor()
	}
	return v
}

func (a *app) content() string {
	switch {
	case a.w == 0:
		return ""
	case a.small():
		return fit(fmt.Sprintf("glovebox needs %d×%d cells", minWidth, minHeight), a.w)
	case a.top != nil:
		keys, flash := a.top.hints()
		if s, ok := a.front.(*session); ok && s.asking != nil {
			flash = "the agent asks you something; esc shows it"
		}
		return a.top.view() + "\n" + a.hintLine(keys, flash)
	}
	keys, flash := a.front.hints()
	return a.front.view() + "\n" + a.hintLine(keys, flash)
}

// hintLine is the last line: what was just said, or the keys that matter here.
func (a *app) hintLine(keys []hint, flash string) string {
	switch {
	case flash == "":
		flash = a.leaving
	case a.leaving != "":
		flash += " · " + a.leaving
	}
	if flash != "" {
		return " " + fit(a.th.accent.Render(line(flash)), a.w-2)
	}
	var parts []string
	for _, k := range keys {
		parts = append(parts, a.th.bold.Render(k.key)+" "+a.th.faint.Render(k.does))
	}
	return joinFitting(parts, a.th.faint.Render(" · "), a.w-2)
}
