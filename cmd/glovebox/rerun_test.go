package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"glovebox/store"
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
	file := h.file("waiting.toml", "name = 'waiting'\n"+strings.TrimPrefix(scenario, "name = 'busy'\n"))
	cmd, ch := h.follow("run", "--json", "--model", "script:"+file, "work")
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
	id := h.recordedSession(`
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "date +%s.%N; echo always" }
[[turn.call]]
tool = "shell"
args = { command = "head -c 40 /dev/urandom | base64" }
[[turn.call]]
tool = "shell"
args = { command = "seq 100 | shuf" }
[[turn.call]]
tool = "shell"
args = { command = "mktemp -u" }
[[turn.call]]
tool = "shell"
args = { command = "exit $(($(od -An -N1 -tu1 /dev/urandom) + 1))" }
[[turn.call]]
tool = "sql"
args = { query = "SELECT first_name, email FROM customers ORDER BY id LIMIT 20" }
[[turn.call]]
tool = "shell"
args = { command = "date +%s.%N >now; echo constant >constant; readlink -f /bin/sh; cat /etc/hosts" }
[[turn]]
text = "Done."
`)
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

// Who allowed what, then: it is served again, and recorded as that. What nobody
// allowed does not run.
func TestRerunServesApprovals(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[[rule]]\ntool = 'shell'\nmatch = 'rm *'\ndecision = 'ask'\nreason = 'it deletes'\n")
	scenario := "[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'touch x; rm -v x' }\n[[turn]]\ntext = 'Done.'\n"
	allowed := h.recordedSession(scenario, "--yes")
	asked := h.recordedSession(scenario)
	_, all := h.rerun(exitDone, allowed)
	if log := h.ok("replay", "--json", all[0].Session); !strings.Contains(log, `"verdict":"ask"`) || !strings.Contains(log, `"verdict":"allow","rule":"shell \"rm *\"","reason":"it deletes","by":"recording"`) ||
		!strings.Contains(log, `"stdout":"removed 'x'\n"`) {
		t.Error(log)
	}
	_, all = h.rerun(exitDone, asked, "--yes")
	if log := h.ok("replay", "--json", all[0].Session); !strings.Contains(log, `"verdict":"deny"`) || strings.Contains(log, "removed 'x'") {
		t.Error(log)
	}
}

// What a person made of a call is what runs again, whether policy would ask about
// the model's own or not; never the model's own.
func TestRerunRunsWhatAPersonChanged(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	for _, rule := range []string{"", "[[rule]]\ntool = 'shell'\nmatch = 'echo *'\ndecision = 'ask'\n"} {
		h.file("glovebox.toml", rule)
		h.recordedSession("[[turn]]\ntext = 'Nothing.'\n")
		id := h.forged(func(*store.BoxCreated) {},
			`{"kind":"model.response","turn":1,"tool_calls":[{"id":"1","name":"shell","arguments":"{\"command\":\"echo model\"}"}]}`,
			`{"kind":"decision","call_id":"1","tool":"shell","verdict":"ask","by":"policy"}`,
			`{"kind":"decision","call_id":"1","tool":"shell","verdict":"allow","by":"user","who":"alice","scope":"once","edited":true}`,
			`{"kind":"tool.call","call_id":"1","tool":"shell","arguments":{"command":"echo person"},"edited":true}`,
			`{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"person\n"}`,
		)
		differ, all := h.rerun(exitNo, id)
		if texts(differ) != "data true, data true, file unknown" { // none was recorded
			t.Errorf("rule %q: %+v", rule, differ)
		}
		log := h.ok("replay", "--json", all[0].Session)
		if strings.Contains(log, `"command":"echo model"`) || strings.Contains(log, "alice") || rule != "" && (!strings.Contains(log, `"by":"recording"`) || !strings.Contains(log, `"edited":true`)) {
			t.Errorf("rule %q: what ran is not as it was recorded", rule)
		}
	}
}

// A file that was brought in is in no log: it is asked for, and compared.
func TestRerunWantsWhatWasBroughtIn(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	in := h.file("list.csv", "a,b\n1,2\n")
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'cat list.csv' }\n[[turn]]\ntext = 'Done.'\n", "--file", in)
	if out, errOut, code := h.run("rerun", id); code != exitUsage || out != "" || !oneClearLine.MatchString(errOut) || !strings.Contains(errOut, "list.csv (8 bytes, SHA-256 ") {
		t.Errorf("without it: exit %d: %s%s", code, out, errOut)
	}
	h.rerun(exitDone, id, "--file", in)
	h.file("list.csv", "a,b\n1,3\n")
	if differ, _ := h.rerun(exitNo, id, "--file", in); texts(differ) != "data true, stdout true numbers" {
		t.Errorf("%+v", differ)
	}
	other := h.file("other.csv", "x\n")
	if _, errOut, code := h.run("rerun", id, "--file", in, "--file", other); code != exitUsage || !strings.Contains(errOut, "the session had no such file") {
		t.Errorf("one too many: exit %d: %s", code, errOut)
	}
}

// What was asked of another machine is not asked twice, and not taken for the same.
func TestRerunHasNoNetwork(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[network]\nallow = ['nowhere.invalid:80']\n")
	id := h.recordedSession(`
[[turn]]
[[turn.call]]
tool = "fetch"
args = { url = "http://nowhere.invalid/" }
[[turn.call]]
tool = "shell"
args = { command = "echo ${http_proxy:-none}" }
[[turn]]
text = "Done."
`)
	differ, all := h.rerun(exitNo, id)
	if texts(differ) != "call unknown, stdout true" || !strings.Contains(differ[0].Detail, "not asked twice") || !strings.Contains(differ[1].Detail, "\n+ none") {
		t.Errorf("%+v", differ)
	}
	if log := h.ok("replay", "--json", all[0].Session); strings.Contains(log, `"kind":"egress"`) {
		t.Error(log)
	}
}

// A session from elsewhere with something taken out: what cannot be compared is
// not known, the rest is compared.
func TestRerunOfAnImportedSession(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	id := h.recordedSession(`
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo mail me at jane.roe@acme-widgets.com" }
[[turn.call]]
tool = "shell"
args = { command = "printf 'jane.%s%bacme-widgets.%s' roe '\\0100' com" }
[[turn.call]]
tool = "shell"
args = { command = "echo plain" }
[[turn]]
text = "Done."
`)
	bundle := filepath.Join(h.dir, "one.gbx")
	h.ok("export", id, "-o", bundle)
	there := newHome(t)
	if out := there.ok("import", bundle); strings.Contains(out, "image") {
		t.Errorf("the image is here: %s", out)
	}
	there.file("glovebox.toml", "[box]\nmemory = '256MiB'\n")
	differ, all := there.rerun(exitNo, id)
	if texts(differ) != "limits true, call unknown, stdout unknown" || len(all) != 7 {
		t.Errorf("%s of %s", texts(differ), texts(all))
	}
	if out, errOut, _ := there.run("rerun", id); strings.Contains(out, "jane.roe@") || !strings.Contains(errOut, "memory 512MiB then, 256MiB now") {
		t.Errorf("%s%s", out, errOut)
	}
	if differ, _ := h.rerun(exitDone, id); len(differ) > 0 {
		t.Errorf("at home: %+v", differ)
	}

	// It takes no more time than a session here may.
	slow := h.recordedWaiting("[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'echo first' }\n[[turn.call]]\ntool = 'shell'\nargs = { command = '" + untilGo + "' }\n[[turn]]\ntext = 'Done.'\n")
	h.ok("export", slow, "-o", bundle+"2")
	there.ok("import", bundle+"2")
	there.file("glovebox.toml", "[limits]\nwall = '5s'\n")
	if out, errOut, code := there.run("rerun", slow); code != exitLimit || !strings.Contains(errOut, "after 1 of 2 calls, a limit as recorded: ") || strings.Contains(out, "drift") {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
}

// A file whose name was taken out is known by its content.
func TestRerunWithANamelessFile(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	in := h.file("jane.roe@acme-widgets.com.csv", "a,b\n")
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'cat *.csv' }\n[[turn]]\ntext = 'Done.'\n", "--file", in)
	bundle := filepath.Join(h.dir, "one.gbx")
	h.ok("export", id, "-o", bundle)
	there := newHome(t)
	if out := there.ok("import", bundle); !matches(`to rerun it: the file \[redacted: [a-z-]+\] was brought into it, which no bundle holds`, out) {
		t.Error(out)
	}
	if _, errOut, code := there.run("rerun", id); code != exitUsage || !strings.Contains(errOut, "(4 bytes, SHA-256 ") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if differ, _ := there.rerun(exitDone, id, "--file", there.file("mine.csv", "a,b\n")); len(differ) > 0 {
		t.Errorf("%+v", differ)
	}
}

// forged writes a session that no program of ours would have recorded, as an
// imported one may be.
func (h *home) forged(change func(*store.BoxCreated), calls ...string) (id string) {
	h.t.Helper()
	ctx := context.Background()
	var started store.SessionStarted
	var box store.BoxCreated
	log, err := store.Open(ctx, filepath.Join(h.dir, "log.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	key, err := store.LoadKey(filepath.Join(h.dir, "key"))
	if err != nil {
		h.t.Fatal(err)
	}
	log.SignWith(key)
	last, err := log.Session(ctx, "last")
	if err != nil {
		h.t.Fatal(err)
	}
	for e, err := range log.Events(ctx, last.ID, 0) {
		switch b := e.Body.(type) {
		case store.SessionStarted:
			started = b
		case store.BoxCreated:
			box = b
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	change(&box)
	ses, err := log.Begin(ctx, started, store.CurrentOwner())
	if err != nil {
		h.t.Fatal(err)
	}
	bodies := []store.Body{box}
	for _, text := range calls {
		var e store.Event
		if err := json.Unmarshal([]byte(`{"at":"2026-01-01T00:00:00Z",`+text[1:]), &e); err != nil {
			h.t.Fatal(err)
		}
		bodies = append(bodies, e.Body)
	}
	for _, b := range append(bodies, store.SessionEnded{Status: "done"}) {
		if _, err := ses.Append(ctx, b); err != nil {
			h.t.Fatal(err)
		}
	}
	return ses.ID()
}

// Recorded values may be anything: nothing of them reaches the terminal as it is,
// and nothing that was refused runs, whatever it claims to be.
func TestRerunOfHostileRecords(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.recordedSession("[[turn]]\ntext = 'Nothing.'\n")
	id := h.forged(func(*store.BoxCreated) {},
		`{"kind":"decision","call_id":"1","tool":"shell\u001b]0;t\u0007","verdict":"invalid","reason":"\u001b[2J\u202egone","by":"policy\u001b[1m"}`,
		`{"kind":"tool.result","call_id":"1","tool":"shell\u001b]0;t\u0007","error":"\u001b[2J\u202egone"}`,
		`{"kind":"tool.call","call_id":"2","tool":"shell","arguments":{"command":"printf '\\033[31mred'"}}`,
		`{"kind":"tool.result","call_id":"2","tool":"shell","exit":0,"stdout":"\u001b[2J\rblue\u202e\u0000"}`,
		`{"kind":"tool.call","call_id":"3","tool":"no\u001btool","arguments":{"x":"\u001b"}}`,
		`{"kind":"tool.result","call_id":"3","tool":"no\u001btool","exit":0,"stdout":"x"}`,
		`{"kind":"decision","call_id":"4","tool":"shell","verdict":"deny","reason":"never","by":"user"}`,
		`{"kind":"tool.call","call_id":"4","tool":"shell","arguments":{"command":"echo nev\u0027\u0027er"}}`,
		`{"kind":"tool.result","call_id":"4","tool":"shell","exit":0,"stdout":"never\\n"}`,
		`{"kind":"tool.call","call_id":"7","tool":"shell","arguments":"not an object"}`,
		`{"kind":"tool.result","call_id":"7","tool":"shell","exit":0}`,
		`{"kind":"tool.result","call_id":"5","tool":"shell","exit":0}`,
		`{"kind":"tool.call","call_id":"6","tool":"shell","arguments":{"command":"echo lost"}}`,
	)
	for _, args := range [][]string{{"rerun", id}, {"rerun", "--json", id}, {"replay", "--plain", "last"}} {
		out, errOut, _ := h.run(args...)
		for _, r := range out + errOut {
			if r < ' ' && r != '\n' || r == 0x202e || r == 0x7f {
				t.Errorf("%q: %q is in %q", args, r, out+errOut)
				break
			}
		}
		if !strings.Contains(out, "blue") || !strings.Contains(out, "red") {
			t.Errorf("%q: the difference is not shown: %s%s", args, out, errOut)
		}
	}
	differ, _ := h.rerun(exitNo, id)
	if got := texts(differ); got != "data true, data true, stdout true, decision true, call unknown, decision true, call unknown, call unknown, file unknown" {
		t.Errorf("%s", got)
	}
	if log := h.ok("replay", "--json", "last"); strings.Contains(log, `"stdout":"never`) {
		t.Error("what was refused has run")
	}
}

// Killed in the middle, a rerun is a session that was interrupted, in a log that
// is intact; its box is gone after the next start.
func TestRerunKilled(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	id := h.recordedWaiting(busy() + "[[turn.call]]\ntool = 'shell'\nargs = { command = '" + untilGo + "' }\n[[turn]]\ntext = 'Done.'\n")
	was := h.ok("replay", "--json", id)
	cmd := h.command("rerun", "--json", id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(out)
	var l line
	for range 8 {
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // it was killed
	h.ok("check")
	recorded := events(t, h.ok("replay", "--json", l.Session))
	if last := recorded[len(recorded)-1]; last.Kind != "session.ended" || last.Status != "interrupted" || !strings.Contains(kinds(recorded), "tool.result tool.call") && !strings.Contains(kinds(recorded), "tool.result decision tool.call") {
		t.Errorf("%s %+v", kinds(recorded), last)
	}
	h.ok("box", "prune")
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, boxOf(recorded)) {
		t.Errorf("left over: %s", ps)
	}
	if is := h.ok("replay", "--json", id); is != was {
		t.Errorf("what it repeats is not as it was:\n%s", is)
	}
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

// What a limit or a person broke off is run as far as it went; what came of an
// interrupted call is not known. A session that went on from another is run
// again by itself, with what the other one spent counting.
func TestRerunOfWhatWasBrokenOff(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	file := h.file("long.toml", `
name = "long"
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo one" }
[[turn.call]]
tool = "shell"
args = { command = "echo two" }
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo three" }
[[turn]]
text = "Done."
`)
	h.file("glovebox.toml", "model = 'script:"+file+"'\n[limits]\ntool_calls = 1\n")
	out, errOut, code := h.run("run", "--json", "go")
	if code != exitLimit {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	limited := events(t, out)[0].Session
	h.file("glovebox.toml", "model = 'script:"+file+"'\n[limits]\ntool_calls = 2\n")
	if differ, all := h.rerun(exitDone, limited); len(differ) > 0 || len(all) != 5 {
		t.Errorf("limited: %s", texts(all))
	}
	resumed := events(t, h.ok("run", "--json", "--resume", limited))[0].Session
	if differ, all := h.rerun(exitDone, resumed); len(differ) > 0 || len(all) != 5 {
		t.Errorf("resumed: %s", texts(all))
	}

	// The second call waits for a word that is in the file only the second time.
	file = h.file("waits.toml", `
name = "waits"
[[turn]]
[[turn.call]]
tool = "shell"
args = { command = "echo one" }
[[turn.call]]
tool = "shell"
args = { command = "until grep yes answer; do sleep 0.1; done" }
`)
	h.file("glovebox.toml", "model = 'script:"+file+"'\n")
	answer := h.file("answer", "no\n")
	broken := h.stopAt(2, "run", "--json", "--file", answer, "go")
	h.file("answer", "yes\n")
	differ, all := h.rerun(exitNo, broken, "--file", answer)
	if texts(differ) != "data true, call unknown" || len(all) != 7 || !strings.Contains(differ[1].Detail, "ran to its end: exit 0") {
		t.Errorf("interrupted: %s", texts(all))
	}
}

// stopAt runs a command that makes a session, and interrupts it in the n-th tool
// call. It returns the session.
func (h *home) stopAt(n int, args ...string) string {
	h.t.Helper()
	cmd, ch := h.follow(args...)
	calls, id := 0, ""
	for e := range ch {
		id = e.Session
		if e.Kind == "tool.call" {
			if calls++; calls == n {
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					h.t.Fatal(err)
				}
			}
		}
	}
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		h.t.Fatalf("%q: exit %d", args, code)
	}
	return id
}

// A rerun that is interrupted says so, and takes what it broke off for nothing.
func TestRerunInterrupted(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	file := h.file("endless.toml", "name = 'endless'\n[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'echo one' }\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'sleep 1000' }\n")
	id := h.stopAt(2, "run", "--json", "--model", "script:"+file, "work") // so the second call has no end in the rerun either
	cmd := h.command("rerun", "--json", id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dec, all := json.NewDecoder(out), []line(nil)
	for l := (line{}); dec.Decode(&l) == nil; l = (line{}) {
		if all = append(all, l); l.What == "result" {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || texts(all) != "box false, data false, data false, result false" {
		t.Errorf("exit %d, %s", code, texts(all))
	}
	recorded := events(t, h.ok("replay", "--json", all[0].Session))
	if last := recorded[len(recorded)-1]; last.Status != "interrupted" || strings.Contains(kinds(recorded), "drift") {
		t.Errorf("%s %+v", kinds(recorded), last)
	}
}

// Sessions on a masked file are run again on that file, wherever it is now.
func TestRerunOnAMaskedFile(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	real, twin := filepath.Join(h.dir, "real.db"), filepath.Join(h.dir, "twin.db")
	h.ok("data", "generate", "clinic", "--rows", "50", "-o", real)
	h.ok("data", "mask", real, "--key-file", filepath.Join(h.dir, "mask.key"), "--new-key", "-o", twin)
	h.file("glovebox.toml", "[data]\nschema = \"masked:"+twin+"\"\n")
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'sql'\nargs = { query = 'SELECT count(*) FROM patients' }\n[[turn]]\ntext = 'Done.'\n")
	h.file("glovebox.toml", "")
	h.rerun(exitDone, id)
	for _, end := range []string{"", ".mask.json"} {
		if err := os.Rename(strings.TrimSuffix(twin, ".db")+".db"+end, filepath.Join(h.dir, "moved.db"+end)); err != nil && end == "" {
			t.Fatal(err)
		}
	}
	if _, errOut, code := h.run("rerun", id); code != exitUsage || !strings.Contains(errOut, "masked:FILE") {
		t.Errorf("no file: exit %d: %s", code, errOut)
	}
}

// For a session from elsewhere nothing is pulled, and this machine's /usr is not
// shown because a bundle says so, in whatever words.
func TestRerunOfAForeignImage(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[box]\nimage = 'host'\n")
	host := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'echo hello' }\n[[turn]]\ntext = 'Done.'\n")
	h.rerun(exitDone, host)
	calls := []string{`{"kind":"tool.call","call_id":"1","tool":"shell","arguments":{"command":"echo hello"}}`, `{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"hello\n"}`}
	named := h.forged(func(b *store.BoxCreated) { b.Image = "auto"; b.Base.HostUsr = false }, calls...) // with the digest of host's
	nowhere := h.forged(func(b *store.BoxCreated) {
		b.Image, b.ImageDigest, b.Base = "registry.invalid/nothing:1", "sha256:00", nil
	}, calls...)
	there := newHome(t)
	for id, want := range map[string]string{host: "/usr in its box", named: "/usr in its box", nowhere: "registry.invalid/nothing:1 of session " + nowhere + " is not here"} {
		bundle := filepath.Join(h.dir, id+".gbx")
		h.ok("export", id, "-o", bundle)
		said := there.ok("import", bundle)
		if id == nowhere && !strings.Contains(said, "to rerun it: the image registry.invalid/nothing:1 (sha256:00) is not here: glovebox image prepare registry.invalid/nothing:1") {
			t.Error(said)
		}
		out, errOut, code := there.run("rerun", id)
		if code != exitUsage || out != "" || !oneClearLine.MatchString(errOut) || !strings.Contains(errOut, want) || !strings.Contains(errOut, "--image auto") {
			t.Errorf("exit %d: %s%s", code, out, errOut)
		}
		differ, _ := there.rerun(exitNo, id, "--image", "auto")
		if !strings.HasPrefix(texts(differ), "image true") {
			t.Errorf("%s", texts(differ))
		}
	}
}

// What a session from elsewhere brings along works in the box or not at all: no
// template and no pattern of its own is run out here, and its limits are no more
// than the person's. What the person's configuration says, too, is trusted.
func TestRerunOfForeignSettings(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	stub := "[[tool]]\nname = 'send'\nabout = 'Send it.'\nanswer = 'sent {{fake \"uuid\"}}'\n[tool.parameters]\ntype = 'object'\n"
	h.file("glovebox.toml", "[filters]\nown = 'redact'\npatterns = ['h.llo']\n"+stub)
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'send'\nargs = {}\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'printf hel%s lo' }\n[[turn]]\ntext = 'Done.'\n")
	bundle := filepath.Join(h.dir, "one.gbx")
	h.ok("export", id, "-o", bundle)
	there := newHome(t)
	there.ok("import", bundle)
	differ, _ := there.rerun(exitNo, id)
	if texts(differ) != "call unknown, stdout true" && texts(differ) != "call unknown, stdout unknown" || !strings.Contains(differ[0].Detail, "a template from elsewhere") {
		t.Errorf("%+v", differ)
	}
	there.file("glovebox.toml", "[filters]\npatterns = ['h.llo']\n"+stub)
	if differ, _ := there.rerun(exitDone, id); len(differ) > 0 {
		t.Errorf("with the same in one's own: %+v", differ)
	}
	there.file("glovebox.toml", "[limits]\ntool_calls = 1\n"+stub)
	if _, errOut, code := there.run("rerun", id); code != exitLimit || !strings.Contains(errOut, "tool_calls 200 then, 1 now") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}

// A recording cannot claim what nothing compares.
func TestRerunPassesNothingOver(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[data]\nschema = 'shop'\n")
	h.recordedSession("[[turn]]\ntext = 'Nothing.'\n")
	calls := []string{
		`{"kind":"tool.call","call_id":"1","tool":"shell","arguments":{"command":"echo hello"}}`,
		`{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"hello\n"}`,
		`{"kind":"box.diff","changes":[]}`,
	}
	for claim, want := range map[string]string{
		`{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"a second one\n"}`:         "call unknown",
		`{"kind":"tool.result","call_id":"2","tool":"shell","exit":0,"stdout":"without a call\n"}`:       "call unknown",
		`{"kind":"box.diff","changes":[{"path":"/work/x","change":"added","type":"dir","mode":"0755"}]}`: "box unknown",
		`{"kind":"box.created","box":"x","image":"y","image_digest":"z","runtime":"r","engine":"e"}`:     "box unknown",
		`{"kind":"note","by":"ada","text":"nothing that is compared"}`:                                   "",
	} {
		differ, _ := h.rerun(exitNo, h.forged(func(*store.BoxCreated) {}, calls[0], calls[1], claim, calls[2]))
		got := strings.Split(texts(differ), ", ")
		if got = slices.DeleteFunc(got, func(s string) bool { return s == "data true" }); strings.Join(got, ", ") != want {
			t.Errorf("%s: %s", claim, got)
		}
	}
}

// Somebody removes the session while it is run again: what could not be compared
// any more is not the same.
func TestRerunOfASessionThatGoesAway(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	calls := "[[turn.call]]\ntool = 'shell'\nargs = { command = 'echo first' }\n[[turn.call]]\ntool = 'shell'\nargs = { command = '" + untilGo + "' }\n"
	for i := range 45 { // their results are more than is read at once
		calls += fmt.Sprintf("[[turn.call]]\ntool = 'shell'\nargs = { command = 'seq 6000; echo %d' }\n", i)
	}
	h.file("glovebox.toml", "[limits]\ntokens = 0\n")
	id := h.recordedWaiting("[[turn]]\n" + calls + "[[turn]]\ntext = 'Done.'\n")
	cmd := h.command("rerun", "--json", id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dec, all := json.NewDecoder(out), []line(nil)
	for l := (line{}); dec.Decode(&l) == nil; l = (line{}) {
		if all = append(all, l); l.What == "result" && len(all) == 4 { // the first one; the second waits
			h.ok("sessions", "rm", id, "--yes")
			letGo(t, boxOf(events(t, h.ok("replay", "--json", l.Session))))
		}
	}
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitNo || len(all) >= 45 || !strings.Contains(texts(all), "call unknown") {
		t.Errorf("exit %d after %d lines: %s", code, len(all), texts(all[max(len(all)-3, 0):]))
	}
}

// A log that somebody has changed with other tools is no recording any more.
func TestNothingIsTheSameAsWhatWasChanged(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	id := h.recordedSession("[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'echo hello' }\n[[turn]]\ntext = 'Done.'\n")
	h.ok("diff", id, id)
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `DROP TRIGGER event_no_update; UPDATE event SET body = replace(body, 'hello', 'hullo') WHERE kind IN ('tool.call', 'tool.result')`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"rerun", id}, {"diff", id, id}} {
		if out, errOut, code := h.run(args...); code != exitNo || out != "" || !strings.Contains(errOut, "is not as it was recorded") {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errOut)
		}
	}
}
