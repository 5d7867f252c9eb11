package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"glovebox/store"
)

// The exit status is the command's own; what glovebox says itself is one line.
func TestBoxRunStatus(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("data.txt", "")
	h.file("script.sh", "#!/bin/sh\necho run \"$@\"\n")
	if err := os.Chmod(filepath.Join(h.dir, "script.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // stderr: a part, or "" for none
		status         string // of the session; "": there is none
	}{
		{"zero", []string{"--", "true"}, 0, "", "", "done"},
		{"its own", []string{"--", "sh", "-c", "echo out; echo err >&2; exit 3"}, 3, "out\n", "err\n", "failed"},
		{"its own 7", []string{"sh", "-c", "exit 7"}, 7, "", "", "failed"},
		{"a signal", []string{"--", "sh", "-c", "kill -TERM $$"}, 128 + 15, "", "", "failed"},
		{"no such program", []string{"--", "no-such-program"}, 127, "", "no-such-program", "failed"},
		{"not a program", []string{"--", "/etc/passwd"}, 126, "", "permission denied", "failed"},
		{"time is up", []string{"--timeout", "300ms", "--", "sleep", "1000"}, exitLimit, "", "--timeout", "limited"},
		{"a file and its mode", []string{"--file", "script.sh:bin/", "--", "bin/script.sh", "--file", "x"}, 0, "run --file x\n", "", "done"},
		{"an absolute place", []string{"--file", "script.sh:/tmp/s", "--", "/tmp/s"}, 0, "run\n", "", "done"},
		{"a read-only place", []string{"--file", "script.sh:/etc/s", "--", "true"}, exitEngine, "", "--file script.sh", "failed"},
		{"no such file", []string{"--file", "none", "--", "true"}, exitUsage, "", "none", ""},
		{"a directory", []string{"--file", ".", "--", "true"}, exitUsage, "", "regular", ""},
		{"a dataset", []string{"--data", "shop", "--rows", "7", "--", "sqlite3", "/data/shop.db", "SELECT count(*) > 0 FROM orders"}, 0, "1\n", "", "done"},
		{"no such dataset", []string{"--data", "shopp", "--", "true"}, exitUsage, "", "shop", ""},
		{"rows of nothing", []string{"--rows", "7", "--", "true"}, exitUsage, "", "--data", ""},
		{"out, which is not there", []string{"--out", "none:x", "--", "true"}, exitNo, "", "none", "failed"},
		{"out, of a command that failed", []string{"--out", "none:x", "--", "false"}, 1, "", "none", "failed"},
		{"out, larger than the box", []string{"--out", "big:x", "--", "truncate", "-s", "1P", "big"}, exitNo, "", "bytes", "failed"},
		{"no command", nil, exitUsage, "", "needs a command", ""},
	}
	h.set("OPENAI_API_KEY", "sk-of-the-host")
	before := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, code := h.run(append([]string{"box", "run"}, tt.args...)...)
			errOut = unhurried(errOut)
			if code != tt.code || out != tt.stdout || !strings.Contains(errOut, tt.stderr) || (tt.stderr == "") != (errOut == "") {
				t.Errorf("exit %d, stdout %q, stderr %q; want %d, %q, %q", code, out, errOut, tt.code, tt.stdout, tt.stderr)
			}
			sessions := strings.Split(strings.TrimSpace(h.ok("sessions", "--json")), "\n")
			n := len(sessions)
			if sessions[0] == "" {
				n = 0
			}
			if made := n > before; made != (tt.status != "") || made && !strings.Contains(sessions[0], `"status":"`+tt.status+`"`) {
				t.Errorf("status %q expected, newest session: %s", tt.status, sessions[0])
			}
			before = n
		})
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "*glovebox-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// Every byte passes, both ways, and a result file comes out whole.
func TestBoxRunIsBinarySafe(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	const size = 50 << 20
	seed := [32]byte{1}
	cmd := h.command("box", "run", "--out", "copy:copy", "--", "tee", "copy")
	cmd.Stdin = io.LimitReader(rand.NewChaCha8(seed), size)
	got, want := sha256.New(), sha256.New()
	var errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = got, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errOut.String())
	}
	if _, err := io.Copy(want, io.LimitReader(rand.NewChaCha8(seed), size)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("other bytes came back")
	}
	f, err := os.Open(filepath.Join(h.dir, "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file := sha256.New()
	if n, err := io.Copy(file, f); n != size || err != nil || !bytes.Equal(file.Sum(nil), want.Sum(nil)) {
		t.Errorf("--out has %d bytes, or others (%v)", n, err)
	}
}

func TestBoxRunJSON(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	type result struct {
		Exit     *int   `json:"exit"`
		Signal   string `json:"signal"`
		TimedOut bool   `json:"timed_out"`
		Stdout   string `json:"stdout"`
		Stderr   string `json:"stderr"`
		Box      string `json:"box"`
		Session  string `json:"session"`
	}
	run := func(code int, args ...string) (r result) {
		t.Helper()
		out, errOut, got := h.run(append([]string{"box", "run", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &r); err != nil || got != code {
			t.Fatalf("exit %d (want %d), %q, %s, %v", got, code, out, errOut, err)
		}
		return r
	}
	if r := run(5, "--", "sh", "-c", `printf 'a\377'; echo b >&2; exit 5`); r.Exit == nil || *r.Exit != 5 || r.Stdout != "a\uFFFD" || r.Stderr != "b\n" || r.Box == "" || r.Session == "" {
		t.Errorf("%+v", r)
	}
	if r := run(exitLimit, "--timeout", "300ms", "--", "sleep", "1000"); r.Exit != nil || r.Signal != "SIGKILL" || !r.TimedOut {
		t.Errorf("%+v", r)
	}
	h.set("CONTAINER_HOST", "unix:///nonexistent.sock")
	if out, errOut, code := h.run("box", "run", "--json", "--", "true"); out != "" || code != exitEngine || !oneClearLine.MatchString(errOut) {
		t.Errorf("without an engine: exit %d, %q, %q", code, out, errOut)
	}
}

// A signal ends the command, then the box; also when nobody takes the output,
// and input that never ends keeps nothing alive.
func TestBoxRunInterrupted(t *testing.T) {
	needEngine(t)
	for _, script := range []string{"echo begun; sleep 1000", "echo begun; yes", "echo begun; cat"} {
		h := newHome(t)
		cmd := h.command("box", "run", "--", "sh", "-c", script)
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("begun\n"))); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Process.Wait(); err != nil { // cmd.Wait would close what nobody reads
			t.Fatal(err)
		}
		all := events(t, h.ok("replay", "--json", "last"))
		if got := kinds(all); got != "session.started prompt box.created tool.call tool.result interrupted box.destroyed session.ended" || all[len(all)-1].Status != "interrupted" {
			t.Errorf("%s: events %s", script, got)
		}
		if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, boxOf(all)) {
			t.Errorf("left over: %s", ps)
		}
	}
}

// A command that ends before its input does, or whose output nobody wants any
// more, ends the box.
func TestBoxRunPipes(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	cmd := h.command("box", "run", "--", "head", "-c", "3")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(in, "abcdef") //nolint:errcheck // and no end
	if out, err := cmd.Output(); err != nil || string(out) != "abc" {
		t.Errorf("%q, %v", out, err)
	}
	cmd = h.command("box", "run", "--", "yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	cmd.Wait() //nolint:errcheck // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGPIPE) {
		t.Errorf("exit code %d", code)
	}
}

// What stands where a session has its model is known to the log as none.
func TestStandInsAreNoModels(t *testing.T) {
	for _, name := range []string{boxModel, verifyModel, rerunModel} {
		if (store.Summary{Model: name}).HasModel() {
			t.Errorf("%s is taken for a model", name)
		}
	}
}
