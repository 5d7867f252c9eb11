package main

import (
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A table is lines of cells, lined up by how wide they look. On a screen that is
// too narrow for it the widest column makes room: what is longer there is cut
// or, with wrap, goes on below.
type table struct {
	lines [][]string // one at least; all of as many cells, harmless ones
	spare []int      // columns that go, one after the other, before the widest gets too narrow to read
	wrap  bool
}

const (
	tableGap = 2  // between columns
	readable = 24 // how narrow the widest column gets
)

func (t *table) add(cells ...string) { t.lines = append(t.lines, cells) }

// write writes the table for a screen that is so many columns wide; 0: whole.
func (t *table) write(w io.Writer, screen int) error {
	widths, widest := t.fit(screen)
	var b strings.Builder
	for _, line := range t.lines {
		var below []string // the rest of a wrapped cell
		var row strings.Builder
		for i, cell := range line {
			if widths[i] < 0 {
				continue
			}
			if t.wrap && i == widest {
				parts := strings.Split(ansi.Wrap(cell, widths[i], ""), "\n")
				cell, below = parts[0], parts[1:]
				for j := range below {
					below[j] = strings.Repeat(" ", ansi.StringWidth(row.String())) + below[j]
				}
			}
			cell = ansi.Truncate(cell, widths[i], "…")
			row.WriteString(cell + strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)+tableGap))
		}
		for _, r := range append([]string{row.String()}, below...) {
			r = strings.TrimRight(r, " ")
			b.WriteString(cutTo(screen, r) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cutTo is a line as far as a screen of so many columns goes; 0: all of it.
func cutTo(screen int, line string) string {
	if screen == 0 {
		return line
	}
	return ansi.Truncate(line, screen, "…")
}

// fit says how wide each column will be, below 0 where it goes, and which of
// them is the one that makes room.
func (t *table) fit(screen int) (widths []int, widest int) {
	for _, line := range t.lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	for spare := t.spare; ; spare = spare[1:] {
		widest = slices.Index(widths, slices.Max(widths))
		over := -tableGap - screen
		for _, n := range widths {
			over += n + tableGap
		}
		if screen == 0 || over <= 0 {
			return widths, widest
		}
		if least := min(readable, widths[widest]); len(spare) == 0 || widths[widest]-over >= least {
			widths[widest] = max(widths[widest]-over, least)
			return widths, widest
		}
		widths[spare[0]] = -tableGap
	}
}
