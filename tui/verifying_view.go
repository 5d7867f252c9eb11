package tui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// tall reports whether all of the chosen probe is shown below the table.
func (v *verifying) tall() bool { return v.h >= 20 }

// below is the number of lines under the table.
func (v *verifying) below() int {
	if v.tall() && !v.older {
		return min(v.h/3, 10)
	}
	return 0
}

// room is the number of rows that fit: less head, state, heading and hints.
func (v *verifying) room() int { return max(v.h-4-v.below(), 1) }

func (v *verifying) view() string {
	th := v.desk.th
	out := []string{" " + between(th.accent.Bold(true).Render("glovebox")+th.faint.Render(" · ")+th.bold.Render("is the box closed?"), th.faint.Render(v.number()), v.w-2), v.state()}
	switch {
	case v.err != nil:
		for _, l := range wrap(clean("✗ the results cannot be read: "+v.err.Error()), v.w-2, true) {
			out = append(out, " "+th.bad.Render(l))
		}
	case v.older:
		out = append(out, v.history()...)
	case v.open:
		out = append(append(out, ""), v.details(v.h-4)...)
	case len(v.probes.all) > 0:
		out = append(out, v.table()...)
		for len(out) < v.h-1-v.below() {
			out = append(out, "")
		}
		if n := v.below(); n > 0 {
			out = append(out, th.rule.Render(strings.Repeat("─", v.w)))
			out = append(out, v.details(n-1)...)
		}
	case v.loaded && len(v.all) == 0 && !v.running:
		out = append(out, v.welcome()...)
	}
	for len(out) < v.h-1 {
		out = append(out, "")
	}
	return strings.Join(out[:v.h-1], "\n")
}

func (v *verifying) welcome() []string {
	text := "Some eighty probes try to get out of a box like those of your sessions: over the network, through the kernel, to the files of this machine. Each says PASS (it was refused), FAIL (it worked) or INCONCLUSIVE (and why). With controls, each is also tried where it must fail. Nothing leaves this machine."
	out := []string{""}
	for _, l := range wrap(text, v.w-2, true) {
		out = append(out, " "+l)
	}
	return out
}

// number says how many hold, at the head of the page.
func (v *verifying) number() string {
	var passed int
	for _, p := range v.probes.all {
		if p.Verdict == "PASS" {
			passed++
		}
	}
	switch {
	case v.running || v.of == nil && len(v.probes.all) > 0:
		return fmt.Sprintf("%d of %d hold", passed, len(v.probes.all))
	case v.of != nil:
		return fmt.Sprintf("%d of %d hold · %s", passed, len(v.probes.all), ago(v.of.At, v.desk.clock()))
	case !v.loaded:
		return "reading…"
	}
	return ""
}

// state is the line that says what it comes to.
func (v *verifying) state() string {
	th := v.desk.th
	style, text := th.faint, ""
	last := v.of != nil && len(v.all) > 0 && v.of.ID == v.all[0].ID
	switch {
	case v.running:
		style, text = th.accent, "◐ verifying, "+clock(v.desk.clock().Sub(v.began))
		if v.control {
			text = "◐ verifying with controls, " + clock(v.desk.clock().Sub(v.began))
		}
		if v.notice != "" && len(v.probes.all) == 0 {
			text += ": " + v.notice
		}
	case v.of != nil && len(v.of.Failed) > 0:
		style, text = th.bad, "✗ not closed: "+strings.Join(v.of.Failed, ", ")
	case v.of != nil && len(v.of.Unproven)+len(v.of.Untried) > 0:
		style, text = th.bad, "✗ not proven: "+strings.Join(slices.Concat(v.of.Unproven, v.of.Untried), ", ")
	case v.loaded && len(v.all) == 0:
		text = "○ it has not been verified yet"
	case v.of != nil && !last:
		text = "○ an older result"
	case !v.judged:
		text = "○ looking whether it still holds…"
	case v.stale != "":
		style, text = th.accent, "○ stale: "+v.stale
	case last:
		style, text = th.good, "● closed, and nothing that it depends on has changed since"
	}
	return " " + style.Render(fit(line(text), v.w-2))
}

// verdict is how one looks in one cell and in a word.
func (t *theme) verdict(verdict string) (lipgloss.Style, string) {
	switch verdict {
	case "PASS":
		return t.good, "✓"
	case "FAIL":
		return t.bad, "✗"
	}
	return t.accent, "?"
}

func (v *verifying) table() []string {
	th := v.desk.th
	wide := v.w >= 70
	name := 18
	heading := pad("", 4)
	if wide {
		heading += pad("Verdict", 14) + pad("Layer", 11)
	}
	out := []string{th.faint.Render(fit(heading+pad("Probe", name+2)+"Evidence", v.w))}
	room := v.room()
	seen := v.probes.seen(room)
	for i, p := range seen {
		style, symbol := th.verdict(p.Verdict)
		if p.Verdict == "PASS" && wanting(p) {
			style, symbol = th.bad, "!" // held, but is not proven
		}
		chosen := "  "
		title := lipgloss.NewStyle()
		if v.probes.top+i == v.probes.at {
			chosen, title = th.accent.Render("┃")+" ", th.accent.Bold(true)
		}
		row := chosen + style.Render(symbol) + " "
		if wide {
			row += style.Render(pad(line(p.Verdict), 12)) + "  " + th.faint.Render(pad(line(p.Layer), 9)) + "  "
		}
		row += title.Render(pad(line(p.Probe), name)) + "  "
		out = append(out, row+th.faint.Render(fit(line(p.Evidence), max(v.w-lipgloss.Width(row)-1, 0))))
	}
	return out
}

// details is all that is known of the chosen probe, in at most n lines.
func (v *verifying) details(n int) []string {
	if v.probes.at >= len(v.probes.all) {
		return nil
	}
	th, p := v.desk.th, v.probes.all[v.probes.at]
	style, symbol := th.verdict(p.Verdict)
	out := []string{" " + fit(style.Render(symbol+" "+line(p.Verdict))+"  "+th.bold.Render(line(p.Probe))+th.faint.Render(" · "+line(p.Layer)), v.w-2)}
	add := func(what, text string) {
		if text == "" {
			return
		}
		const width = 10
		for i, l := range wrap(clean(text), max(v.w-width-3, 10), true) {
			if i > 0 {
				what = ""
			}
			out = append(out, " "+th.faint.Render(pad(what, width))+" "+l)
		}
	}
	add("evidence", p.Evidence)
	add("tried", p.Tries)
	if p.Gain != "" {
		add("gain", "an attacker could "+p.Gain)
	}
	if c := p.Control; c != nil {
		word := "as it must"
		if c.Verdict != "FAIL" {
			word = "where it must FAIL"
		}
		add("control", fmt.Sprintf("%s, %s, in a box with %s: %s", c.Verdict, word, c.Probe, c.Evidence))
	}
	if len(out) > n {
		out = append(out[:n-1], " "+th.faint.Render("… enter shows all"))
	}
	return out
}

// history lists the results, newest first.
func (v *verifying) history() []string {
	th := v.desk.th
	out := []string{th.faint.Render(fit("    "+pad("When", 11)+pad("Hold", 11)+pad("Took", 9)+"What", v.w))}
	room := v.room()
	for i, b := range v.past.seen(room) {
		total := b.Passed + len(b.Failed) + len(b.Inconclusive)
		style, symbol, what := th.good, "✓", v.changed(v.past.top+i)
		switch {
		case len(b.Failed) > 0:
			style, symbol, what = th.bad, "✗", "FAIL: "+strings.Join(b.Failed, ", ")
		case len(b.Unproven)+len(b.Untried) > 0:
			style, symbol, what = th.bad, "!", "not proven: "+strings.Join(slices.Concat(b.Unproven, b.Untried), ", ")
		}
		chosen := "  "
		if v.past.top+i == v.past.at {
			chosen = th.accent.Render("┃") + " "
		}
		row := chosen + style.Render(symbol) + " " + pad(ago(b.At, v.desk.clock()), 11) +
			pad(fmt.Sprintf("%d of %d", b.Passed, total), 11) + th.faint.Render(pad(short(time.Duration(b.DurationMS*float64(time.Millisecond))), 9))
		out = append(out, row+th.faint.Render(fit(line(what), max(v.w-lipgloss.Width(row)-1, 0))))
	}
	return out
}

// changed says what was different from the result before it.
func (v *verifying) changed(i int) string {
	of := v.past.all[i].Of
	if i+1 >= len(v.past.all) {
		kernel, _, _ := strings.Cut(of["kernel"], " ")
		return fmt.Sprintf("Linux %s, Podman %s, %s", kernel, of["podman"], of["runtime"])
	}
	var what []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if before := v.past.all[i+1].Of; before[name] != of[name] {
			what = append(what, name)
		}
	}
	if len(what) == 0 {
		return ""
	}
	return "another " + strings.Join(what, ", ")
}
