package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What an agent changed is in the log when the box is gone, as a list and as a patch.
func TestBoxDiff(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	serve(t, h, `
name = "changes"
[[turn]]
text = "Working."
[[turn.call]]
tool = "write_file"
args = { path = "/work/report.md", content = "# Report\nAll is well.\n" }
[[turn.call]]
tool = "shell"
args = { command = "sqlite3 /data/shop.db 'CREATE TABLE mine (x)'; sed -i 1d /data/DATA.md; printf '\\033[2J\\n' >evil; ln -s /etc/passwd out" }
[[turn]]
text = "Done."
[[turn.expect]]
call = 2
exit = 0
`)
	if out, errOut, code := h.run("box", "diff", "last"); code != exitUsage || out != "" {
		t.Errorf("before any session: exit %d, %q, %q", code, out, errOut)
	}
	h.ok("run", "--model", "openai/test-model", "change things")

	type change struct {
		Path, Change, Type, Mode, Patch string
		Binary                          bool
	}
	var got []change
	for line := range strings.Lines(h.ok("box", "diff", "last", "--json")) {
		var c change
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if c.Path == "/data/DATA.md" {
			head, _, _ := strings.Cut(c.Patch, "\n ")
			if !strings.HasPrefix(head, "diff a/data/DATA.md b/data/DATA.md\n--- a/data/DATA.md\n+++ b/data/DATA.md\n@@ -1,4 +1,3 @@\n-") {
				t.Errorf("patch of DATA.md: %q", c.Patch)
			}
			c.Patch = ""
		}
		got = append(got, c)
	}
	want := []change{
		{Path: "/data/DATA.md", Change: "modified", Type: "file", Mode: "0644"},
		{Path: "/data/shop.db", Change: "modified", Type: "file", Mode: "0644", Binary: true, Patch: "Binary files a/data/shop.db and b/data/shop.db differ\n"},
		{
			Path: "/work/evil", Change: "added", Type: "file", Mode: "0644",
			Patch: "diff /dev/null b/work/evil\n--- /dev/null\n+++ b/work/evil\n@@ -0,0 +1,1 @@\n+\x1b[2J\n",
		},
		{Path: "/work/out", Change: "added", Type: "link"},
		{
			Path: "/work/report.md", Change: "added", Type: "file", Mode: "0644",
			Patch: "diff /dev/null b/work/report.md\n--- /dev/null\n+++ b/work/report.md\n@@ -0,0 +1,2 @@\n+# Report\n+All is well.\n",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	text := h.ok("box", "diff", "last")
	for _, want := range []string{
		"changed: 5 files: 3 added, 2 modified\n", "  modified  /data/shop.db  (", "  added     /work/out → /etc/passwd\n", "\n\ndiff a/data/DATA.md", "+␛[2J\n", "+All is well.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	if replay := h.ok("replay", "last", "--plain"); !strings.Contains(replay, "\nchanged: 5 files: 3 added, 2 modified\n") || strings.Contains(replay, "+All is well.") {
		t.Errorf("replay: %s", replay)
	}
}

// Of a box that died nobody knows what was in it, and nothing is made up.
func TestBoxDiffOfABoxThatDied(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	serve(t, h, sleeper)
	cmd, ch := h.follow("run", "--json", "sleep")
	var all []event
	for ev := range ch {
		all = append(all, ev)
		if ev.Kind == "tool.call" {
			podman(t, "kill", boxOf(all))
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a session whose box died ended well")
	}
	if got := kinds(all); strings.Contains(got, "box.diff") || !strings.HasSuffix(got, "box.destroyed session.ended") {
		t.Errorf("events %s", got)
	}
	out, errOut, code := h.run("box", "diff", "last")
	if code != exitNo || out != "" || !strings.Contains(errOut, "its box was lost") {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
}
