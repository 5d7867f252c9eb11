package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// These tests run the built programs against real containers and a real HTTP
// server, as a person would.

func TestRunEndToEnd(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	e := serve(t, h, `
name = "run"
[[turn]]
text = "Counting."
[[turn.call]]
tool = "sql"
args = { query = "SELECT count(*) > 0 AS some FROM customers" }
[[turn.call]]
tool = "shell"
args = { command = "echo marker-$((6*7)); sqlite3 /data/shop.db 'SELECT count(*) > 0 FROM orders'; `+untilGo+`" }
[[turn]]
text = "Done."
[[turn.expect]]
call = 1
contains = ["some", "1"]
[[turn.expect]]
call = 2
exit = 0
contains = ["marker-42\n1"]
`)
	cmd, ch := h.follow("run", "--json", "--model", "openai/test-model", "count")
	var all []event
	for ev := range ch {
		all = append(all, ev)
		if ev.Kind == "tool.call" && ev.Tool == "shell" {
			box := boxOf(all)
			if ps := podman(t, "ps", "--format", "{{.Names}}"); !strings.Contains(ps, box) {
				t.Errorf("podman ps of the unprivileged account shows %q, not %s", ps, box)
			}
			var list []struct {
				EffectiveCaps, BoundingCaps []string
				HostConfig                  struct {
					NetworkMode    string
					ReadonlyRootfs bool
					SecurityOpt    []string
				}
				Mounts []any
			}
			if err := json.Unmarshal([]byte(podman(t, "inspect", box)), &list); err != nil {
				t.Fatal(err)
			}
			c := list[0]
			if c.HostConfig.NetworkMode != "none" || !c.HostConfig.ReadonlyRootfs || len(c.EffectiveCaps)+len(c.BoundingCaps)+len(c.Mounts) != 0 ||
				!slices.Contains(c.HostConfig.SecurityOpt, "no-new-privileges") {
				t.Errorf("the box is %+v", c)
			}
			if rootless := strings.TrimSpace(podman(t, "info", "--format", "{{.Host.Security.Rootless}}")); rootless != "true" {
				t.Errorf("rootless: %s", rootless)
			}
			letGo(t, box)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	want := "session.started box.created file.put file.put prompt model.request model.response " +
		"decision tool.call tool.result decision tool.call tool.result model.request model.response box.diff box.destroyed session.ended"
	if got := kinds(all); got != want {
		t.Errorf("events\n%s\nwant\n%s", got, want)
	}
	for i, ev := range all {
		if ev.Seq != int64(i+1) || ev.Session != all[0].Session {
			t.Errorf("event %d is %+v", i+1, ev)
		}
	}
	if len(e.requests) != 2 || !strings.Contains(e.requests[1], "marker-42") || strings.Contains(e.requests[0], "marker-42") {
		t.Errorf("the result did not go back in the next request: %d requests", len(e.requests))
	}
	if e.auth != "Bearer sk-test-0123456789" {
		t.Errorf("authorization %q", e.auth)
	}
	box := boxOf(all)
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, box) {
		t.Errorf("left over: %s", ps)
	}
	// The log holds what was shown, nothing of the key, and needs no engine.
	h.set("PATH", "/nonexistent")
	h.set("CONTAINER_HOST", "unix:///nonexistent/podman.sock")
	if got := kinds(events(t, h.ok("replay", "--json", all[0].Session))); got != want {
		t.Errorf("replay has %s", got)
	}
	text := h.ok("replay", "--plain", all[0].Session)
	for _, part := range []string{"count", "Counting.", "SELECT count(*) > 0", "marker-42", "Done.", "sealed", "session ended: done"} {
		if !strings.Contains(text, part) {
			t.Errorf("replay --plain lacks %q", part)
		}
	}
	if log, err := os.ReadFile(filepath.Join(h.dir, "log.db")); err != nil || bytes.Contains(log, []byte("sk-test")) {
		t.Errorf("the key is in the log (%v)", err)
	}
}

const sleeper = `
name = "sleeper"
[[turn]]
text = "Sleeping."
[[turn.call]]
tool = "shell"
args = { command = "echo before; sleep 1000" }
[[turn]]
text = "Woke up."
`

func TestKilledInTheMiddle(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	serve(t, h, sleeper)
	cmd, ch := h.follow("run", "--json", "sleep")
	var seen []event
	for ev := range ch {
		seen = append(seen, ev)
		if ev.Kind == "tool.call" {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it ended by itself")
	}
	box := boxOf(seen)
	after := events(t, h.ok("sessions", "show", "--json", seen[0].Session))
	var recorded []event
	for _, e := range after {
		if e.Kind != "" {
			recorded = append(recorded, e)
		}
	}
	if got, want := kinds(recorded), kinds(seen)+" interrupted session.ended"; got != want {
		t.Errorf("the log has\n%s\nwant\n%s", got, want)
	}
	if out := h.ok("sessions", "--json"); !strings.Contains(out, `"status":"interrupted"`) {
		t.Errorf("sessions: %s", out)
	}
	h.ok("box", "prune") // any start of the engine does it
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, box) {
		t.Errorf("left over: %s", ps)
	}
}

func TestInterruptedBySignal(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	serve(t, h, sleeper)
	cmd, ch := h.follow("run", "--json", "sleep")
	var all []event
	for ev := range ch {
		all = append(all, ev)
		if ev.Kind == "tool.call" {
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() //nolint:errcheck // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if got := kinds(all); !strings.HasSuffix(got, "tool.call tool.result interrupted box.diff box.destroyed session.ended") {
		t.Errorf("events %s", got)
	}
	if ended := all[len(all)-1]; ended.Status != "interrupted" {
		t.Errorf("ended %+v", ended)
	}
	box := boxOf(all)
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, box) {
		t.Errorf("left over: %s", ps)
	}
}

// A failure says what happened in one line, has its exit code, and leaves a
// session that says how it ended, or none.
func TestFailures(t *testing.T) {
	t.Parallel() // its log, its home and its boxes are its own
	needEngine(t)
	tests := []struct {
		name, scenario string
		env            []string
		args           []string
		code           int
		stderr         string // pattern
		events         string // the end of the list of kinds
	}{
		{
			name: "unreachable endpoint", env: []string{"OPENAI_BASE_URL=http://127.0.0.1:9/v1"},
			code: exitModel, stderr: `127\.0\.0\.1:9`, events: "model.request error box.diff box.destroyed session.ended",
		},
		{
			name: "401", scenario: "[[turn]]\ntext='x'\nstatus = 401\ntimes = 9\n",
			code: exitModel, stderr: `OPENAI_API_KEY`, events: "error box.diff box.destroyed session.ended",
		},
		{
			name: "429, then an answer", scenario: "[[turn]]\ntext='x'\nstatus = 429\nretry_after = 1\n",
			code: exitDone, stderr: `rate limit`, events: "model.response box.diff box.destroyed session.ended",
		},
		{
			name: "429 for too long", scenario: "[[turn]]\ntext='x'\nstatus = 429\nretry_after = 900\ntimes = 9\n",
			code: exitModel, stderr: `900|15 ?m`, events: "error box.diff box.destroyed session.ended",
		},
		{
			name: "stream cut", scenario: "[[turn]]\ntext='a longer text that is cut in the middle'\ncut = true\ntimes = 9\n",
			code: exitModel, stderr: `ended before the answer`, events: "model.response error box.diff box.destroyed session.ended",
		},
		{
			name: "malformed arguments", scenario: "[[turn]]\ntext=''\n[[turn.call]]\ntool='shell'\nraw='{\"command\": '\n[[turn]]\ntext='sorry'\n[[turn.expect]]\ncall=1\ncontains=['JSON']\n",
			code: exitDone, events: "decision tool.result model.request model.response box.diff box.destroyed session.ended",
		},
		{
			name: "unknown tool", scenario: "[[turn]]\ntext=''\n[[turn.call]]\ntool='launch'\nargs={}\n[[turn]]\ntext='sorry'\n[[turn.expect]]\ncall=1\ncontains=['shell']\n",
			code: exitDone, events: "decision tool.result model.request model.response box.diff box.destroyed session.ended",
		},
		{
			name: "a scenario that fails", scenario: "[[turn]]\ntext='x'\n[[turn.call]]\ntool='shell'\nargs={command='echo one'}\n[[turn]]\ntext='y'\n[[turn.expect]]\ncall=1\ncontains=['two']\n",
			code: exitNo, stderr: `two`, events: "error box.diff box.destroyed session.ended",
		},
		{name: "no podman", env: []string{"PATH=/nonexistent"}, scenario: "[[turn]]\ntext='x'\n", code: exitEngine, stderr: `(?i)podman`},
		{name: "no engine at CONTAINER_HOST", env: []string{"CONTAINER_HOST=unix:///nonexistent.sock"}, scenario: "[[turn]]\ntext='x'\n", code: exitEngine, stderr: `CONTAINER_HOST`},
		{name: "unknown provider", env: []string{"OPENAI_BASE_URL="}, args: []string{"--model", "acme/x"}, code: exitUsage, stderr: `acme`},
		{name: "no model", env: []string{"OPENAI_BASE_URL=", "OPENAI_API_KEY="}, code: exitUsage, stderr: `OPENAI_API_KEY`},
		{name: "no such schema", env: []string{"GLOVEBOX_CONFIG=bad-schema.toml"}, scenario: "[[turn]]\ntext='x'\n", code: exitUsage, stderr: `shopp.*shop`},
		{name: "a dataset larger than the box", env: []string{"GLOVEBOX_CONFIG=large.toml"}, args: []string{"--rigor", "quick"}, scenario: "[[turn]]\ntext='x'\n", code: exitUsage, stderr: `does not fit the box, whose disk is 16MiB`, events: "session.started error box.destroyed session.ended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHome(t)
			h.file("bad-schema.toml", "[data]\nschema = 'shopp'\n")
			h.file("large.toml", "data.rows = 200_000\nbox.disk = '16MiB'\n")
			if tt.scenario != "" {
				serve(t, h, "name = 'x'\n"+tt.scenario)
			} else {
				h.set("OPENAI_API_KEY", "sk-test-0123456789")
			}
			h.env = append(h.env, tt.env...)
			out, errOut, code := h.run(append([]string{"run", "--json", "do it"}, tt.args...)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !regexp.MustCompile(tt.stderr).MatchString(errOut) || (tt.code != 0) != oneClearLine.MatchString(errOut) {
				t.Errorf("standard error %q, want one clear line with %q", errOut, tt.stderr)
			}
			if strings.Contains(errOut+out, "sk-test") {
				t.Error("the key is shown")
			}
			all := events(t, out)
			if got := kinds(all); !strings.HasSuffix(got, tt.events) || (tt.events == "" && got != "") {
				t.Errorf("events %s, want at the end %s", got, tt.events)
			}
			if tt.events != "" {
				want := "done"
				if tt.code != 0 {
					want = "failed"
				}
				if got := all[len(all)-1].Status; got != want {
					t.Errorf("ended as %q, want %q", got, want)
				}
			}
		})
	}
}

func TestDemo(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	out := h.ok("demo")
	for _, part := range []string{"sealed", "unreachable", "report.md", "glovebox replay"} {
		if !strings.Contains(out, part) {
			t.Errorf("the tour lacks %q:\n%s", part, out)
		}
	}
}
