package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"glovebox/store"
)

// search is the page that finds words in the log, while they are typed.
type search struct {
	desk  *desk
	w, h  int
	in    string // the one session that is searched; "": all
	field textinput.Model

	busy  bool   // only one search runs at a time
	stop  func() // ends it
	found string // what hits are of
	hits  choice[store.Hit]
	top   int // the first of their lines on the screen
	err   error
	flash string
}

// hitsMax bounds what is shown; who looks for more gives another word.
const hitsMax = 200

// hitsMsg are the events in which text occurs.
type hitsMsg struct {
	in, text string
	hits     []store.Hit
	err      error
}

func newSearch(d *desk) *search {
	f := newField(1000)
	f.Placeholder = `words, "several words", tool:sql, exit:1, tag:odd, …`
	return &search{desk: d, field: f}
}

// begin opens the page. What was looked for last is looked for again.
func (s *search) begin(in string) tea.Cmd {
	if in != s.in {
		s.in, s.found, s.err, s.hits = in, "", nil, choice[store.Hit]{}
	}
	if s.busy {
		return s.field.Focus()
	}
	return tea.Batch(s.field.Focus(), s.ask())
}

// look searches, unless what is there is what was asked for. What is under way
// gives way to what was typed meanwhile.
func (s *search) look() tea.Cmd {
	switch {
	case s.busy:
		s.stop()
		return nil
	case s.field.Value() == s.found && s.err == nil:
		return nil
	}
	return s.ask()
}

func (s *search) ask() tea.Cmd {
	text := s.field.Value()
	q, err := query(s.in, text)
	if nothing, _ := query(s.in, ""); q == nothing || err != nil {
		s.found, s.err, s.hits = "", err, choice[store.Hit]{}
		return nil
	}
	ctx, stop := context.WithCancel(s.desk.work.ctx)
	s.busy, s.stop = true, stop
	work, in := s.desk.work, s.in
	return work.do(func() tea.Msg {
		defer stop()
		hits, err := work.backend.Search(ctx, q)
		return sessionMsg{s, hitsMsg{in, text, hits, err}}
	})
}

// query is text as a query: words, and filters such as tool:sql. The word that
// is being written may be only the beginning of one; with a single letter it has
// hardly begun, and would find too much.
func query(in, text string) (store.Query, error) {
	q := store.Query{Filter: store.Filter{Text: in}, Limit: hitsMax}
	var words []string
	var err error
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, ":")
		switch name {
		case "kind":
			q.Kind = value
		case "tool":
			q.Tool = value
		case "model":
			q.Filter.Model = value
		case "tag":
			q.Filter.Tag = value
		case "result":
			q.Filter.Status = value
		case "exit":
			var n int
			if n, err = strconv.Atoi(value); err != nil {
				err = fmt.Errorf("exit:%s: an exit status is a number", value)
			}
			q.Exit = &n
		case "since":
			if q.Since, err = time.ParseInLocation(time.DateOnly, value, time.Local); err != nil {
				err = fmt.Errorf("since:%s: a date is like 2026-11-01", value)
			}
		default:
			words = append(words, word)
		}
		if err != nil {
			return q, err
		}
	}
	if n := len(words); n > 0 && !strings.HasSuffix(text, " ") && !strings.Contains(text, `"`) {
		if last := words[n-1]; len(last) > 1 {
			words[n-1] = strings.TrimSuffix(last, "*") + "*"
		} else if strings.HasSuffix(" "+text, " "+last) {
			words = words[:n-1]
		}
	}
	q.Text = strings.Join(words, " ")
	return q, nil
}

// setSize, like the methods below, is of the screen interface.
func (s *search) setSize(w, h int) {
	s.w, s.h = w, h
	setWidth(&s.field, w-5)
}

func (s *search) cursor() *tea.Cursor { return fieldCursor(s.field, 3, 1) }

func (s *search) interrupt() bool { return false }

func (s *search) handle(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case hitsMsg:
		s.busy = false
		if msg.in == s.in && !errors.Is(msg.err, context.Canceled) {
			s.found, s.err, s.hits = msg.text, msg.err, choice[store.Hit]{all: msg.hits}
		}
		if s.field.Value() != msg.text || msg.in != s.in || errors.Is(msg.err, context.Canceled) {
			return false, s.look()
		}
	case flashMsg:
		s.flash = string(msg)
	case tea.PasteMsg:
		s.field, _ = s.field.Update(tea.PasteMsg{Content: line(msg.Content)})
		return true, s.look()
	case tea.KeyPressMsg:
		s.flash = ""
		if key.Matches(msg, s.desk.keys.Help) && (msg.Text == "" || s.field.Value() == "") {
			return false, nil
		}
		return true, s.handleKey(msg)
	}
	return false, nil
}

func (s *search) handleKey(msg tea.KeyPressMsg) tea.Cmd {
	k, room := &s.desk.keys, s.room()/2
	switch {
	case key.Matches(msg, k.Interrupt):
		return s.desk.send(goHomeMsg{})
	case key.Matches(msg, k.Open):
		if s.hits.at < len(s.hits.all) {
			hit := s.hits.all[s.hits.at]
			_, word, _ := strings.Cut(hit.Snippet, store.HitStart)
			word, _, _ = strings.Cut(word, store.HitEnd)
			return s.desk.send(openMsg{hit.Session, hit.Seq, word})
		}
	case key.Matches(msg, k.NextHit):
		s.hits.move(1, room)
	case key.Matches(msg, k.PrevHit):
		s.hits.move(-1, room)
	case key.Matches(msg, k.PageDown):
		s.hits.move(room, room)
	case key.Matches(msg, k.PageUp):
		s.hits.move(-room, room)
	default:
		s.field, _ = s.field.Update(msg)
		return s.look()
	}
	return nil
}

func (s *search) hints() ([]hint, string) {
	return []hint{{"enter", "open at this step"}, {"↑/↓", "choose"}, {"f1", "keys"}, {"esc", "back"}}, s.flash
}

func (s *search) keyGroups() []keyGroup { return s.desk.keys.searchKeys() }

// room is the number of lines for hits and the headings over them.
func (s *search) room() int { return max(s.h-4, 2) }

func (s *search) view() string {
	th := s.desk.th
	styles := s.field.Styles()
	styles.Focused.Placeholder = th.faint
	s.field.SetStyles(styles)
	where := "the log"
	if s.in != "" {
		where = "session " + line(s.in)
	}
	number := ""
	switch {
	case s.found != "" && s.err == nil && len(s.hits.all) >= hitsMax:
		number = fmt.Sprintf("the newest %d", hitsMax)
	case s.found != "" && s.err == nil:
		number = fmt.Sprintf("%d found", len(s.hits.all))
	}
	out := []string{
		" " + between(th.accent.Render("glovebox")+th.faint.Render(" · ")+th.bold.Render("find in "+where), th.faint.Render(number), s.w-2),
		" " + th.accent.Render("/ ") + s.field.View(), "",
	}
	switch {
	case s.err != nil:
		for _, l := range wrap(clean("✗ "+s.err.Error()), s.w-2, true) {
			out = append(out, " "+th.bad.Render(l))
		}
	case s.found != "" && len(s.hits.all) == 0:
		out = append(out, " "+th.faint.Render(fit("Nothing found. All words must occur in one step.", s.w-2)))
	case s.found == "":
		for _, l := range wrap(searchHelp, s.w-3, true) {
			out = append(out, " "+th.faint.Render(l))
		}
	default:
		out = append(out, s.list()...)
	}
	return strings.Join(fill(out, s.h-1), "\n")
}

const searchHelp = `Prompts, answers, commands, outputs and file names are searched. All words must occur in one step; case does not matter.

Filters: tool:sql  exit:1  kind:prompt  model:qwen  tag:odd  result:limited  since:2026-11-01`

// list draws the hits under headings that name their sessions.
func (s *search) list() []string {
	th := s.desk.th
	var lines []string
	first, last := 0, 0 // lines of the chosen one, its heading included
	session := ""
	for i, h := range s.hits.all {
		from := len(lines)
		if h.Session != session {
			session = h.Session
			lines = append(lines, " "+between(th.bold.Render(titleOf(h.Title)), th.faint.Render(ago(h.At, s.desk.clock())), s.w-2))
		}
		mark := "  "
		if i == s.hits.at {
			mark, first, last = th.accent.Render("┃")+" ", from, len(lines)
		}
		about := pad(fmt.Sprintf("%4d %s", h.Seq, line(h.Kind)), min(20, s.w/3))
		lines = append(lines, fit(mark+th.faint.Render(about)+" "+s.marked(h.Snippet, s.w-len(mark)-ansi.StringWidth(about)), s.w))
	}
	room := s.room()
	s.top = max(min(s.top, first, len(lines)-room), last-room+1, 0)
	return lines[s.top:min(s.top+room, len(lines))]
}

// marked makes what was found stand out, also without colour, and brings the
// first of it into the w cells that there are.
func (s *search) marked(snippet string, w int) string {
	style := s.desk.th.accent.Bold(true).Underline(true)
	var b strings.Builder
	if before, after, ok := strings.Cut(snippet, store.HitStart); ok {
		if over := ansi.StringWidth(before) - w/3; over > 0 {
			snippet = "…" + ansi.TruncateLeft(line(before), over, "") + store.HitStart + after
		}
	}
	for rest := strings.ReplaceAll(line(snippet), "␊", " "); rest != ""; {
		before, after, found := strings.Cut(rest, store.HitStart)
		b.WriteString(before)
		if !found {
			break
		}
		hit, tail, _ := strings.Cut(after, store.HitEnd)
		b.WriteString(style.Render(hit))
		rest = tail
	}
	return b.String()
}
