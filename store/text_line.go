package store

import (
	"fmt"
	"strings"
)

// line writes one line of glovebox's own; what is put into it cannot break it.
func line(b *strings.Builder, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if rest, ok := strings.CutPrefix(s, "\n"); ok {
		b.WriteByte('\n')
		s = rest
	}
	b.WriteString(CleanLine(s))
	b.WriteByte('\n')
}

// text writes "head: text", or a block where text has several lines.
func text(b *strings.Builder, head, text string) {
	if strings.Contains(strings.TrimSpace(text), "\n") {
		block(b, head+":", text)
		return
	}
	line(b, "%s: %s", head, strings.TrimSpace(text))
}

func block(b *strings.Builder, head, text string) {
	if head != "" {
		line(b, "%s", head)
	}
	for l := range strings.Lines(strings.TrimRight(Clean(text), "\n")) {
		if l != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(l)
	}
	b.WriteByte('\n')
}
