package tui

import (
	"errors"
	"html"
	"regexp"
	"strings"

	"charm.land/glamour/v2"
	gansi "charm.land/glamour/v2/ansi"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"glovebox/store"
)

// Markdown beyond these sizes is shown as plain text: laying it out would hold
// up the screen. The library needs time and memory exponential in the depth of
// nested quotes and lists: 30 bytes would do to hang it.
const (
	markdownMax     = 16 << 10 // bytes
	markdownLineMax = 4 << 10  // bytes
	markdownDeep    = 6        // quotes and lists within one another
)

// markdown lays out messages. It keeps one renderer, for the width in use.
type markdown struct {
	style    gansi.StyleConfig
	width    int
	renderer *glamour.TermRenderer
}

// lines lays out cleaned text in lines of at most w cells.
func (m *markdown) lines(text string, w int) []string {
	if !simple(text) {
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
		lines = append(lines, wrapStyled(l, w)...)
	}
	return hang(text, lines, w)
}

// bullet is how the library begins an item of a list.
var bullet = regexp.MustCompile(`^( *)(?:•|\d{1,4}\.|\[[ ✓]\]) `)

// hang puts what an item of a list in text goes on with under its first word;
// the library puts it under the bullet.
func hang(text string, lines []string, w int) []string {
	var out []string
	for len(lines) > 0 {
		n, first := 1, bullet.FindStringSubmatch(ansi.Strip(lines[0]))
		if first == nil {
			out, lines = append(out, lines[0]), lines[1:]
			continue
		}
		indent, head := len(first[1]), ansi.StringWidth(first[0])
		item := []string{ansi.TruncateLeft(lines[0], head, "")} // its lines as they were written
		for ; n < len(lines); n++ {
			rest, same := strings.CutPrefix(ansi.Strip(lines[n]), first[1])
			if !same || rest == "" || rest[0] == ' ' || bullet.MatchString(rest) {
				break
			}
			more := ansi.TruncateLeft(lines[n], indent, "")
			if between, wrapped := seam(text, ansi.Strip(lines[n-1]), rest, w); wrapped {
				item[len(item)-1] += between + more
			} else {
				item = append(item, more)
			}
		}
		if n == 1 || w-head < 10 {
			out = append(out, lines[:n]...)
		} else {
			mark := ansi.Truncate(lines[0], head, "")
			for _, written := range item {
				for _, part := range wrapStyled(written, w-head) {
					out = append(out, mark+part)
					mark = strings.Repeat(" ", head)
				}
			}
		}
		lines = lines[n:]
	}
	return out
}

// breaks are the signs after which the library parts a line of a list.
const breaks = ",.;-+|"

// seam says whether a line was wrapped before next, because no more of it had
// room in w, and what stood between the two in the text.
func seam(text, line, next string, w int) (between string, wrapped bool) {
	word, _, _ := strings.Cut(next, " ")
	if i := strings.IndexAny(word, breaks); i >= 0 {
		word = word[:i+1]
	}
	body := bullet.ReplaceAllString(line, "")
	last := body[strings.LastIndexByte(body, ' ')+1:]
	switch {
	case ansi.StringWidth(line)+1+ansi.StringWidth(word) <= w: // it would have fitted
		return "", false
	case last == "":
	case strings.Contains(breaks, last[len(last)-1:]) && strings.Contains(text, last+word),
		last == strings.TrimSpace(body) && ansi.StringWidth(line) >= w-1: // a word that is longer than a line
		return "", true
	}
	return " ", true
}

// wrapStyled breaks a styled line; every part has its styles whole.
func wrapStyled(l string, w int) []string {
	var b strings.Builder
	styled := lipgloss.NewWrapWriter(&b)
	_, err := styled.Write([]byte(wrapWords(l, w)))
	if err = errors.Join(err, styled.Close()); err != nil {
		return wrap(ansi.Strip(l), w, true)
	}
	return strings.Split(b.String(), "\n")
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

// simple reports whether text is within the bounds above.
func simple(text string) bool {
	if len(text) > markdownMax {
		return false
	}
	for l := range strings.SplitSeq(text, "\n") {
		if len(l) > markdownLineMax || depth(l) > markdownDeep {
			return false
		}
	}
	return true
}

// depth is at least how deep the text of a line can lie in quotes and lists:
// every marker is a level, and so is every four spaces before the last of them.
func depth(l string) int {
	markers, spaces, levels := 0, 0, 0
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case c == ' ':
			spaces++
			continue
		case '0' <= c && c <= '9':
			continue
		case c == '>', strings.IndexByte("-*+.):", c) >= 0 && (i+1 == len(l) || l[i+1] == ' '):
			markers++
			levels = markers + spaces/4
			continue
		}
		break
	}
	return levels
}
