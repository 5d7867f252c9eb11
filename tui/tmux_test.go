package tui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"glovebox/store"
)

// TestMain lets the test binary be the workbench itself, on a real log with a
// scripted agent, so that a test can drive it in a real terminal.
func TestMain(m *testing.M) {
	db := os.Getenv("GLOVEBOX_TUI_TEST_DB")
	if db == "" {
		os.Exit(m.Run())
	}
	if err := workbench(db); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func workbench(db string) error {
	log, err := store.Open(context.Background(), db)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := os.WriteFile(db+".pid", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	return Run(context.Background(), Options{
		Backend: logBackend{log}, Env: os.Environ(), panicAt: os.Getenv("GLOVEBOX_TUI_TEST_PANIC"),
	})
}

// terminal is a tmux server of its own with one 80×24 window running a shell.
type terminal struct {
	t      *testing.T
	socket string
	env    string
}

func newTerminal(t *testing.T, panicAt string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("SKIPPED: tmux is not installed, so the workbench was not driven in a terminal (apt-get install tmux)")
	}
	dir := t.TempDir()
	tm := &terminal{t: t, socket: filepath.Join(dir, "tmux")}
	tm.env = fmt.Sprintf("GLOVEBOX_TUI_TEST_DB='%s' GLOVEBOX_TUI_TEST_PANIC='%s'", filepath.Join(dir, "log.db"), panicAt)
	tm.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "env", "-i",
		"PATH="+os.Getenv("PATH"), "HOME="+dir, "TERM=screen-256color", "LANG=C.UTF-8", "PAGER=cat; echo paged; read x", "EDITOR=printf edited >", "PS1=prompt> ", "sh")
	t.Cleanup(func() { tm.tmux("kill-server") })
	tm.tmux("set-option", "-g", "set-clipboard", "on")
	tm.waitFor("prompt>")
	return tm
}

func (tm *terminal) tmux(args ...string) string {
	tm.t.Helper()
	out, err := exec.CommandContext(context.Background(), "tmux", append([]string{"-u", "-S", tm.socket}, args...)...).CombinedOutput()
	if err != nil {
		tm.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (tm *terminal) screen() string { return tm.tmux("capture-pane", "-p", "-J") }

func (tm *terminal) keys(keys ...string) {
	tm.t.Helper()
	tm.tmux(append([]string{"send-keys"}, keys...)...)
}

func (tm *terminal) write(text string) {
	tm.t.Helper()
	tm.tmux("send-keys", "-l", text)
}

func (tm *terminal) waitFor(text string) string {
	return tm.waitUntil("shows "+text, func(s string) bool { return strings.Contains(s, text) })
}

// waitUntil looks at the screen until it is as wanted.
func (tm *terminal) waitUntil(want string, ok func(screen string) bool) string {
	tm.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s := tm.screen()
		if ok(s) {
			return s
		}
		select {
		case <-deadline:
			tm.t.Fatalf("the screen never %s:\n%s", want, s)
		case <-tick.C:
		}
	}
}

// open starts the workbench from the shell.
func (tm *terminal) open() {
	tm.t.Helper()
	self, err := os.Executable()
	if err != nil {
		tm.t.Fatal(err)
	}
	tm.write("stty -a | sort >before; " + tm.env + " " + self + "; echo left with $?")
	tm.keys("Enter")
	tm.waitFor("? keys")
}

// mustBeClean checks that the shell has its terminal back as it was.
func (tm *terminal) mustBeClean(status string) {
	tm.t.Helper()
	tm.waitFor("left with " + status)
	for what, want := range map[string]string{
		"alternate_on": "0", "cursor_flag": "1", "mouse_any_flag": "0", "bracketed_paste_flag": "0", "keypad_cursor_flag": "0",
	} {
		if got := strings.TrimSpace(tm.tmux("display-message", "-p", "#{"+what+"}")); got != want && got != "" {
			tm.t.Errorf("the terminal's %s is %s, want %s", what, got, want)
		}
	}
	tm.write("clear; stty -a | sort | cmp - before && echo the same")
	tm.keys("Enter")
	s := tm.waitUntil("compared", func(s string) bool {
		return strings.Contains(s, "\nthe same") || strings.Contains(s, "differ") || strings.HasPrefix(s, "the same")
	})
	if strings.Contains(s, "differ") {
		tm.t.Errorf("the terminal's settings changed:\n%s", s)
	}
}

func TestWorkbenchInATerminal(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.waitFor("No sessions yet.")
	tm.keys("?")
	tm.waitFor("interrupt; again: leave")
	tm.keys("Escape")
	tm.waitFor("No sessions yet.")

	tm.keys("n")
	tm.waitFor("● sealed: network data execution")
	tm.write("draft")
	tm.waitFor("draft")
	tm.keys("C-e")
	tm.waitFor("edited")
	tm.keys("C-u")
	tm.waitFor("Ask the agent")
	tm.write("What is in")
	tm.keys("M-Enter")
	tm.write("/data?")
	s := tm.waitFor("/data?")
	if strings.Contains(s, "in/data") {
		t.Errorf("alt+enter made no new line:\n%s", s)
	}
	tm.keys("Enter")
	s = tm.waitUntil("shows the answer", func(s string) bool {
		return strings.Contains(s, "There are two files") && strings.Contains(s, "idle")
	})
	for _, want := range []string{"✓ shell  exit 0 · 12 ms", "$ ls -la /data", "DATA.md", "2 turns", "2.1k tokens"} {
		if !strings.Contains(s, want) {
			t.Errorf("the screen does not show %q:\n%s", want, s)
		}
	}
	tm.keys("Tab", "O")
	tm.waitFor("paged")
	tm.keys("Enter")
	tm.waitFor("tab composer")
	tm.keys("y")
	tm.waitFor("copied")
	tm.waitUntil("gives the answer to the clipboard", func(string) bool {
		return strings.Contains(tm.tmux("list-buffers"), "There are **two** files:")
	})
	tm.keys("Tab", "C-d")
	tm.waitFor("session ended: done")
	tm.keys("Escape")
	tm.waitFor("✓ done")

	tm.keys("Enter")
	tm.waitFor("playback · step 12/12")
	tm.keys("g")
	s = tm.waitFor("step 1/12")
	if strings.Contains(s, "What is in") {
		t.Errorf("the first step shows what came later:\n%s", s)
	}
	tm.keys("t")
	tm.waitFor("step 7/12")
	tm.keys("Right")
	tm.waitFor("exit 0")
	tm.keys("Escape")
	tm.waitFor("1 session")
	tm.keys("q")
	tm.mustBeClean("0")
}

func TestCtrlCInATerminal(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.keys("n")
	tm.waitFor("● sealed")
	tm.write("wait for nothing")
	tm.keys("Enter")
	tm.waitFor("waiting for nothing")
	tm.keys("C-c")
	tm.waitFor("interrupted by you")
	tm.waitFor("ctrl+c again to leave")
	tm.keys("C-c")
	tm.mustBeClean("0")

	tm.open()
	s := tm.waitFor("wait for nothing")
	if !strings.Contains(s, "✓ done") {
		t.Errorf("leaving did not end the session:\n%s", s)
	}
	tm.keys("C-c")
	tm.waitFor("ctrl+c again to leave")
	tm.keys("C-c")
	tm.mustBeClean("0")
}

// TestLeavingInTheMiddle: the second ctrl+c does not wait for the first.
func TestLeavingInTheMiddle(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.keys("n")
	tm.waitFor("● sealed")
	tm.write("wait for nothing")
	tm.keys("Enter")
	tm.waitFor("waiting for nothing")
	tm.keys("C-c", "C-c")
	tm.mustBeClean("0")
	tm.open()
	tm.waitFor("✓ done")
	tm.keys("Enter")
	tm.waitFor("interrupted by you")
	tm.keys("q")
	tm.waitFor("1 session")
	tm.keys("q")
	tm.mustBeClean("0")
}

func TestPanicLeavesTheTerminalClean(t *testing.T) {
	for _, where := range []string{"update", "view"} {
		t.Run(where, func(t *testing.T) {
			tm := newTerminal(t, where)
			tm.open()
			tm.keys("n")
			tm.waitFor("● sealed")
			tm.keys(`C-\`)
			tm.waitFor("the workbench broke")
			tm.mustBeClean("1")
			tm.mustHaveEnded()
		})
	}
	t.Run("command", func(t *testing.T) {
		tm := newTerminal(t, "")
		tm.open()
		tm.keys("n")
		tm.waitFor("● sealed")
		tm.write("panic please")
		tm.keys("Enter")
		tm.waitFor("the backend broke")
		tm.mustBeClean("1")
		tm.mustHaveEnded()
	})
}

// mustHaveEnded checks that the session was closed although the workbench broke.
func (tm *terminal) mustHaveEnded() {
	tm.t.Helper()
	log, err := store.Open(context.Background(), filepath.Join(filepath.Dir(tm.socket), "log.db"))
	if err != nil {
		tm.t.Fatal(err)
	}
	defer log.Close()
	all, err := log.Sessions(context.Background(), store.Filter{})
	if err != nil || len(all) != 1 || all[0].Status != "done" {
		tm.t.Errorf("the log has %+v, %v; want one session that has ended", all, err)
	}
}

func TestSignalLeavesTheTerminalClean(t *testing.T) {
	for sig, status := range map[syscall.Signal]string{syscall.SIGTERM: "0", syscall.SIGINT: "1"} {
		tm := newTerminal(t, "")
		tm.open()
		tm.keys("n")
		tm.waitFor("● sealed")
		tm.write("wait for nothing")
		tm.keys("Enter")
		tm.waitFor("waiting for nothing")
		b, err := os.ReadFile(filepath.Join(filepath.Dir(tm.socket), "log.db.pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(string(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
		tm.mustBeClean(status)
		tm.mustHaveEnded()
	}
}

func TestNoColor(t *testing.T) {
	for _, c := range []struct {
		env  string
		want bool
	}{{"", true}, {"NO_COLOR=1", false}} {
		tm := newTerminal(t, "")
		tm.env += " " + c.env
		tm.open()
		if got := strings.Contains(tm.tmux("capture-pane", "-p", "-e"), "\x1b[38;"); got != c.want {
			t.Errorf("with %q: colours on the screen: %v, want %v", c.env, got, c.want)
		}
		tm.keys("q")
		tm.mustBeClean("0")
	}
}
