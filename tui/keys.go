package tui

import "charm.land/bubbles/v2/key"

// keyMap is every key there is. What the help shows is made from it.
type keyMap struct {
	Help, Quit key.Binding

	Up, Down, PageUp, PageDown, Top, Bottom key.Binding

	Open, New, Filter, Reload, Leave, Verify key.Binding

	Sort, Reverse, Resume, Find, FindHere, Import key.Binding

	Mark, Export, Check, CheckAll, Rerun key.Binding

	Star, Tag, Comment, Score, Retitle key.Binding

	NextHit, PrevHit key.Binding

	Again, Control, History key.Binding

	Send, Newline, Older, Newer, Editor, Switch, Interrupt, End, Home key.Binding

	Fold, FoldAll, Copy, Pager, PagerAll key.Binding

	AllowOnce, AllowSession, AllowPattern, EditCall, DenyWhy, Deny, Stop key.Binding

	LetIn, LetMarked, KeepOut key.Binding

	Next, Prev, NextCall, PrevCall, NextError, PrevError, First, Last, Back, ToStep key.Binding
}

// keyGroup is one part of the help.
type keyGroup struct {
	title string
	keys  []key.Binding
}

func bind(shown, does string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, does))
}

func newKeyMap() keyMap {
	return keyMap{
		Help: bind("?", "keys", "?", "f1"),
		Quit: bind("ctrl+c", "interrupt; again: leave", "ctrl+c"),

		Up:       bind("↑/k", "up", "up", "k"),
		Down:     bind("↓/j", "down", "down", "j"),
		PageUp:   bind("pgup", "page up", "pgup", "ctrl+b"),
		PageDown: bind("pgdn", "page down", "pgdown", "ctrl+f"),
		Top:      bind("home", "top", "home", "g"),
		Bottom:   bind("end", "bottom, and follow", "end", "G"),

		Open:   bind("enter", "open", "enter"),
		New:    bind("n", "new session", "n"),
		Filter: bind("/", "filter", "/"),
		Reload: bind("r", "read again", "r", "ctrl+r"),
		Leave:  bind("q", "leave", "q"),
		Verify: bind("v", "is the box closed?", "v"),

		Sort:     bind("s", "sort by the next column", "s"),
		Reverse:  bind("S", "the other way round", "S"),
		Resume:   bind("R", "resume in a new box", "R"),
		Find:     bind("f", "find in the log", "f"),
		FindHere: bind("/", "find in this session", "/", "f"),
		Import:   bind("i", "import a bundle", "i"),

		Mark:     bind("m", "mark: star, tags, …", "m"),
		Export:   bind("x", "export", "x"),
		Check:    bind("c", "check: is it intact?", "c"),
		CheckAll: bind("C", "check the whole log", "C"),
		Rerun:    bind("a", "run again: does it drift?", "a"),

		Star:    bind("s", "star", "s", "*"),
		Tag:     bind("t", "tags", "t"),
		Comment: bind("c", "comment", "c"),
		Score:   bind("p", "score", "p"),
		Retitle: bind("T", "title", "T"),

		NextHit: bind("↓", "next", "down", "ctrl+n", "tab"),
		PrevHit: bind("↑", "previous", "up", "ctrl+p", "shift+tab"),

		Again:   bind("r", "verify", "r"),
		Control: bind("c", "with controls", "c"),
		History: bind("H", "earlier results", "H"),

		Send:      bind("enter", "send", "enter"),
		Newline:   bind("alt+enter", "new line (or ctrl+j)", "shift+enter", "alt+enter", "ctrl+j"),
		Older:     bind("↑", "older prompt", "up", "ctrl+p"),
		Newer:     bind("↓", "newer prompt", "down", "ctrl+n"),
		Editor:    bind("ctrl+e", "write in $EDITOR", "ctrl+e"),
		Switch:    bind("tab", "composer or transcript", "tab", "shift+tab"),
		Interrupt: bind("esc", "interrupt", "esc"),
		End:       bind("ctrl+d", "end session", "ctrl+d"),
		Home:      bind("esc", "sessions", "esc"),

		Fold:     bind("space", "fold, unfold", "space", "enter"),
		FoldAll:  bind("ctrl+o", "fold, unfold all", "ctrl+o"),
		Copy:     bind("y", "copy", "y"),
		Pager:    bind("o", "open in $PAGER", "o"),
		PagerAll: bind("O", "open all in $PAGER", "O"),

		AllowOnce:    bind("a", "allow", "a"),
		AllowSession: bind("s", "session", "s"),
		AllowPattern: bind("p", "pattern", "p"),
		EditCall:     bind("e", "edit", "e"),
		DenyWhy:      bind("d", "deny, why", "d"),
		Deny:         bind("esc", "deny", "esc"),
		Stop:         bind("x", "stop", "x"),

		LetIn:     bind("y", "let it in", "y"),
		LetMarked: bind("m", "let it in with marks", "m"),
		KeepOut:   bind("esc", "leave it out", "esc"),

		Next:      bind("→/l", "step", "right", "l"),
		Prev:      bind("←/h", "step back", "left", "h"),
		NextCall:  bind("t", "next tool call", "t"),
		PrevCall:  bind("T", "previous tool call", "T"),
		NextError: bind("e", "next error", "e"),
		PrevError: bind("E", "previous error", "E"),
		First:     bind("g", "start", "g"),
		Last:      bind("G", "end", "G"),
		ToStep:    bind("enter", "on a note: to its step", "enter"),
		Back:      bind("esc", "sessions", "esc", "q"),
	}
}

func (k *keyMap) homeKeys() []keyGroup {
	return []keyGroup{
		{"Sessions", []key.Binding{k.Open, k.New, k.Resume, k.Rerun, k.Mark, k.Export, k.Check}},
		{"List", []key.Binding{k.Find, k.Filter, k.Sort, k.Reverse, k.Reload}},
		{"Move", []key.Binding{k.Up, k.Down, k.PageUp, k.PageDown, k.Top, k.Bottom}},
		{"Workbench", []key.Binding{k.Verify, k.Import, k.CheckAll, k.Help, k.Leave, k.Quit}},
	}
}

func (k *keyMap) transcriptKeys() keyGroup {
	return keyGroup{"Transcript", []key.Binding{
		k.Up, k.Down, k.PageUp, k.PageDown, k.Top, k.Bottom,
		k.Fold, k.FoldAll, k.Copy, k.Pager, k.PagerAll,
	}}
}

// recordKeys are those that work on what is recorded of a session.
func (k *keyMap) recordKeys() keyGroup {
	return keyGroup{"Recording", []key.Binding{k.FindHere, k.Mark, k.Export, k.Check, k.Rerun, k.Resume}}
}

func (k *keyMap) searchKeys() []keyGroup {
	return []keyGroup{
		{"Find", []key.Binding{k.Open, k.PrevHit, k.NextHit, k.PageUp, k.PageDown, k.Home}},
		{"Workbench", []key.Binding{k.Help, k.Quit}},
	}
}

func (k *keyMap) sessionKeys() []keyGroup {
	return []keyGroup{
		{"Composer", []key.Binding{k.Send, k.Newline, k.Older, k.Newer, k.Editor}},
		{"Session", []key.Binding{k.Interrupt, k.Switch, k.Home, k.End, k.Help, k.Quit}},
		{"Questions", []key.Binding{k.AllowOnce, k.AllowSession, k.AllowPattern, k.EditCall, k.DenyWhy, k.Deny, k.Stop}},
		k.transcriptKeys(),
		k.recordKeys(),
	}
}

func (k *keyMap) verifyKeys() []keyGroup {
	return []keyGroup{
		{"Is the box closed?", []key.Binding{k.Again, k.Control, k.Open, k.History, k.NextError, k.PrevError, k.Back}},
		{"Move", []key.Binding{k.Up, k.Down, k.PageUp, k.PageDown, k.Top, k.Bottom}},
		{"Workbench", []key.Binding{k.Help, k.Quit}},
	}
}

func (k *keyMap) playbackKeys() []keyGroup {
	return []keyGroup{
		{"Playback", []key.Binding{
			k.Next, k.Prev, k.NextCall, k.PrevCall, k.NextError, k.PrevError, k.First, k.Last, k.ToStep, k.Back, k.Help, k.Quit,
		}},
		k.transcriptKeys(),
		k.recordKeys(),
	}
}
