package tui

import (
	"io"
	"os/exec"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"glovebox/store"
)

// copyMax bounds what is copied, in bytes: terminals ignore much more than this.
const copyMax = 64 << 10

// pane is what live and recorded sessions have in common: a story, the
// transcript that shows it, and the keys that work on its items.
type pane struct {
	desk  *desk
	story *story
	list  transcript
	w, h  int
	flash string // said once, in place of the key hints
}

func newPane(d *desk) pane {
	return pane{desk: d, story: newStory(), list: transcript{th: d.th, follow: true}}
}

// refresh shows what has become of the story.
func (p *pane) refresh(now time.Time, changed bool) {
	p.story.tick(now)
	p.list.setItems(p.story.items, changed)
}

// handleList takes the keys that work on the transcript.
func (p *pane) handleList(msg tea.KeyPressMsg) (handled bool, cmd tea.Cmd) {
	k, l := &p.desk.keys, &p.list
	switch {
	case key.Matches(msg, k.Up):
		l.move(false)
	case key.Matches(msg, k.Down):
		l.move(true)
	case key.Matches(msg, k.Top):
		l.toStart()
	case key.Matches(msg, k.Bottom):
		l.toEnd()
		l.focus = max(len(l.items)-1, 0)
	case key.Matches(msg, k.Fold):
		l.fold()
	case key.Matches(msg, k.Copy):
		return true, p.copy()
	case key.Matches(msg, k.Pager):
		if it := l.focused(); it != nil {
			return true, p.page(it.text())
		}
	case key.Matches(msg, k.PagerAll):
		return true, p.page(p.transcriptText())
	case p.story.sum.ID == "": // nothing is recorded yet
		return p.handleScroll(msg)
	case key.Matches(msg, k.FindHere):
		return true, p.desk.send(searchMsg{p.story.sum.ID})
	case key.Matches(msg, k.Mark, k.Export, k.Check, k.Rerun, k.Resume):
		return true, p.desk.onRecording(msg, p.story.sum, p.step())
	default:
		return p.handleScroll(msg)
	}
	return true, nil
}

// step is the event that the focused item shows; of what a person has noted,
// the one that it is about, 0: the session.
func (p *pane) step() int64 {
	it := p.list.focused()
	if it == nil {
		return 0
	}
	if n, ok := it.body.(*note); ok && n.mark == noteMark {
		return n.about
	}
	return it.seq
}

// about is the step that the focused item is a note on; 0: it is none.
func (p *pane) about() int64 {
	if it := p.list.focused(); it != nil {
		if n, ok := it.body.(*note); ok {
			return n.about
		}
	}
	return 0
}

// onRecording takes the keys that work on what is recorded of a session.
func (d *desk) onRecording(msg tea.KeyPressMsg, s store.Summary, step int64) tea.Cmd {
	k := &d.keys
	switch {
	case key.Matches(msg, k.Mark):
		return d.send(newMarking(d, s, step))
	case key.Matches(msg, k.Export):
		return d.send(newExporting(d, s.ID))
	case key.Matches(msg, k.Check):
		return d.send(newCheck(d, s.ID))
	case s.Status == "running":
		return d.send(flashMsg("the session has not ended"))
	case key.Matches(msg, k.Rerun):
		return d.send(newRerun(d, s.ID))
	case !s.HasModel():
		return d.send(flashMsg("there is no conversation to go on with"))
	}
	return d.send(newMsg{resume: s.ID})
}

// handleScroll takes the keys that work whichever part has the focus.
func (p *pane) handleScroll(msg tea.KeyPressMsg) (handled bool, cmd tea.Cmd) {
	k, l := &p.desk.keys, &p.list
	switch {
	case key.Matches(msg, k.PageUp):
		l.scroll(-max(l.h-2, 1))
	case key.Matches(msg, k.PageDown):
		l.scroll(max(l.h-2, 1))
	case key.Matches(msg, k.FoldAll):
		l.foldAll()
	default:
		return false, nil
	}
	return true, nil
}

// copy puts the focused item on the clipboard of the person's terminal (OSC 52).
func (p *pane) copy() tea.Cmd {
	it := p.list.focused()
	if it == nil {
		return nil
	}
	text := store.Clean(it.text())
	p.flash = "copied"
	if len(text) > copyMax {
		text = cut(text, copyMax)
		p.flash = "copied the first " + size(copyMax) + "; o opens all of it"
	}
	return tea.SetClipboard(text)
}

// page shows text in $PAGER.
func (p *pane) page(text string) tea.Cmd {
	pager := p.desk.env("PAGER")
	if pager == "" {
		pager = "less -R"
	}
	cmd := exec.CommandContext(p.desk.work.ctx, "sh", "-c", pager)
	cmd.Stdin = io.MultiReader(strings.NewReader(store.Clean(text)), strings.NewReader("\n"))
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		if err != nil {
			return flashMsg("the pager failed (" + pager + "): " + err.Error())
		}
		return nil
	})
}

func (p *pane) transcriptText() string {
	var b strings.Builder
	for _, it := range p.story.items {
		if _, ok := it.body.(*prompt); ok {
			b.WriteString("› ")
		}
		b.WriteString(strings.TrimRight(it.text(), "\n") + "\n\n")
	}
	return b.String()
}

// frame puts the parts of a session's screen together: head, transcript, the
// given parts below it, and the foot lines.
func (p *pane) frame(right string, marked bool, below []string, now time.Time) string {
	p.list.th = p.desk.th
	out := []string{p.headline(right)}
	if p.tall() {
		out = append(out, "")
	}
	body := p.list.view(marked)
	if p.list.fresh {
		body[len(body)-1] = between("", p.desk.th.accent.Render("↓ new"), p.w-1)
	}
	out = append(out, body...)
	out = append(out, below...)
	out = append(out, p.statusLine(now))
	return strings.Join(out, "\n")
}

// tall reports whether there is room for luxury.
func (p *pane) tall() bool { return p.h >= 16 }

func (p *pane) headline(right string) string {
	th := p.desk.th
	title := line(p.story.sum.Title)
	switch {
	case title != "":
	case right != "": // it is looked at, not made
		title = "session " + p.story.sum.ID
	default:
		title = "new session"
	}
	if right != "" {
		right = th.faint.Render(line(right))
	}
	title = th.bold.Render(title)
	if p.w >= 60 {
		title = th.accent.Render("glovebox") + th.faint.Render(" · ") + title
	}
	return " " + between(title, right, p.w-2)
}
