package tui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		"PATH="+os.Getenv("PATH"), "HOME="+dir, "TERM=screen-256color", "LANG=C.UTF-8", "PAGER=cat; echo paged; read x", "PS1=prompt> ", "sh")
	t.Cleanup(func() { tm.tmux("kill-server") })
	tm.waitFor("prompt>")
	return tm
}

func (tm *terminal) tmux(args ...string) string {
	tm.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-S", tm.socket}, args...)...).CombinedOutput()
	if err != nil {
		tm.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (tm *terminal) screen() string { return tm.tmux("capture-pane", "-p") }

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
