package tui

import (
	"context"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// reporting is the dialog that waits for something and says what came of it.
type reporting struct {
	desk   *desk
	title  string
	w, h   int
	top    int
	cancel context.CancelFunc
	report *Report // nil: it is not known yet
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

// setSize, like the methods below, is of the dialog interface.
func (r *reporting) setSize(w, h int) { r.w, r.h = w, h }

func (r *reporting) cursor() *tea.Cursor { return nil }

func (r *reporting) handle(m tea.Msg) (done bool, cmd tea.Cmd) {
	k := &r.desk.keys
	switch msg := m.(type) {
	case reportMsg:
		r.report = &msg.Report
		if msg.err != nil {
			r.report = &Report{Bad: true, Said: telling(msg.err)}
		} else if msg.Session != "" {
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
	}
	return false, nil
}

func (r *reporting) view() string {
	th := r.desk.th
	out := []string{" " + fit(th.bold.Render(line(r.title)), r.w-2), ""}
	if r.report == nil {
		return strings.Join(fill(append(out, " "+th.faint.Render("working…")), r.h-1), "\n")
	}
	mark, style := "✓ ", th.good
	if r.report.Bad {
		mark, style = "✗ ", th.bad
	}
	var lines []string
	for i, l := range wrap(clean(r.report.Said), r.w-4, true) {
		if i > 0 {
			mark = "  "
		}
		lines = append(lines, " "+style.Render(mark+l))
	}
	if len(r.report.More) > 0 {
		lines = append(lines, "")
	}
	for _, more := range r.report.More {
		lines = append(lines, under("   ", "     ", wrap(line(more), r.w-6, true))...)
	}
	room := max(r.h-3, 1)
	r.top = max(min(r.top, len(lines)-room), 0)
	return strings.Join(fill(append(out, lines[r.top:min(r.top+room, len(lines))]...), r.h-1), "\n")
}

func (r *reporting) hints() ([]hint, string) {
	if r.report == nil {
		return []hint{{"esc", "stop"}}, ""
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
