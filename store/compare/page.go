package compare

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"

	"glovebox/store"

	"github.com/charmbracelet/x/ansi"
)

// A page is what is written on.
type page struct {
	w                          *bufio.Writer
	width, lines, items, steps int
	room                       int // lines that there is still room for
}

// line writes one line, cut to the screen.
func (p *page) line(format string, args ...any) {
	s := strings.TrimRight(store.CleanLine(fmt.Sprintf(format, args...)), " ")
	if p.width > 0 {
		s = ansi.Truncate(s, p.width, "…")
	}
	p.room--
	p.w.WriteString(s)  //nolint:errcheck // Flush returns it
	p.w.WriteByte('\n') //nolint:errcheck
}

func (p *page) list(items []item) {
	for i, it := range items {
		if i == p.items {
			p.line("    … %d more", len(items)-i)
			return
		}
		p.item("  ", it)
	}
}

// item writes what differs between two values: on one line if that is enough.
func (p *page) item(margin string, it item) {
	name, about := it.name, it.about()
	if strings.HasPrefix(name, "tool ") && about == "" && (it.a == nil || it.b == nil) {
		p.line("%s%s: only in %s", margin, name, map[bool]string{true: "A", false: "B"}[it.b == nil])
		return
	}
	a, b := it.show(it.a), it.show(it.b)
	if it.a.short() && it.b.short() && about == "" && it.name != arguments && it.name != ranWith {
		x, y := cmp.Or(strings.TrimSpace(a), "(none)"), cmp.Or(strings.TrimSpace(b), "(none)")
		if s := fmt.Sprintf("%s%s: %s → %s", margin, name, x, y); store.CleanLine(x) != store.CleanLine(y) && (p.width == 0 || ansi.StringWidth(store.CleanLine(s)) <= p.width) {
			p.line("%s", s)
			return
		}
	}
	head := margin + name + ":"
	if about != "" {
		head += " " + about
	}
	p.line("%s", head)
	if a == b && it.verdict == differs {
		p.line("%s  in what is not shown", strings.Repeat(" ", len(margin)))
	}
	p.diff(strings.Repeat(" ", len(margin)+2), unified(a, b))
}

// diff writes a unified diff, as much of it as there is room for.
func (p *page) diff(margin, text string) {
	if text == "" {
		return
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) <= 3 && strings.HasPrefix(text, "@@") { // of one line each
		lines = lines[1:]
	}
	rest := 0
	if p.width > 0 {
		lines = shorten(lines)
	}
	if len(lines) > p.lines+1 {
		lines, rest = lines[:p.lines], len(lines)-p.lines
	}
	if p.width > 0 {
		reveal(lines, p.width-len(margin))
	}
	for _, l := range lines {
		p.line("%s%s", margin, l)
	}
	if rest > 0 {
		p.line("%s… %d more lines", margin, rest)
	}
}

// shorten leaves out the most of what was taken out or put in in one piece, so
// that both can be seen on a screen.
func shorten(lines []string) (out []string) {
	const most = screenLines/2 - 2
	for i := 0; i < len(lines); {
		from, sign := i, lines[i][:min(1, len(lines[i]))]
		for i < len(lines) && strings.HasPrefix(lines[i], sign) && (sign == "-" || sign == "+") {
			i++
		}
		if i == from {
			i++
		}
		if i-from <= most+1 {
			out = append(out, lines[from:i]...)
			continue
		}
		out = append(append(out, lines[from:from+most]...), fmt.Sprintf("%s… %d more lines", sign, i-from-most))
	}
	return out
}

// reveal cuts the beginnings of long lines that were changed, so that what was
// changed can be seen on a screen.
func reveal(lines []string, width int) {
	for i := 0; i < len(lines); i++ {
		minus := i
		for i < len(lines) && strings.HasPrefix(lines[i], "-") {
			i++
		}
		plus := i
		for i < len(lines) && strings.HasPrefix(lines[i], "+") {
			i++
		}
		for n := range min(plus-minus, i-plus) {
			lines[minus+n], lines[plus+n] = window(lines[minus+n], lines[plus+n], width)
		}
		if i > minus {
			i--
		}
	}
}

// window leaves out what two lines, of which each begins with its sign, begin
// with alike, if they would not fit else.
func window(a, b string, width int) (string, string) {
	a, b = store.CleanLine(a), store.CleanLine(b)
	if ansi.StringWidth(a) <= width && ansi.StringWidth(b) <= width {
		return a, b
	}
	x, y := []rune(a[1:]), []rune(b[1:])
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	from := n - width/3
	if from < 2 {
		return a, b
	}
	return a[:1] + "…" + string(x[from:]), b[:1] + "…" + string(y[from:])
}

func fits(text string, width int) bool {
	return len(text) < 1000 && !strings.Contains(text, "\n") && ansi.StringWidth(store.CleanLine(text)) <= width
}
