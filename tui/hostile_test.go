package tui

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"glovebox/agent"
	"glovebox/store"
)

// nasty are texts that a terminal must not get as they are.
func nasty() map[string]string {
	return map[string]string{
		"escapes":   "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1bP1;2q\x1b\\ \u009b31m\x9b1m",
		"control":   "a\rb\bc\x00d\x7fe\vf\fg\x85h",
		"bidi":      "user\u202etxt.exe\u202c \u2066x\u2069 \u200fy",
		"wide":      strings.Repeat("世界🚀👩‍👩‍👧‍👦é́́ｆｕｌｌ", 40),
		"long line": strings.Repeat("x", 1<<20),
		"long wide": strings.Repeat("世", 1<<16),
		"spaces":    strings.Repeat(" ", 5000) + "x\t\t\ty" + strings.Repeat("\t", 500),
		"lines":     strings.Repeat("\n", 3000) + "end",
		"invalid":   "a\xffb\xc3(\xe2\x82",
		"combining": "a" + strings.Repeat("́", 5000),
		"entities":  "&#27;[31m &#x1b;]0;x&#7; &#8238;evil &rlm; `&#27;` &lt;b&gt;\n\n    &#27;code\n",
		"markdown":  "# h\n\n|a|b|\n|-|-|\n|" + strings.Repeat("wide cell ", 60) + "|x|\n\n[x](https://e.xample/\x1b%1b) ![i](y)\n\n```\n" + strings.Repeat("code ", 80) + "\n```\n" + strings.Repeat("> ", 60) + "deep\n" + strings.Repeat("- ", 40) + "list\n\n<b>html</b> <!-- c -->\n\n<https://example.org/" + strings.Repeat("a", 300) + ">",
	}
}

// everywhere puts text into every place of a session where it can be.
func everywhere(text string) []store.Body {
	args, err := json.Marshal(map[string]string{"command": text, "other": text})
	if err != nil {
		panic(err)
	}
	return []store.Body{
		store.SessionStarted{Model: text, Recipe: &store.Recipe{Schema: text}},
		store.BoxCreated{
			Image: text, ImageDigest: text, Runtime: text, Engine: text,
			Seal: []store.Proof{{Probe: text, Layer: "data", Verdict: text, Evidence: text}}, Limits: []store.Limit{{Name: text, Value: text, Enforced: text}},
		},
		store.FilePut{Path: text},
		store.Prompt{Text: text},
		store.ModelRequest{Turn: 1},
		store.ModelResponse{Text: text, Reasoning: text, ToolCalls: []store.CallSpec{
			{ID: "1", Name: "shell", Arguments: string(args)}, {ID: "2", Name: text, Arguments: text}, {ID: "3", Name: "x", Arguments: text},
		}},
		store.Decision{CallID: "2", Tool: text, Verdict: "deny", Rule: text, Reason: text, By: text},
		store.Decision{CallID: "1", Tool: "shell", Verdict: "allow"},
		store.ToolCall{CallID: "1", Tool: "shell", Arguments: args},
		store.ToolResult{CallID: "1", Tool: text, Signal: text, Stdout: text, Stderr: text, Error: text, StdoutCut: 5, StderrCut: 7},
		store.ToolCall{CallID: "3", Tool: text, Arguments: args},
		store.LimitReached{Limit: text},
		store.Interrupted{By: text},
		store.Failure{Code: text, Message: text},
		store.BoxDiff{Error: text},
		store.Note{By: text, Step: 3, Title: text, Text: text, Tags: []string{text}, Untags: []string{text}, Score: &store.Score{Name: text}},
		store.BoxDestroyed{Reason: text},
		store.SessionEnded{Status: text, Reason: text},
	}
}

// mustBeHarmless checks what a screen sends to the terminal: colours and weights, nothing else.
func mustBeHarmless(t *testing.T, a *app) {
	t.Helper()
	mustFit(t, a)
	content := a.content()
	rest := content
	var state byte
	for len(rest) > 0 {
		seq, width, n, next := ansi.DecodeSequence(rest, state, nil)
		style := strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m")
		if width == 0 && seq != "\n" && !style && !joins(seq) {
			t.Fatalf("the screen holds %q", seq)
		}
		rest, state = rest[n:], next
	}
	for _, r := range ansi.Strip(content) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Fatalf("the screen holds the rune %U", r)
		}
	}
}

// joins reports whether text is nothing but accents and the joiner of emoji.
func joins(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r != 0x200d && !unicode.In(r, unicode.Mn, unicode.Me) }) < 0
}

func TestHostileTextIsHarmless(t *testing.T) {
	for name, text := range nasty() {
		t.Run(name, func(t *testing.T) {
			sizes := [][2]int{{40, 12}, {80, 24}, {200, 50}, {31, 10}}
			if len(text) > 1000 {
				sizes = sizes[:1] // long texts take long at any size
			}
			for _, size := range sizes {
				a := newTestApp(size[0], size[1])
				a.Update(sessionMsg{a.home, summariesMsg{all: []store.Summary{{ID: text, Title: text, Model: text, Status: text}}}})
				mustBeHarmless(t, a)
				typed(a, "/")
				a.home.handle(flashMsg(text))
				mustBeHarmless(t, a)
				bad := store.Summary{ID: text, Title: text, Model: text, Tags: []string{text, text}, Starred: true}
				for _, m := range []dialogMsg{
					newMarking(a.desk, bad, 1), newExporting(a.desk, text), newImporting(a.desk), newReporting(a.desk, text, nil),
				} {
					a.Update(m)
					if r, ok := m.dialog.(*reporting); ok {
						mustBeHarmless(t, a)
						r.handle(reportMsg{Report: Report{Said: text, More: []string{text, text}}})
					} else if len(text) < 10_000 {
						a.Update(pasteOf(text))
					}
					m.handle(flashMsg(text))
					mustBeHarmless(t, a)
					a.top = nil
				}
				a.Update(searchMsg{text})
				a.search.found = "x"
				for _, snippet := range []string{text, store.HitStart + text + store.HitEnd, text + store.HitStart} {
					a.search.hits.all = append(a.search.hits.all, store.Hit{Session: snippet, Kind: text, Title: text, Snippet: snippet})
				}
				mustBeHarmless(t, a)
				press(a, "esc")

				p := openRecorded(a, record(everywhere(text)...))
				for n := range p.steps {
					p.show(n)
					mustBeHarmless(t, a)
				}
				press(a, "ctrl+o")
				for range 20 {
					mustBeHarmless(t, a)
					press(a, "pgup")
				}
				press(a, "home")
				for range len(p.story.items) {
					mustBeHarmless(t, a)
					p.list.focusOn(p.list.focus + 1)
				}
			}
		})
	}
}

func TestHostileTextStreamsHarmlessly(t *testing.T) {
	for name, text := range nasty() {
		t.Run(name, func(t *testing.T) {
			a := newTestApp(60, 20)
			s := openLive(a, everywhere("x")[:9]...)
			for chunk := range chunks(text, 1+len(text)/10) {
				for _, u := range []agent.Update{
					{Output: &agent.Output{CallID: "1", Chunk: chunk}},
					{Delta: &agent.Delta{Notice: chunk}},
					{Delta: &agent.Delta{Reasoning: chunk}},
					{Delta: &agent.Delta{Text: chunk}},
					{Delta: &agent.Delta{Tool: chunk}},
				} {
					a.Update(sessionMsg{s, updatesMsg{[]agent.Update{u}, true}})
					mustBeHarmless(t, a)
				}
			}
			press(a, "tab", "ctrl+o")
			mustBeHarmless(t, a)
			if len(text) < 10_000 {
				s.composer.handle(pasteOf(text))
				s.layout()
				mustBeHarmless(t, a)
			}
		})
	}
}

// chunks cuts text into pieces of n bytes.
func chunks(text string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			k := min(n, len(text))
			if !yield(text[:k]) {
				return
			}
			text = text[k:]
		}
	}
}

// TestMarkdownFitsAndIsHarmless throws markdown of all sorts at the layout.
func TestMarkdownFitsAndIsHarmless(t *testing.T) {
	th := newTheme(true)
	pieces := []string{"# ", "- ", "1. ", "> ", "`", "```\n", "|", "\n", "\n\n", "**", "_", "[", "](", ")", "word ", "世界", "🚀", "&#27;", "&#x9b;", "&rlm;", "<b>", "    ", "---", "~~", "https://example.org/x", "\\", "!", "- [ ] ", "verylongwordthatdoesnotfitanywhere"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "text"), "")
		w := rapid.IntRange(8, 60).Draw(t, "w")
		for _, l := range th.md.lines(clean(text), w) {
			if got := ansi.StringWidth(l); got > w {
				t.Fatalf("%q is %d cells wide, want at most %d", l, got, w)
			}
			if strings.ContainsAny(ansi.Strip(l), "\x1b\u009b\u200f\r\n") || strings.Contains(l, "\x1b]") {
				t.Fatalf("%q is not harmless", l)
			}
		}
	})
}

// TestCostlyMarkdownIsShownPlain: the library needs longer than anyone waits
// for a few bytes of deeply nested markdown.
func TestCostlyMarkdownIsShownPlain(t *testing.T) {
	md := newTheme(true).md
	for name, text := range map[string]string{
		"huge":     strings.Repeat("a **bold** word\n", markdownMax/16+1),
		"long":     strings.Repeat("**bold** ", markdownLineMax/9+1),
		"quotes":   strings.Repeat("> ", 1000) + "**bold**",
		"tight":    strings.Repeat(">", 1000) + "**bold**",
		"lists":    strings.Repeat("- ", 1000) + "**bold**",
		"numbers":  strings.Repeat("1. ", 1000) + "**bold**",
		"mixed":    strings.Repeat("> 1) * ", 300) + "**bold**",
		"indented": "text\n" + strings.Repeat(" ", 60) + "- **bold**",
	} {
		if lines := md.lines(text, 80); !strings.Contains(strings.Join(lines, ""), "**bold**") {
			t.Errorf("%s: laid out as markdown: %q", name, cut(strings.Join(lines, "\n"), 500))
		}
	}
	for _, text := range []string{"-----------\n**bold**", "> - quoted\n\n**bold**", "a | b\n--- | ---\n**bold** | x", "```\n" + strings.Repeat(" ", 80) + "code\n```\n**bold**"} {
		if lines := md.lines(text, 80); strings.Contains(strings.Join(lines, ""), "**bold**") {
			t.Errorf("%q: not laid out as markdown", text)
		}
	}
}
