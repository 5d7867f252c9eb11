package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"glovebox/agent"
)

// These tests run the built programs against real containers and a real HTTP
// server, as a person would.

var programDir string // what programs made, for the end of the run

var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "glovebox-bin-")
	if err != nil {
		return "", err
	}
	programDir = dir
	cmd := exec.Command("go", "build", "-o", dir+"/", ".", "../glovebox-init")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	// Now, so that no test sees the progress of it. Without an engine the tests skip.
	if out, err := exec.Command(filepath.Join(dir, "glovebox"), "image", "prepare").CombinedOutput(); err != nil && engineThere() {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func engineThere() bool {
	_, err := exec.LookPath("podman")
	return err == nil
}

// tests runs them all and removes the programs that they built.
type tests struct{ m *testing.M }

func (r tests) Run() int {
	code := r.m.Run()
	os.RemoveAll(programDir)
	return code
}

// home is a person's own glovebox: programs, log and configuration.
type home struct {
	t   *testing.T
	bin string
	dir string
	env []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, bin: filepath.Join(dir, "glovebox"), dir: t.TempDir()}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OPENAI_") && !strings.HasPrefix(kv, "GLOVEBOX_") && !strings.HasPrefix(kv, "XDG_DATA") &&
			!strings.HasPrefix(kv, "XDG_CONFIG") && !strings.HasPrefix(kv, "XDG_STATE") {
			h.env = append(h.env, kv)
		}
	}
	// The log is the test's own; the engine and its images are everybody's.
	h.set("GLOVEBOX_DB", filepath.Join(h.dir, "log.db"))
	h.set("GLOVEBOX_KEY", filepath.Join(h.dir, "key"))
	h.set("GLOVEBOX_CONFIG", h.file("config.toml", "rigor = \"quick\"\n[data]\nrows = 50\n"))
	return h
}

func (h *home) set(key, value string) { h.env = append(h.env, key+"="+value) }

func (h *home) file(name, content string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h *home) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(h.t.Context(), h.bin, args...)
	cmd.Env, cmd.Dir = h.env, h.dir
	return cmd
}

// run returns what the command wrote and its exit code.
func (h *home) run(args ...string) (stdout, stderr string, code int) {
	h.t.Helper()
	cmd := h.command(args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// ok runs a command that must succeed and returns its standard output.
func (h *home) ok(args ...string) string {
	h.t.Helper()
	out, errOut, code := h.run(args...)
	if code != 0 {
		h.t.Fatalf("glovebox %v: exit %d\n%s", args, code, errOut)
	}
	return out
}

func needEngine(t *testing.T) {
	t.Helper()
	if !engineThere() {
		t.Skip("SKIPPED, AND WITH IT WHOLE SESSIONS: podman is not installed; `glovebox setup` installs it")
	}
}

// endpoint serves a scenario as an OpenAI-compatible server and keeps the
// requests it got.
type endpoint struct {
	url      string
	mu       sync.Mutex
	requests []string
	auth     string
}

func serve(t *testing.T, h *home, scenario string) *endpoint {
	t.Helper()
	script, err := agent.ParseScript([]byte(scenario), "test")
	if err != nil {
		t.Fatal(err)
	}
	base, stop, err := agent.ServeScript(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	to, err := url.Parse(strings.TrimSuffix(base, "/v1"))
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e.mu.Lock()
		e.requests, e.auth = append(e.requests, string(body)), r.Header.Get("Authorization")
		e.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	e.url = server.URL + "/v1"
	h.set("OPENAI_BASE_URL", e.url)
	h.set("OPENAI_API_KEY", "sk-test-0123456789")
	return e
}

// event is a line of --json.
type event struct {
	Session   string `json:"session"`
	Seq       int64  `json:"seq"`
	Kind      string `json:"kind"`
	Stdout    string `json:"stdout"`
	Exit      *int   `json:"exit"`
	Error     string `json:"error"`
	Status    string `json:"status"`
	Verdict   string `json:"verdict"`
	Box       string `json:"box"`
	Container string `json:"container"`
	Partial   bool   `json:"partial"`
	Tool      string `json:"tool"`
	ToolCall  []any  `json:"tool_calls"`
}

func events(t *testing.T, out string) []event {
	t.Helper()
	var all []event
	for line := range strings.Lines(out) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, e)
	}
	return all
}

// boxOf is the name of the box that was made.
func boxOf(all []event) string {
	i := slices.IndexFunc(all, func(e event) bool { return e.Kind == "box.created" })
	if i < 0 {
		return "no box at all"
	}
	return all[i].Box
}

func kinds(all []event) string {
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Kind
	}
	return strings.Join(names, " ")
}

// podman asks the account that the boxes belong to.
func podman(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "podman", args...)
	if os.Getuid() == 0 {
		acct, err := user.Lookup("glovebox")
		if err != nil {
			t.Fatal(err)
		}
		cmd = exec.CommandContext(t.Context(), "setpriv", append([]string{
			"--reuid", acct.Uid, "--regid", acct.Gid, "--clear-groups", "env", "-i", "HOME=" + acct.HomeDir,
			"XDG_RUNTIME_DIR=/run/user/" + acct.Uid, "PATH=" + os.Getenv("PATH"), "podman",
		}, args...)...)
		cmd.Dir = acct.HomeDir
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podman %v: %v %s", args, err, &errOut)
	}
	return string(out)
}

// follow starts a command and hands its events over as they come.
func (h *home) follow(args ...string) (*exec.Cmd, <-chan event) {
	h.t.Helper()
	cmd, ch, _ := h.followQuietly(args...)
	return cmd, ch
}

// followQuietly is follow; standard error is complete once the command has been waited for.
func (h *home) followQuietly(args ...string) (*exec.Cmd, <-chan event, *bytes.Buffer) {
	h.t.Helper()
	cmd := h.command(args...)
	errOut := &bytes.Buffer{}
	cmd.Stderr = errOut
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	ch := make(chan event)
	go func() {
		defer close(ch)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err == nil {
				ch <- e
			}
		}
	}()
	return cmd, ch, errOut
}

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
args = { command = "echo marker-$((6*7)); sqlite3 /data/shop.db 'SELECT count(*) > 0 FROM orders'; sleep 3" }
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
