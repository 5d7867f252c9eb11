package tui

import (
	"context"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// exporting is the dialog that asks as what a session is to be exported.
type exporting struct {
	desk    *desk
	id      string
	w, h    int
	formats choice[Format]
}

func newExporting(d *desk, id string) dialogMsg {
	return dialogMsg{&exporting{desk: d, id: id, formats: choice[Format]{all: d.formats}}, nil}
}

// setSize, like the methods below, is of the dialog interface.
func (e *exporting) setSize(w, h int) { e.w, e.h = w, h }

func (e *exporting) cursor() *tea.Cursor { return nil }

func (e *exporting) handle(m tea.Msg) (done bool, cmd tea.Cmd) {
	msg, ok := m.(tea.KeyPressMsg)
	k := &e.desk.keys
	switch {
	case !ok:
	case key.Matches(msg, k.Up):
		e.formats.move(-1, e.room())
	case key.Matches(msg, k.Down):
		e.formats.move(1, e.room())
	case key.Matches(msg, k.Open) && len(e.formats.all) > 0:
		backend, id, format := e.desk.work.backend, e.id, e.formats.all[e.formats.at].Name
		return true, e.desk.send(newReporting(e.desk, "Export session "+id+" as "+format, func(ctx context.Context) (Report, error) {
			return backend.Export(ctx, id, format)
		}))
	case key.Matches(msg, k.Back):
		return true, nil
	}
	return false, nil
}

// room is the number of formats that fit.
func (e *exporting) room() int { return max(e.h-3-len(e.foot()), 1) }

func (e *exporting) foot() []string {
	out := []string{""}
	for _, l := range wrap("Secrets, personal data, home paths, host and user names are taken out first; what was, is listed afterwards.", e.w-3, true) {
		out = append(out, " "+e.desk.th.faint.Render(l))
	}
	return out
}

func (e *exporting) view() string {
	th := e.desk.th
	out := []string{" " + th.bold.Render(fit("Export session "+line(e.id)+" as", e.w-2)), ""}
	for i, f := range e.formats.seen(e.room()) {
		mark, name := "  ", pad(f.Name, 8)
		if i+e.formats.top == e.formats.at {
			mark, name = th.accent.Render("┃")+" ", th.accent.Bold(true).Render(name)
		}
		out = append(out, fit(mark+name+th.faint.Render(f.About), e.w))
	}
	return strings.Join(fill(append(out, e.foot()...), e.h-1), "\n")
}

func (e *exporting) hints() ([]hint, string) {
	return []hint{{"enter", "export"}, {"↑/↓", "choose"}, {"esc", "back"}}, ""
}
