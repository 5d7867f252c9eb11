package tui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/tui/tmuxtest"
)

// TestMain lets the test binary be the workbench itself, on a real log with a
// scripted agent, so that a test can drive it in a real terminal.
func TestMain(m *testing.M) {
	db := os.Getenv("GLOVEBOX_TUI_TEST_DB")
	if db == "" {
		tmuxtest.Interruptible()
		time.Local = time.UTC // the screens in testdata show days
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

// terminal is a terminal in which the workbench is started.
type terminal struct {
	*tmuxtest.Terminal
	t   *testing.T
	dir string
	env string
}

func newTerminal(t *testing.T, panicAt string) *terminal {
	t.Helper()
	dir := t.TempDir()
	tm := &terminal{t: t, dir: dir}
	tm.env = fmt.Sprintf("GLOVEBOX_TUI_TEST_DB='%s' GLOVEBOX_TUI_TEST_PANIC='%s'", filepath.Join(dir, "log.db"), panicAt)
	tm.Terminal = tmuxtest.Open(t, dir, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "PAGER=cat; echo paged; read x", "EDITOR=printf edited >",
	})
	tm.Do("set-option", "-g", "set-clipboard", "on")
	return tm
}

// open starts the workbench from the shell.
func (tm *terminal) open() {
	tm.t.Helper()
	self, err := os.Executable()
	if err != nil {
		tm.t.Fatal(err)
	}
	tm.Write("stty -a | sort >before; " + tm.env + " " + self + "; echo left with $?")
	tm.Keys("Enter")
	tm.Sees("? keys")
}

// mustBeClean checks that the shell has its terminal back as it was.
func (tm *terminal) mustBeClean(status string) {
	tm.t.Helper()
	tm.Sees("left with " + status)
	for what, want := range map[string]string{
		"alternate_on": "0", "cursor_flag": "1", "mouse_any_flag": "0", "bracketed_paste_flag": "0", "keypad_cursor_flag": "0",
	} {
		if got := strings.TrimSpace(tm.Do("display-message", "-p", "#{"+what+"}")); got != want && got != "" {
			tm.t.Errorf("the terminal's %s is %s, want %s", what, got, want)
		}
	}
	tm.Write("clear; stty -a | sort | cmp - before && echo the same")
	tm.Keys("Enter")
	s := tm.Until("compared", func(s string) bool {
		return strings.Contains(s, "\nthe same") || strings.Contains(s, "differ") || strings.HasPrefix(s, "the same")
	})
	if strings.Contains(s, "differ") {
		tm.t.Errorf("the terminal's settings changed:\n%s", s)
	}
}

func TestWorkbenchInATerminal(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.Sees("No sessions yet.")
	tm.Keys("?")
	tm.Sees("interrupt; again: leave")
	tm.Keys("Escape")
	tm.Sees("No sessions yet.")

	tm.Keys("n")
	tm.Sees("● sealed: network data execution")
	tm.Write("draft")
	tm.Sees("draft")
	tm.Keys("C-e")
	tm.Sees("edited")
	tm.Keys("C-u")
	tm.Sees("Ask the agent")
	tm.Write("What is in")
	tm.Keys("M-Enter")
	tm.Write("/data?")
	s := tm.Sees("/data?")
	if strings.Contains(s, "in/data") {
		t.Errorf("alt+enter made no new line:\n%s", s)
	}
	tm.Keys("Enter")
	s = tm.Until("shows the answer", func(s string) bool {
		return strings.Contains(s, "There are two files") && strings.Contains(s, "idle")
	})
	for _, want := range []string{"✓ shell  exit 0 · 12 ms", "$ ls -la /data", "DATA.md", "2 turns", "2.1k tokens"} {
		if !strings.Contains(s, want) {
			t.Errorf("the screen does not show %q:\n%s", want, s)
		}
	}
	tm.Keys("Tab", "O")
	tm.Sees("paged")
	tm.Keys("Enter")
	tm.Sees("tab composer")
	tm.Keys("y")
	tm.Sees("copied")
	tm.Until("gives the answer to the clipboard", func(string) bool {
		return strings.Contains(tm.Do("list-buffers"), "There are **two** files:")
	})
	tm.Keys("Tab", "C-d")
	tm.Sees("session ended: done")
	tm.Keys("Escape")
	tm.Sees("✓ done")

	tm.Keys("Enter")
	tm.Sees("playback · step 12/12")
	tm.Keys("g")
	s = tm.Sees("step 1/12")
	if strings.Contains(s, "What is in") {
		t.Errorf("the first step shows what came later:\n%s", s)
	}
	tm.Keys("t")
	tm.Sees("step 7/12")
	tm.Keys("Right")
	tm.Sees("exit 0")
	tm.Keys("Escape")
	tm.Sees("1 session")
	tm.Keys("q")
	tm.mustBeClean("0")
}

func TestCtrlCInATerminal(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.Keys("n")
	tm.Sees("● sealed")
	tm.Write("wait for nothing")
	tm.Keys("Enter")
	tm.Sees("waiting for nothing")
	tm.Keys("C-c")
	tm.Sees("interrupted by you")
	tm.Sees("ctrl+c again to leave")
	tm.Keys("C-c")
	tm.mustBeClean("0")

	tm.open()
	s := tm.Sees("wait for nothing")
	if !strings.Contains(s, "✓ done") {
		t.Errorf("leaving did not end the session:\n%s", s)
	}
	tm.Keys("C-c")
	tm.Sees("ctrl+c again to leave")
	tm.Keys("C-c")
	tm.mustBeClean("0")
}

// TestLeavingInTheMiddle: the second ctrl+c does not wait for the first.
func TestLeavingInTheMiddle(t *testing.T) {
	tm := newTerminal(t, "")
	tm.open()
	tm.Keys("n")
	tm.Sees("● sealed")
	tm.Write("wait for nothing")
	tm.Keys("Enter")
	tm.Sees("waiting for nothing")
	tm.Keys("C-c", "C-c")
	tm.mustBeClean("0")
	tm.open()
	tm.Sees("✓ done")
	tm.Keys("Enter")
	tm.Sees("interrupted by you")
	tm.Keys("q")
	tm.Sees("1 session")
	tm.Keys("q")
	tm.mustBeClean("0")
}

func TestPanicLeavesTheTerminalClean(t *testing.T) {
	for _, where := range []string{"update", "view"} {
		t.Run(where, func(t *testing.T) {
			tm := newTerminal(t, where)
			tm.open()
			tm.Keys("n")
			tm.Sees("● sealed")
			tm.Keys(`C-\`)
			tm.Sees("the workbench broke")
			tm.mustBeClean("1")
			tm.mustHaveEnded()
		})
	}
	t.Run("command", func(t *testing.T) {
		tm := newTerminal(t, "")
		tm.open()
		tm.Keys("n")
		tm.Sees("● sealed")
		tm.Write("panic please")
		tm.Keys("Enter")
		tm.Sees("the workbench broke")
		tm.mustBeClean("1")
		tm.mustHaveEnded()
	})
}

// mustHaveEnded checks that the session was closed although the workbench broke.
func (tm *terminal) mustHaveEnded() {
	tm.t.Helper()
	log, err := store.Open(context.Background(), filepath.Join(tm.dir, "log.db"))
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
		tm.Keys("n")
		tm.Sees("● sealed")
		tm.Write("wait for nothing")
		tm.Keys("Enter")
		tm.Sees("waiting for nothing")
		b, err := os.ReadFile(filepath.Join(tm.dir, "log.db.pid"))
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
		if got := strings.Contains(tm.Do("capture-pane", "-p", "-e"), "\x1b[38;"); got != c.want {
			t.Errorf("with %q: colours on the screen: %v, want %v", c.env, got, c.want)
		}
		tm.Keys("q")
		tm.mustBeClean("0")
	}
}
