package store

import (
	"fmt"
	"strings"
)

// Changed says in one line what a session left changed.
func Changed(v BoxDiff) string {
	if v.Error != "" {
		return "changed: not known: " + v.Error
	}
	more := ""
	if v.Partial {
		more = " (not all was looked at)"
	}
	n := len(v.Changes) + v.Cut
	if n == 0 {
		return "changed: nothing" + more
	}
	count := map[string]int{}
	for _, c := range v.Changes {
		count[c.Change]++
	}
	var parts []string
	for _, kind := range []string{"added", "modified", "deleted", "renamed", "mode"} {
		if count[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[kind], kind))
		}
	}
	if v.Cut > 0 {
		parts = append(parts, fmt.Sprintf("%d not listed", v.Cut))
	}
	return fmt.Sprintf("changed: %s: %s%s", Plural(n, "file"), strings.Join(parts, ", "), more)
}

// String is a change in one line, as `glovebox box diff` lists it. Paths are the
// agent's: show it only sanitised.
func (c FileChange) String() string {
	name := c.Path
	switch {
	case c.Change == "renamed":
		name = c.From + " → " + c.Path
	case c.Type == "link":
		name += " → " + c.Link
	case c.Type == "dir" || c.Change == "deleted" && c.OldType == "dir":
		name += "/"
	}
	var about []string
	if t := c.Type; t != "" && t != "file" && t != "dir" && t != "link" {
		about = append(about, t)
	}
	if c.OldType != "" && c.Type != "" && c.OldType != c.Type {
		about = append(about, "was a "+c.OldType)
	}
	switch {
	case c.Change == "deleted" && c.OldType == "file":
		about = append(about, byteCount(c.OldSize))
	case c.Change == "modified" && c.OldType == "file" && c.Type == "file" && c.Size != c.OldSize:
		about = append(about, byteCount(c.OldSize)+" → "+byteCount(c.Size))
	case c.Change != "mode" && c.Type == "file":
		about = append(about, byteCount(c.Size))
	}
	if c.OldMode != "" && c.Mode != "" && c.OldMode != c.Mode {
		about = append(about, c.OldMode+" → "+c.Mode)
	}
	if c.PatchCut {
		about = append(about, "too large for the patch")
	}
	return fmt.Sprintf("%-8s  %s%s", c.Change, name, optional("  (%s)", strings.Join(about, ", ")))
}

// listed is how many changes a transcript shows; `glovebox box diff` has all.
const listed = 50

func changed(b *strings.Builder, v BoxDiff, lines int) {
	line(b, "\n%s", Changed(v))
	if lines <= 0 || lines > listed {
		lines = listed
	}
	for i, c := range v.Changes {
		if i == lines {
			line(b, "  … %d more", len(v.Changes)-i)
			break
		}
		line(b, "  %s", c)
	}
}
