package tui

import (
	"context"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
)

// reporting is the dialog that waits for something and says what came of it.
type reporting struct {
	desk   *desk
	title  string
	w, h   int
	top    int
	cancel context.CancelFunc
	report *Report // nil: it is not known yet

	told    []string // on the way there
	laid    []string // told, in lines of the screen
	updates *mailbox // where that comes from; nil: nothing does
	away    bool     // from the last line that was told
}

// reportMsg is what came of it.
type reportMsg struct {
	Report
	err error
}

// newReporting makes the dialog, and the command that does what it reports on.
func newReporting(d *desk, title string, run func(ctx context.Context) (Report, error)) dialogMsg {
	ctx, cancel := context.WithCancel(d.work.ctx)
	r := &reporting{desk: d, title: title, cancel: cancel}
	return dialogMsg{r, d.work.do(func() tea.Msg {
		defer cancel()
		report, err := run(ctx)
		return sessionMsg{r, reportMsg{report, err}}
	})}
}

// newCheck checks a session, or with "" the whole log.
func newCheck(d *desk, id string) dialogMsg {
	what := "Is the whole log intact?"
	if id != "" {
		what = "Is session " + id + " intact?"
	}
	return newReporting(d, what, func(ctx context.Context) (Report, error) { return d.work.backend.Check(ctx, id) })
}

// newRerun runs a session again; what is compared is shown as it goes.
func newRerun(d *desk, id string) dialogMsg {
	box := newMailbox()
	d.work.keep(box)
	m := newReporting(d, "Run session "+id+" again", func(ctx context.Context) (Report, error) {
		defer box.close()
		return d.work.backend.Rerun(ctx, id, func(line string) {
			box.put(agent.Update{Output: &agent.Output{Chunk: line + "\n"}})
		})
	})
	r := m.dialog.(*reporting)
	r.updates = box
	m.cmd = tea.Batch(m.cmd, d.work.next(box, r))
	return m
}

// take adds what was told.
func (r *reporting) take(m updatesMsg) tea.Cmd {
	for _, u := range m.batch {
		if u.Output != nil {
			told := strings.Split(strings.TrimSuffix(u.Output.Chunk, "\n"), "\n")
			r.told, r.laid = append(r.told, told...), append(r.laid, r.lay(told)...)
		}
	}
	if !m.open {
		return nil
	}
	return r.desk.work.next(r.updates, r)
}

// setSize, like the methods below, is of the dialog interface.
func (r *reporting) setSize(w, h int) {
	if r.h = h; r.w != w {
		r.w = w
		r.laid = r.lay(r.told)
	}
}

// lay breaks what was told into lines of the screen.
func (r *reporting) lay(told []string) (lines []string) {
	for _, l := range told {
		lines = append(lines, under("   ", "     ", wrap(line(l), r.w-6, true))...)
	}
	return lines
}

func (r *reporting) cursor() *tea.Cursor { return nil }

func (r *reporting) handle(m tea.Msg) (done bool, cmd tea.Cmd) {
	k := &r.desk.keys
	switch msg := m.(type) {
	case updatesMsg:
		return false, r.take(msg)
	case reportMsg:
		was := len(r.lines()) - 1 // that it works
		if r.report = &msg.Report; msg.err != nil {
			r.report = &Report{Bad: true, Said: telling(msg.err)}
		}
		if r.top += len(r.lines()) - was; !r.away {
			r.top = 0
		}
		if msg.err == nil && msg.Session != "" {
			return false, r.desk.send(tookInMsg{msg.Session})
		}
	case tea.KeyPressMsg:
		switch {
		case key.Matches(msg, k.Up):
			r.top--
		case key.Matches(msg, k.Down):
			r.top++
		case key.Matches(msg, k.PageUp):
			r.top -= r.h / 2
		case key.Matches(msg, k.PageDown):
			r.top += r.h / 2
		case key.Matches(msg, k.Back), key.Matches(msg, k.Open) && r.report != nil:
			r.cancel()
			return true, nil
		}
		r.away = true
	}
	return false, nil
}

func (r *reporting) view() string {
	th := r.desk.th
	out := []string{" " + fit(th.bold.Render(line(r.title)), r.w-2), ""}
	lines := r.lines()
	room := max(r.h-3, 1)
	last := max(len(lines)-room, 0)
	if r.top = max(min(r.top, last), 0); r.top == last {
		r.away = false
	}
	if r.report == nil && !r.away {
		r.top = last
	}
	return strings.Join(fill(append(out, lines[r.top:min(r.top+room, len(lines))]...), r.h-1), "\n")
}

// lines are all that there is to read: what it came to, if that is known, and
// what was told on the way.
func (r *reporting) lines() (lines []string) {
	th := r.desk.th
	if r.report != nil {
		mark, style := "✓ ", th.good
		if r.report.Bad {
			mark, style = "✗ ", th.bad
		}
		for _, l := range under(mark, "  ", wrap(clean(r.report.Said), r.w-4, true)) {
			lines = append(lines, " "+style.Render(l))
		}
		if len(r.report.More)+len(r.laid) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, r.lay(r.report.More)...)
	}
	lines = append(lines, r.laid...)
	if r.report == nil {
		lines = append(lines, " "+th.faint.Render("working…"))
	}
	return lines
}

func (r *reporting) hints() ([]hint, string) {
	if r.report == nil {
		return []hint{{"esc", "stop"}, {"↑/↓", "scroll"}}[:1+min(len(r.laid), 1)], ""
	}
	return []hint{{"esc", "back"}, {"↑/↓", "scroll"}}, ""
}

// importing is the dialog that asks for a bundle.
type importing struct {
	desk  *desk
	w, h  int
	field textinput.Model
}

func newImporting(d *desk) dialogMsg {
	i := &importing{desk: d, field: newField(4096)}
	return dialogMsg{i, i.field.Focus()}
}

// setSize, like the methods below, is of the dialog interface.
func (i *importing) setSize(w, h int) {
	i.w, i.h = w, h
	setWidth(&i.field, w-10)
}

func (i *importing) cursor() *tea.Cursor { return fieldCursor(i.field, 7, i.h-3) }

func (i *importing) handle(m tea.Msg) (done bool, cmd tea.Cmd) {
	k := &i.desk.keys
	switch msg := m.(type) {
	case tea.PasteMsg:
		i.field, cmd = i.field.Update(tea.PasteMsg{Content: line(strings.TrimSpace(msg.Content))})
	case tea.KeyPressMsg:
		path := strings.TrimSpace(i.field.Value())
		switch {
		case key.Matches(msg, k.Interrupt):
			return true, nil
		case key.Matches(msg, k.Send) && path != "":
			backend := i.desk.work.backend
			return true, i.desk.send(newReporting(i.desk, "Import "+path, func(ctx context.Context) (Report, error) {
				return backend.Import(ctx, path)
			}))
		}
		i.field, cmd = i.field.Update(msg)
	}
	return false, cmd
}

func (i *importing) view() string {
	th := i.desk.th
	out := []string{" " + fit(th.bold.Render("Take in a session that somebody handed on"), i.w-2), ""}
	for _, l := range wrap("Nothing of it is run. It is checked whole, its signature included, and is then in the log like one's own.", i.w-3, true) {
		out = append(out, " "+th.faint.Render(l))
	}
	out = append(fill(out, i.h-3), " "+th.accent.Render("file> ")+i.field.View())
	return strings.Join(fill(out, i.h-1), "\n")
}

func (i *importing) hints() ([]hint, string) { return []hint{{"enter", "import"}, {"esc", "back"}}, "" }
