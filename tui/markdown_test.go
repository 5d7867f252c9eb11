package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestItemsHang(t *testing.T) {
	text := "Found:\n\n- one item that is **long enough** to go on in a second line, and in a third\n  - below it `another` that goes on as well, because it is long\n- short\n\n" +
		"A paragraph that is long enough to go on, too.\n\n9. nine is long enough to need another line\n10. ten is long enough to need another line\n\n- [x] done is long enough to need another line\n"
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
    line`
	if got := ansi.Strip(strings.Join(newTheme(true).md.lines(text, 39), "\n")); got != want {
		t.Errorf("%s", got)
	}
}
