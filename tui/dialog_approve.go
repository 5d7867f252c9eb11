package tui

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"glovebox/agent"
	"glovebox/store"
)

// approvalGrace is how long keys mean nothing after a question has appeared,
// and after the last key of whoever was still typing then.
const approvalGrace = 700 * time.Millisecond

// approval is the dialog about a call that policy asks a person about. It has
// no default: only a key that names its answer gives one, and esc denies.
type approval struct {
	desk  *desk
	ask   agent.Ask
	calm  time.Time // keys count from here on
	armed bool      // one has counted
	w, h  int
	top   int
	field textinput.Model
	asks  string // what field is for: "reason", "pattern"; "": it is not shown
	said  string // what is wrong with an answer
}

func newApproval(d *desk, ask agent.Ask) *approval {
	f := textinput.New()
	f.Prompt = ""
	f.CharLimit = 500
	f.SetVirtualCursor(false)
	return &approval{desk: d, ask: ask, calm: d.clock().Add(approvalGrace), field: f}
}

// handle takes a key; done says that the question was answered.
func (p *approval) handle(msg tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	now := p.desk.clock()
	if !p.armed && now.Before(p.calm) {
		p.calm = now.Add(approvalGrace)
		return false, nil
	}
	p.armed, p.said = true, ""
	k := &p.desk.keys
	if p.asks != "" {
		return p.write(msg)
	}
	switch {
	case key.Matches(msg, k.AllowOnce):
		return p.answer(agent.Answer{Allow: true, Scope: "once"})
	case key.Matches(msg, k.AllowSession):
		return p.answer(agent.Answer{Allow: true, Scope: "session"})
	case key.Matches(msg, k.AllowPattern):
		return false, p.open("pattern", p.suggestion())
	case key.Matches(msg, k.EditCall):
		return false, p.edit()
	case key.Matches(msg, k.DenyWhy):
		return false, p.open("reason", "")
	case key.Matches(msg, k.Stop):
		return p.answer(agent.Answer{Stop: true, Reason: "a person stopped the work"})
	case key.Matches(msg, k.Deny):
		return p.answer(agent.Answer{})
	case key.Matches(msg, k.Up):
		p.top--
	case key.Matches(msg, k.Down):
		p.top++
	case key.Matches(msg, k.PageUp):
		p.top -= p.h / 2
	case key.Matches(msg, k.PageDown):
		p.top += p.h / 2
	}
	return false, nil
}

func (p *approval) answer(a agent.Answer) (bool, tea.Cmd) {
	p.ask.Reply(a)
	return true, nil
}

func (p *approval) open(asks, text string) tea.Cmd {
	p.asks = asks
	p.field.SetValue(text)
	p.field.CursorEnd()
	return p.field.Focus()
}

// write takes a key while a reason or a pattern is being written.
func (p *approval) write(msg tea.KeyPressMsg) (bool, tea.Cmd) {
	text := strings.TrimSpace(p.field.Value())
	switch {
	case key.Matches(msg, p.desk.keys.Deny): // esc: back to the question
		p.asks = ""
		return false, nil
	case key.Matches(msg, p.desk.keys.Send) && text == "":
		p.said = "write something, or esc"
		return false, nil
	case key.Matches(msg, p.desk.keys.Send) && p.asks == "reason":
		return p.answer(agent.Answer{Reason: text})
	case key.Matches(msg, p.desk.keys.Send):
		return p.answer(agent.Answer{Allow: true, Scope: "pattern", Pattern: text})
	}
	var cmd tea.Cmd
	p.field, cmd = p.field.Update(msg)
	return false, cmd
}

// suggestion is a pattern to begin with: the first words of a command, or the
// whole of another argument.
func (p *approval) suggestion() string {
	var args map[string]any
	main := agent.MainArgument(p.ask.Tool)
	if json.Unmarshal(p.ask.Arguments, &args) != nil || main == "" {
		return ""
	}
	text, _ := args[main].(string)
	if p.ask.Tool != "shell" {
		return text
	}
	words := strings.Fields(p.ask.Part)
	if len(words) == 0 {
		words = strings.Fields(text)
	}
	if len(words) > 2 {
		words = words[:2]
	}
	if len(words) == 2 && strings.HasPrefix(words[1], "-") {
		words = words[:1]
	}
	return strings.Join(append(words, "*"), " ")
}

// edit opens the arguments in $EDITOR.
func (p *approval) edit() tea.Cmd {
	editor := p.desk.env("EDITOR")
	if editor == "" {
		editor = "vi"
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, p.ask.Arguments, "", "  ") != nil {
		return nil
	}
	run := &editing{ctx: p.desk.work.ctx, editor: editor, text: pretty.String() + "\n"}
	return tea.Exec(run, func(err error) tea.Msg {
		if err != nil {
			return flashMsg("the editor failed (" + editor + "): " + err.Error())
		}
		return reviewedMsg{p.ask.CallID, run.text}
	})
}

// reviewedMsg is a call's arguments as a person left them in $EDITOR.
type reviewedMsg struct{ callID, text string }

// reviewed takes the arguments back; done says that they are the answer.
func (p *approval) reviewed(msg reviewedMsg) (done bool) {
	var flat, asked bytes.Buffer
	switch {
	case msg.callID != p.ask.CallID:
		return false
	case json.Compact(&flat, []byte(msg.text)) != nil || !strings.HasPrefix(flat.String(), "{"):
		p.said = "that is not a JSON object any more; nothing was changed"
		return false
	case json.Compact(&asked, p.ask.Arguments) == nil && asked.String() == flat.String(): // to look is not to allow
		p.said = "nothing was changed; a allows the call as it is"
		return false
	}
	p.ask.Reply(agent.Answer{Allow: true, Scope: "once", Arguments: flat.Bytes()})
	return true
}

// over says whether an event means that nobody waits for the answer any more.
func (p *approval) over(e store.Event) bool {
	switch b := e.Body.(type) {
	case store.Decision:
		return b.CallID == p.ask.CallID && b.Verdict != "ask"
	case store.Interrupted, store.LimitReached, store.Failure:
		return true
	}
	return false
}

// view draws exactly h lines of at most w cells.
func (p *approval) view(w, h int) []string {
	p.w, p.h = w, h
	th := p.desk.th
	wrapped := func(s string) []string { return strings.Split(wrapWords(clean(s), max(w-15, 10)), "\n") }
	head := []string{" " + th.bold.Render("May the agent do this?") + "  " + th.accent.Render(line(p.ask.Tool)), ""}
	why := "rule " + p.ask.Rule
	if p.ask.Rule == "default" {
		why = "no rule matches; what does not match is asked about"
	}
	if p.ask.From != "" {
		why += " (" + p.ask.From + ")"
	}
	if p.ask.Reason != "" {
		why += ": " + p.ask.Reason
	}
	foot := []string{""}
	if p.ask.Part != "" && p.ask.Tool == "shell" {
		foot = append(foot, " "+th.faint.Render(fit("because of  ", w-2))+fit(line(p.ask.Part), w-16))
	}
	for i, l := range wrapped(why) {
		lead := "asked by    "
		if i > 0 {
			lead = strings.Repeat(" ", 12)
		}
		foot = append(foot, " "+th.faint.Render(lead)+fit(l, w-15))
	}
	if p.said != "" {
		foot = append(foot, " "+th.bad.Render(line(p.said)))
	}
	if p.asks != "" {
		setWidth(&p.field, w-len(p.asks)-4)
		foot = append(foot, "", " "+th.accent.Render(p.asks+"> ")+p.field.View())
	}
	room := max(h-len(head)-len(foot), 1)
	var lines []string
	for _, l := range wrap(clean(arguments(p.ask.Tool, string(p.ask.Arguments))), w-4, false) {
		lines = append(lines, " "+th.rule.Render("│")+" "+l)
	}
	p.top = max(min(p.top, len(lines)-room), 0)
	more := len(lines) - p.top - room
	lines = lines[p.top:min(p.top+room, len(lines))]
	if more > 0 {
		lines[len(lines)-1] = fit(" "+th.accent.Render("↓ "+store.Plural(more+1, "more line")+", all of it would run"), w)
	}
	out := append(append(head, lines...), foot...)
	for len(out) < h {
		out = append(out, "")
	}
	return out[:h]
}

func (p *approval) hints() []hint {
	k := &p.desk.keys
	if p.asks != "" {
		return []hint{{"enter", "send"}, {"esc", "back"}}
	}
	return hints(k.AllowOnce, k.AllowSession, k.AllowPattern, k.EditCall, k.DenyWhy, k.Deny, k.Stop)
}
