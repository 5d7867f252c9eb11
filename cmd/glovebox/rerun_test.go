package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// line is one of `rerun --json`.
type line struct {
	Seq     int64  `json:"seq"`
	Drift   *bool  `json:"drift"`
	What    string `json:"what"`
	How     string `json:"how"`
	Detail  string `json:"detail"`
	Session string `json:"session"`
}

// String is the line in a form that tests compare.
func (l line) String() string {
	verdict := "unknown"
	if l.Drift != nil {
		verdict = fmt.Sprint(*l.Drift)
	}
	return strings.TrimSpace(fmt.Sprint(l.What, " ", verdict, " ", l.How))
}

// rerun runs a session again and returns what is not the same. It must end with that code.
func (h *home) rerun(code int, args ...string) (differ, all []line) {
	h.t.Helper()
	out, errOut, got := h.run(append([]string{"rerun", "--json"}, args...)...)
	if got != code {
		h.t.Fatalf("rerun %q: exit %d, want %d\n%s%s", args, got, code, out, errOut)
	}
	for text := range strings.Lines(out) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			h.t.Fatalf("%v in %q", err, text)
		}
		if all = append(all, l); l.Drift == nil || *l.Drift {
			differ = append(differ, l)
		}
	}
	return differ, all
}

func texts(lines []line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.String())
	}
	return strings.Join(all, ", ")
}

// recordedSession runs a scenario headless and returns the session's ID.
func (h *home) recordedSession(scenario string, args ...string) string {
	h.t.Helper()
	file := h.file("scenario.toml", "name = 'scenario'\n"+scenario)
	out := h.ok(append([]string{"run", "--json", "--model", "script:" + file, "work"}, args...)...)
	return events(h.t, out)[0].Session
}

// recordedWaiting is recordedSession of a scenario with a command that waits for
// letGo, as it does again when the session is run again.
func (h *home) recordedWaiting(scenario string) string {
	h.t.Helper()
	cmd, ch := h.follow("run", "--json", "--model", "script:"+h.file("waiting.toml", "name = 'waiting'\n"+scenario), "work")
	var all []event
	for e := range ch {
		if all = append(all, e); e.Kind == "model.request" && strings.Count(kinds(all), e.Kind) == 1 {
			letGo(h.t, boxOf(all))
		}
	}
	if err := cmd.Wait(); err != nil {
		h.t.Fatal(err)
	}
	return all[0].Session
}

// shells is a scenario of one turn with these shell commands, and an end.
func shells(commands ...string) string {
	s := "[[turn]]\n"
	for _, c := range commands {
		s += "[[turn.call]]\ntool = 'shell'\nargs = { command = '''" + c + "''' }\n"
	}
	return s + "[[turn]]\ntext = 'Done.'\n"
}

const steady = `
[[turn]]
[[turn.call]]
tool = "read_file"
args = { path = "/data/DATA.md" }
[[turn.call]]
tool = "sql"
args = { query = "SELECT first_name, email FROM customers ORDER BY id LIMIT 20" }
[[turn.call]]
tool = "sql"
args = { query = "SELECT nonsense" }
[[turn]]
[[turn.call]]
tool = "write_file"
args = { path = "/work/a/report.md", content = "# One\n" }
[[turn.call]]
tool = "edit_file"
args = { path = "/work/a/report.md", old = "One", new = "Two" }
[[turn.call]]
tool = "shell"
args = { command = "cat a/report.md; echo oops >&2; exit 3" }
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "git push" }
[[turn.call]]
tool = "shell"
args = { comand = "misspelt" }
[[turn.call]]
tool = "refund"
args = { order_id = 7 }
[[turn.call]]
tool = "shell"
args = { command = "kill -9 $$" }
[[turn]]
text = "Done."
`

const manners = `
[[rule]]
tool = "shell"
match = "git push *"
decision = "deny"
reason = "nothing leaves the box"
[[tool]]
name = "refund"
about = "Refund an order."
answer = "refunded {{.order_id}} ({{fake \"uuid\"}})"
[tool.parameters]
type = "object"
[tool.parameters.properties]
order_id = { type = "integer" }
`

// What prints the same in every box is the same in the next one: allowed,
// denied, invalid, failed, killed, together or one by one. The rerun is a
// session like others, and can be run again itself.
func TestRerunOfASteadySession(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", manners)
	id := h.recordedSession(steady)
	h.file("glovebox.toml", "[[rule]]\ntool = 'sql'\ndecision = 'deny'\n") // what is in force now is no matter
	differ, all := h.rerun(exitDone, id)
	if len(differ) > 0 || texts(all) != "box false, data false, data false"+strings.Repeat(", result false", 10)+", file false" {
		t.Errorf("%s", texts(all))
	}
	recorded := events(t, h.ok("replay", "--json", id))
	again := events(t, h.ok("replay", "--json", all[0].Session))
	var results []int64
	for _, e := range recorded {
		if e.Kind == "tool.result" {
			results = append(results, e.Seq)
		}
	}
	for i, l := range all[3:13] {
		if l.Seq != results[i] {
			t.Errorf("line %d is about event %d, not %d", i, l.Seq, results[i])
		}
	}
	for _, gone := range []string{"prompt", "model.request", "model.response"} {
		recorded = slices.DeleteFunc(recorded, func(e event) bool { return e.Kind == gone })
	}
	if was, is := kinds(recorded), strings.Replace(kinds(again), "compared session.ended", "session.ended", 1); was != is {
		t.Errorf("recorded\n%s\nrun again\n%s", was, is)
	}
	out := h.ok("rerun", all[0].Session) // of the rerun
	if !strings.Contains(out, "10 calls: 10 the same") || !strings.Contains(out, "shell: cat a/report.md; echo oops >&2; exit 3") {
		t.Error(out)
	}
	if out := h.ok("sessions"); !strings.Contains(out, "rerun of "+id) {
		t.Error(out)
	}
	if out := h.ok("sessions", "--drift"); out != "" {
		t.Errorf("no session drifted: %s", out)
	}
	h.ok("check")
	if _, errOut, code := h.run("run", "--resume", all[0].Session); code != exitUsage || !strings.Contains(errOut, "is a rerun") {
		t.Errorf("resuming a rerun: exit %d: %s", code, errOut)
	}
}

// What differs is found, named, and no: the clock, chance, the dataset, the image.
func TestRerunFindsDrift(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	id := h.recordedSession(shells(
		"date +%s.%N; echo always",
		"head -c 40 /dev/urandom | base64",
		"seq 100 | shuf",
		"mktemp -u",
		"exit $(($(od -An -N1 -tu1 /dev/urandom) + 1))",
		"sqlite3 /data/shop.db 'SELECT first_name, email FROM customers ORDER BY id LIMIT 20'",
		"date +%s.%N >now; echo constant >constant; readlink -f /bin/sh; cat /etc/hosts",
	))
	differ, all := h.rerun(exitNo, id)
	if got := texts(differ); !matches(`^stdout true times, stdout true, stdout true order, stdout true names, (exit true, )?file true times$`, got) {
		t.Errorf("%s", got)
	}
	if d := differ[len(differ)-1].Detail; !matches(`^/work/now has other content: .*\nline 1:\n- 1[0-9.]+\n\+ 1[0-9.]+$`, d) {
		t.Errorf("%q", d)
	}
	rerun := all[0].Session
	if out := h.ok("sessions", "list", "--drift", "--json"); strings.Count(out, "\n") != 1 || !strings.Contains(out, rerun) {
		t.Errorf("%s", out)
	}
	if out := h.ok("sessions", "search", "always", "--drift", "--json"); strings.Count(out, "\n") != 2 || strings.Count(out, rerun) != 2 {
		t.Errorf("%s", out)
	}
	for _, format := range []string{"html", "md", "jsonl", "cast", "otel", "gbx"} {
		file := filepath.Join(h.dir, "x."+format)
		h.ok("export", rerun, "--format", format, "-o", file)
		data, err := os.ReadFile(file)
		if err != nil || format != "otel" && format != "gbx" && !strings.Contains(string(data), "drift") {
			t.Errorf("the export %s says nothing of drift (%v)", format, err)
		}
	}
	if out := h.ok("replay", "--plain", rerun); !strings.Contains(out, "runs the tool calls of session "+id+" again") || !strings.Contains(out, ", in nothing but times:\n  line 1:\n  - 1") {
		t.Error(out)
	}
	differ, _ = h.rerun(exitNo, id, "--seed", "7")
	if !slices.ContainsFunc(differ, func(l line) bool { return l.What == "data" && strings.Contains(l.Detail, "/data/shop.db") }) ||
		!slices.ContainsFunc(differ, func(l line) bool { return l.What == "stdout" && strings.Contains(l.Detail, "@") }) {
		t.Errorf("another seed: %+v", differ)
	}
	differ, _ = h.rerun(exitNo, id, "--image", "host")
	if differ[0].What != "image" || !strings.Contains(differ[0].Detail, "sha256:") {
		t.Errorf("another image: %+v", differ)
	}
	h.ok("check")
}

// The guided tour is the same every time.
func TestRerunOfTheDemo(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.ok("demo")
	if differ, all := h.rerun(exitDone, "last"); len(differ) > 0 || len(all) != 14 {
		t.Errorf("%s", texts(all))
	}
}

// What cannot be run again is refused before anything is made.
func TestRerunRefusals(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	talk := h.recordedSession("[[turn]]\ntext = 'Just talk.'\n")
	for want, args := range map[string][]string{
		"has no tool calls":       {"rerun", talk},
		"there is no session":     {"rerun", "nobody"},
		"rerun needs one session": {"rerun"},
		"--file nowhere":          {"rerun", talk, "--file", "nowhere"},
		"unknown flag: --imgae":   {"rerun", talk, "--imgae", "x"},
		`cannot be "slow"; there`: {"rerun", talk, "--rigor", "slow"},
	} {
		if out, errOut, code := h.run(args...); code != exitUsage || out != "" || !oneClearLine.MatchString(errOut) || !strings.Contains(errOut, want) {
			t.Errorf("%q: exit %d: %s%s", args, code, out, errOut)
		}
	}
	if _, errOut, code := h.run("--db", "nowhere.db", "rerun", "last"); code != exitUsage || !strings.Contains(errOut, "there is no log nowhere.db") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if n := strings.Count(h.ok("sessions", "--json"), "\n"); n != 1 {
		t.Errorf("%d sessions were recorded", n)
	}
}
