package main

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func drawn(t *testing.T, tab table, screen int) string {
	t.Helper()
	var b strings.Builder
	if err := tab.write(&b, screen); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	lines := [][]string{
		{"ID", "TAGS", "TITLE"},
		{"a", "odd, refunds", "which customers look odd, and why is that so?"},
		{"bcd", "-", "東京"},
	}
	for _, test := range []struct {
		name   string
		table  table
		screen int
		want   string
	}{
		{"whole", table{spare: []int{1}}, 0, `
ID   TAGS          TITLE
a    odd, refunds  which customers look odd, and why is that so?
bcd  -             東京
`},
		{"the widest is cut", table{}, 48, `
ID   TAGS          TITLE
a    odd, refunds  which customers look odd, an…
bcd  -             東京
`},
		{"the widest goes on below", table{wrap: true}, 48, `
ID   TAGS          TITLE
a    odd, refunds  which customers look odd, and
                   why is that so?
bcd  -             東京
`},
		{"a column goes", table{spare: []int{1}}, 40, `
ID   TITLE
a    which customers look odd, and why …
bcd  東京
`},
		{"no room at all", table{spare: []int{1}}, 11, `
ID   TITLE
a    which…
bcd  東京
`},
	} {
		test.table.lines = lines
		if got := "\n" + drawn(t, test.table, test.screen); got != test.want {
			t.Errorf("%s:%s", test.name, got)
		}
	}
}

// Nothing is wider than the screen, and nothing is cut where there is room.
func TestTableFits(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		columns := rapid.IntRange(1, 5).Draw(r, "columns")
		tab := table{wrap: rapid.Bool().Draw(r, "wrap")}
		for range rapid.IntRange(1, 5).Draw(r, "lines") {
			tab.add(rapid.SliceOfN(rapid.StringMatching(`[a-c東 é]{0,60}`), columns, columns).Draw(r, "cells")...)
		}
		if columns > 1 {
			tab.spare = rapid.SliceOfNDistinct(rapid.IntRange(0, columns-1), 0, columns-1, rapid.ID[int]).Draw(r, "spare")
		}
		screen := rapid.IntRange(1, 200).Draw(r, "screen")
		for line := range strings.Lines(drawn(t, tab, screen)) {
			if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n > screen {
				r.Errorf("%d columns on a screen of %d: %q", n, screen, line)
			}
		}
		if screen >= (60*2+tableGap)*columns && strings.Contains(drawn(t, tab, screen), "…") {
			r.Error("cut, with room enough")
		}
	})
}
