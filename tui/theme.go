package tui

import (
	"image/color"
	"strings"

	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"charm.land/glamour/v2/ansi"
	"charm.land/glamour/v2/styles"
	"charm.land/lipgloss/v2"
)

// theme is how things look. Colour only underlines what symbols and words
// already say; the renderer drops it where the terminal or NO_COLOR asks so.
type theme struct {
	accent, bold, faint, rule, good, bad lipgloss.Style
	input                                textarea.Styles
	md                                   *markdown
}

// darkSays reads COLORFGBG, by which some terminals, and people, say what the
// background is: it counts until the terminal answers when it is asked.
func darkSays(colours string) bool {
	background := colours[strings.LastIndexByte(colours, ';')+1:]
	return background != "7" && background != "15" // white and bright white
}

func newTheme(dark bool) *theme {
	pick := lipgloss.LightDark(dark)
	amber := pick(lipgloss.Color("#9A5B00"), lipgloss.Color("#E8A33D"))
	grey := pick(lipgloss.Color("#6B6B6B"), lipgloss.Color("#8C8C8C"))
	line := pick(lipgloss.Color("#BDBDBD"), lipgloss.Color("#4A4A4A"))
	style := lipgloss.NewStyle
	t := &theme{
		accent: style().Foreground(amber),
		bold:   style().Bold(true),
		faint:  style().Foreground(grey),
		rule:   style().Foreground(line),
		good:   style().Foreground(pick(lipgloss.Color("#2E7D32"), lipgloss.Color("#87B379"))),
		bad:    style().Foreground(pick(lipgloss.Color("#B3261E"), lipgloss.Color("#E5786D"))),
	}
	t.input = inputStyles(t, amber)
	t.md = &markdown{style: markdownStyle(dark)}
	return t
}

func inputStyles(t *theme, cursor color.Color) textarea.Styles {
	state := textarea.StyleState{Placeholder: t.faint, Prompt: t.accent, Selection: lipgloss.NewStyle().Reverse(true)}
	blurred := state
	blurred.Prompt, blurred.Text = t.faint, t.faint
	return textarea.Styles{
		Focused: state,
		Blurred: blurred,
		Cursor:  textarea.CursorStyle{Color: cursor, Shape: tea.CursorBar},
	}
}

// markdownStyle is glamour's own style, quieter: no margins, no filled
// headings, one accent.
func markdownStyle(dark bool) ansi.StyleConfig {
	c, amber, code := styles.LightStyleConfig, "#9A5B00", "github"
	if dark {
		c, amber, code = styles.DarkStyleConfig, "#E8A33D", "github-dark"
	}
	c.CodeBlock.Chroma, c.CodeBlock.Theme = nil, code // the library registers its own colours once, for good
	none := uint(0)
	c.Document = ansi.StyleBlock{Margin: &none}
	c.CodeBlock.Margin = nil
	c.CodeBlock.Indent = ptr(uint(2))
	c.Heading.Color = &amber
	c.H1 = ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{Prefix: "# "}}
	c.H6.Color = nil
	c.Code = ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{Color: &amber}}
	c.HorizontalRule.Format = "\n───\n"
	return c
}

func ptr[T any](v T) *T { return &v }
