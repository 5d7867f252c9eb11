package main

import (
	"bufio"
	"bytes"
	"context"
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
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"glovebox/agent"
	"glovebox/tui/tmuxtest"
)

var programDir string // what programs made, for the end of the run

var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("/tmp", "glovebox-bin-") // typed into shells: TMPDIR may have spaces
	if err != nil {
		return "", err
	}
	programDir = dir
	for _, build := range []*exec.Cmd{goBuild(dir, "../glovebox-init"), goBuild(dir, ".", raceFlag()...)} {
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
	}
	// Now, so that no test sees the progress of it. Without an engine the tests skip.
	if out, err := exec.Command(filepath.Join(dir, "glovebox"), "image", "prepare").CombinedOutput(); err != nil && engineThere() {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func goBuild(dir, pkg string, flags ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), "go", slices.Concat([]string{"build", "-o", dir + "/"}, flags, []string{pkg})...)
	if len(flags) == 0 {
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0") // init must be static
	}
	return cmd
}

// raceFlag builds the program with the race detector where the tests have it.
func raceFlag() []string {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"-race"}
	}
	return nil
}

func engineThere() bool {
	_, err := exec.LookPath("podman")
	return err == nil
}

// tests runs them all and removes the programs that they built.
type tests struct{ m *testing.M }

func (r tests) Run() int {
	tmuxtest.Interruptible()
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
	// Nothing here is to wait for its turn: what paces calls has tests of its own.
	h.set("GLOVEBOX_CONFIG", h.file("config.toml", "rigor = \"quick\"\n[data]\nrows = 50\n[rates]\nmodel_calls_per_minute = 0\ntool_calls_per_minute = 0\n"))
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

// untilGo is a command that ends once letGo was called for its box.
const untilGo = "until test -e /tmp/go; do sleep 0.05; done"

func letGo(t *testing.T, box string) {
	t.Helper()
	for tries := 1; ; tries++ {
		_, err := tryPodman(t, "exec", box, "/usr/bin/touch", "/tmp/go")
		// What goes on may be over, and the box gone, before Podman is done with it.
		if err == nil || !strings.Contains(podman(t, "ps", "--format", "{{.Names}}"), box) {
			return
		}
		if tries == 20 {
			t.Fatal(err)
		}
	}
}

// endpoint serves a scenario as an OpenAI-compatible server and keeps the
// requests it got.
type endpoint struct {
	url      string
	mu       sync.Mutex
	requests []string
	auth     string
	before   func(n int) // called before the n-th request is answered, from 1 on; may be nil
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
		n := len(e.requests)
		e.mu.Unlock()
		if e.before != nil {
			e.before(n)
		}
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
	out, err := tryPodman(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryPodman(t *testing.T, args ...string) (string, error) {
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
		err = fmt.Errorf("podman %v: %w %s", args, err, &errOut)
	}
	return string(out), err
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
