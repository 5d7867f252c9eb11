package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

// What an item says is not changed by how it is laid out.
func TestItemsHang(t *testing.T) {
	text := "Found:\n\n- one item that is **long enough** to go on in a second line, and in a third\n  - below it `another` that goes on as well, because it is long\n- short\n\n" +
		"A paragraph that is long enough to go on, too.\n\n9. nine is long enough to need another line\n10. ten is long enough to need another line\n\n- [x] done is long enough to need another line\n\n" +
		"- a new line\n  that was written stays one\n- https://example.org/that/is/longer/than/a/line/of/this\n- parted at the hyphen of this well-known word\n"
	want := `Found:

• one item that is long enough to go on
  in a second line, and in a third
  • below it another that goes on as
    well, because it is long
• short

A paragraph that is long enough to go
on, too.

9. nine is long enough to need another
   line
10. ten is long enough to need another
    line

[✓] done is long enough to need another
    line
• a new line
  that was written stays one
• https://example.org/that/is/longer/th
  an/a/line/of/this
• parted at the hyphen of this well-
  known word`
	if got := ansi.Strip(strings.Join(newTheme(true).md.lines(text, 39), "\n")); got != want {
		t.Errorf("%s", got)
	}
}

// Hanging moves words, and loses no letter.
func TestHangingLosesNothing(t *testing.T) {
	squash := func(lines []string) string {
		return strings.Join(strings.Fields(ansi.Strip(strings.Join(lines, " "))), "")
	}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("aab. -*`\n\n  1世x_[]|")), 0, 200, -1).Draw(r, "text")
		w := rapid.IntRange(8, 60).Draw(r, "width")
		m := newTheme(true).md
		out, ok := m.render(text, w)
		if !ok {
			return
		}
		lines := strings.Split(stylesOnly(out), "\n")
		hung := hang(text, lines, w)
		if squash(hung) != squash(lines) {
			r.Fatalf("%q became %q", lines, hung)
		}
	})
}
