package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Two runs of one agent on the same dataset are the same, whatever box each had;
// on another dataset they part where the data is first looked at. Whoever gets
// them as bundles sees the same.
func TestDiffOfRealSessions(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.set("TZ", "UTC")
	scenario := h.file("look.toml", `
name = "look"
[[turn]]
text = "Who is there?"
[[turn.call]]
tool = "shell"
args = { command = "echo a file > /work/note; wc -c < /work/note" }
[[turn.call]]
tool = "sql"
args = { query = "SELECT sum(total_cents) FROM orders" }
[[turn]]
text = "So it is."
`)
	session := func(args ...string) string {
		t.Helper()
		all := events(t, h.ok(append([]string{"run", "--json", "--model", "script:" + scenario, "look"}, args...)...))
		return all[0].Session
	}
	one, again, other := session("--seed", "1"), session("--seed", "1"), session("--seed", "2")
	if out, errOut, code := h.run("diff", one, again); code != exitDone || errOut != "" {
		t.Errorf("the same twice: exit %d\n%s%s", code, out, errOut)
	}
	out, _, code := h.run("diff", one, other)
	if code != exitNo {
		t.Errorf("two seeds: exit %d", code)
	}
	for _, part := range []string{
		"  data.seed: 1 → 2\n", "  file /data/shop.db: ", "\ncourse: 4 the same, 1 different\nfirst difference: A ",
		": stdout of call sql: SELECT sum(total_cents) FROM orders\n", "\n  files changed       1 file: 1 added              1 file: 1 added\n",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("two seeds: there is no %q in\n%s", part, out)
		}
	}
	if strings.Contains(out, "final answer") || strings.Contains(out, "endpoint") {
		t.Errorf("what is the same is said to differ:\n%s", out)
	}

	// On a screen, lines are cut to it; wanted plain, they are whole.
	m := openTmux(t, h)
	m.Enter(h.bin + " diff " + one + " " + other + "; echo left with $?")
	m.SeesLine("left with 1")
	screen := m.Do("capture-pane", "-p", "-S", "-100")
	if !regexp.MustCompile(`(?m)^A  `+one+`  .*…$`).MatchString(screen) || !strings.Contains(screen, "\n  data.seed: 1 → 2\n") {
		t.Errorf("on a screen:\n%s", screen)
	}
	m.Enter("clear; " + h.bin + " diff --plain " + one + " " + other + "; echo left with $?")
	m.SeesLine("left with 1")
	if screen := m.Do("capture-pane", "-p", "-J", "-S", "-100"); !strings.Contains(screen, "script:"+scenario+"\n") {
		t.Errorf("plain, on a screen:\n%s", screen)
	}

	// Elsewhere, with the two bundles.
	h.ok("export", one, "-o", "one.gbx")
	h.ok("export", other, "-o", "other.gbx")
	h.set("GLOVEBOX_DB", filepath.Join(h.dir, "elsewhere.db"))
	h.set("GLOVEBOX_KEY", filepath.Join(h.dir, "elsewhere.key"))
	h.ok("import", "one.gbx")
	files, _, code := h.run("diff", "one.gbx", "other.gbx")
	if code != exitNo || !strings.Contains(files, "  data.seed: 1 → 2\n") {
		t.Errorf("as files: exit %d\n%s", code, files)
	}
	h.ok("import", "other.gbx")
	if taken, _, code := h.run("diff", one, other); code != exitNo || taken != files {
		t.Errorf("taken in: exit %d\n%s\nas files:\n%s", code, taken, files)
	}
}
