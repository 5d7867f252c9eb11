package tui

import (
	"html"
	"regexp"
	"strings"

	"charm.land/glamour/v2"
	gansi "charm.land/glamour/v2/ansi"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"glovebox/store"
)

// Markdown beyond these sizes is shown as plain text: laying it out would
// hold up the screen.
const (
	markdownMax     = 64 << 10
	markdownLineMax = 8 << 10
)

// markdown lays out messages. It keeps one renderer, for the width in use.
type markdown struct {
	style    gansi.StyleConfig
	width    int
	renderer *glamour.TermRenderer
}

// lines lays out cleaned text in lines of at most w cells.
func (m *markdown) lines(text string, w int) []string {
	if len(text) > markdownMax || longestLine(text) > markdownLineMax {
		return wrap(text, w, true)
	}
	out, ok := m.render(defuse(text), w)
	if !ok {
		return wrap(text, w, true)
	}
	var lines []string
	for l := range strings.SplitSeq(strings.Trim(stylesOnly(out), "\n"), "\n") {
		l = strings.TrimRight(l, " ")
		if ansi.StringWidth(l) <= w {
			lines = append(lines, trimStyled(l, w))
			continue
		}
		lines = append(lines, strings.Split(lipgloss.Wrap(l, w, ""), "\n")...)
	}
	return lines
}

// render reports false where the library fails, by error or by panic: the text is hostile.
func (m *markdown) render(text string, w int) (out string, ok bool) {
	defer func() {
		if recover() != nil {
			m.renderer, out, ok = nil, "", false
		}
	}()
	if m.renderer == nil || m.width != w {
		r, err := glamour.NewTermRenderer(glamour.WithStyles(m.style), glamour.WithWordWrap(w), glamour.WithPreservedNewLines())
		if err != nil {
			return "", false
		}
		m.renderer, m.width = r, w
	}
	out, err := m.renderer.Render(text)
	return out, err == nil
}

var entity = regexp.MustCompile(`&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);?`)

// defuse takes the meaning from character references that stand for
// something store.Clean would not let pass.
func defuse(text string) string {
	return entity.ReplaceAllStringFunc(text, func(ref string) string {
		if meant := html.UnescapeString(ref); meant != store.CleanLine(meant) {
			return "&amp;" + ref[1:]
		}
		return ref
	})
}

// stylesOnly drops every escape sequence but those for colours and weights
// (glamour makes links of addresses that the model chose).
func stylesOnly(s string) string {
	var b strings.Builder
	var state byte
	for len(s) > 0 {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		if width > 0 || seq == "\n" || strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m") {
			b.WriteString(seq)
		}
		s, state = s[n:], next
	}
	return b.String()
}

// trimStyled removes the spaces with which glamour fills up lines.
func trimStyled(l string, w int) string {
	plain := strings.TrimRight(ansi.Strip(l), " ")
	if pw := ansi.StringWidth(plain); pw < w {
		return ansi.Truncate(l, pw, "")
	}
	return l
}

func longestLine(s string) int {
	longest := 0
	for l := range strings.SplitSeq(s, "\n") {
		longest = max(longest, len(l))
	}
	return longest
}
