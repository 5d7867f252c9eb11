// Package tmuxtest is for tests that drive a program in a real terminal, as a
// person does: keys in, screen out. It waits for what the screen shows, never
// for time to pass.
package tmuxtest

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for the screen at most. It is long because
// machines are slow at times; what comes sooner is seen sooner.
const patience = 3 * time.Minute

// Interruptible lets the programs that tests start hear SIGINT and SIGHUP where
// the tests run in a shell's background or under nohup: there they are ignored,
// and what is ignored is inherited.
func Interruptible() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// Terminal is a tmux server of its own with one window of 80×24 cells, in which
// a shell runs. Its methods end the test when something fails.
type Terminal struct {
	t      testing.TB
	socket string
	dir    string
	env    []string
}

// Open starts a shell in dir with the environment env, and shows its prompt,
// "host> ". It ends with the test. Without tmux the test is skipped.
func Open(t testing.TB, dir string, env []string) *Terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("SKIPPED: tmux is not installed, so nothing was driven in a terminal; `glovebox setup --for-tests` installs it")
	}
	// Not t.TempDir: a socket's name has 107 bytes at most, and TMPDIR may be long.
	own, err := os.MkdirTemp("/tmp", "tmux-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(own) })
	tm := &Terminal{t: t, socket: filepath.Join(own, "tmux"), dir: dir, env: env}
	tm.Do("new-session", "-d", "-x", "80", "-y", "24", "env", "PS1=host> ", "TERM=screen-256color", "sh")
	t.Cleanup(func() { tm.Do("kill-server") })
	tm.Sees("host>")
	return tm
}

// Do runs a command of tmux and returns what it prints.
func (tm *Terminal) Do(args ...string) string {
	tm.t.Helper()
	cmd := exec.CommandContext(context.Background(), "tmux", append([]string{"-u", "-f", "/dev/null", "-S", tm.socket}, args...)...)
	cmd.Env, cmd.Dir = tm.env, tm.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		tm.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// Screen is what is on the screen, as text.
func (tm *Terminal) Screen() string {
	tm.t.Helper()
	return tm.Do("capture-pane", "-p")
}

// Keys presses keys, named as tmux names them.
func (tm *Terminal) Keys(keys ...string) {
	tm.t.Helper()
	tm.Do(append([]string{"send-keys"}, keys...)...)
}

// Write types text.
func (tm *Terminal) Write(text string) {
	tm.t.Helper()
	tm.Do("send-keys", "-l", text)
}

// Enter types text and presses enter.
func (tm *Terminal) Enter(text string) {
	tm.t.Helper()
	tm.Write(text)
	tm.Keys("Enter")
}

// Resize changes the size of the window.
func (tm *Terminal) Resize(w, h string) {
	tm.t.Helper()
	tm.Do("resize-window", "-x", w, "-y", h)
}

// Sees waits until all texts are on the screen, and returns it.
func (tm *Terminal) Sees(texts ...string) string {
	tm.t.Helper()
	return tm.Until("shows "+strings.Join(texts, " and "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// SeesLine waits until text is at the beginning of a line: what was typed into
// a shell is echoed elsewhere.
func (tm *Terminal) SeesLine(text string) {
	tm.t.Helper()
	tm.Until("shows a line "+text, func(screen string) bool { return strings.Contains("\n"+screen, "\n"+text) })
}

// Until waits until the screen is as wanted, and returns it.
func (tm *Terminal) Until(want string, ok func(screen string) bool) string {
	tm.t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		screen := tm.Screen()
		if ok(screen) {
			return screen
		}
		select {
		case <-deadline:
			tm.t.Fatalf("the screen never %s:\n%s", want, screen)
		case <-tick.C:
		}
	}
}
