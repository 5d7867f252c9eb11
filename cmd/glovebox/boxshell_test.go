package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tmux drives a terminal of 80×24 as a person does.
type tmux struct {
	h      *home
	socket string
}

func openTmux(t *testing.T, h *home) tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("SKIPPED: tmux is not installed, so nothing was driven in a terminal; `glovebox setup --for-tests` installs it")
	}
	h.set("TERM", "screen-256color")
	m := tmux{h, filepath.Join(h.dir, "tmux")}
	m.do("new-session", "-d", "-x", "80", "-y", "24", "env", "PS1=host> ", "sh")
	t.Cleanup(func() { m.do("kill-server") })
	m.waitFor("host>")
	return m
}

func (m tmux) do(args ...string) string {
	m.h.t.Helper()
	cmd := exec.CommandContext(context.Background(), "tmux", append([]string{"-u", "-f", "/dev/null", "-S", m.socket}, args...)...)
	cmd.Env, cmd.Dir = m.h.env, m.h.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.h.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (m tmux) enter(line string) {
	m.h.t.Helper()
	m.do("send-keys", "-l", line)
	m.do("send-keys", "Enter")
}

// waitFor waits until the screen shows text at the beginning of a line: what
// was typed is echoed elsewhere.
func (m tmux) waitFor(text string) {
	m.h.t.Helper()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(60*time.Second)
	defer tick.Stop()
	for {
		screen := m.do("capture-pane", "-p")
		if strings.Contains("\n"+screen, "\n"+text) {
			return
		}
		select {
		case <-deadline:
			m.h.t.Fatalf("the screen never showed %q:\n%s", text, screen)
		case <-tick.C:
		}
	}
}

func TestBoxShellInTerminal(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	m := openTmux(t, h)
	m.enter("stty -g >before; TERM=xterm-256color HOSTSECRET=leak " + h.bin + " box shell; echo left with $?; stty -g | cmp - before && echo terminal same")
	m.waitFor(`box:~$`)
	m.enter("clear; tty; stty size")
	m.waitFor("/dev/pts/")
	m.waitFor("24 80")
	m.enter(`clear; echo "[$TERM] [$HOSTSECRET] [$(id -u)] $(ls -A /work)"; echo done-$((6*7))`)
	m.waitFor("done-42")
	if screen := m.do("capture-pane", "-p"); !strings.Contains(screen, "[xterm-256color] [] [2") {
		t.Errorf("the environment in the box:\n%s", screen)
	}
	// A new size reaches the programs that run there.
	m.enter(`clear; trap 'echo; stty size' WINCH; echo waiting-$((6*7))`)
	m.waitFor("waiting-42")
	m.do("resize-window", "-x", "100", "-y", "30")
	m.do("send-keys", "Enter")
	m.waitFor("30 100")
	// ^C reaches the program in front, not the shell, not us.
	m.enter("trap - WINCH; clear; echo sleeping-$((6*7)); sleep 1000")
	m.waitFor("sleeping-42")
	m.do("send-keys", "C-c")
	m.enter("clear; echo still-$((6*7))")
	m.waitFor("still-42")
	// A full-screen program works and gives the screen back.
	m.enter("clear; seq 1 500 | less")
	m.waitFor("29\n:")
	m.do("send-keys", "G")
	m.waitFor("500")
	m.do("send-keys", "q")
	// One that dies in the alternate screen, cursor hidden, leaves no trace.
	m.enter(`clear; printf '\033]0;pwned\007\033]52;c;cHduZWQ=\007\033[?1049h\033[?25l\033[?1000h'; exit 9`)
	m.waitFor("left with 9")
	m.waitFor("terminal same")
	if got := strings.TrimSpace(m.do("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{pane_title}")); !strings.HasPrefix(got, "0 1 0 ") || strings.Contains(got, "pwned") {
		t.Errorf("the terminal was left with alternate screen, cursor, mouse, title: %s", got)
	}
	all := events(t, h.ok("replay", "--json", "last"))
	if ps := podman(t, "ps", "--all", "--format", "{{.Names}}"); strings.Contains(ps, boxOf(all)) {
		t.Errorf("left over: %s", ps)
	}
	if got := kinds(all); got != "session.started prompt box.created tool.call tool.result box.destroyed session.ended" {
		t.Errorf("events %s", got)
	}
}

// However a shell's box ends, the person's terminal is as it was.
func TestBoxShellGivesTheTerminalBack(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	m := openTmux(t, h)
	pid := func() int {
		data, err := os.ReadFile(filepath.Join(h.dir, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, end := range []struct {
		how  func() error
		code string
	}{
		{func() error { return syscall.Kill(pid(), syscall.SIGTERM) }, "130"},
		{func() error {
			for line := range strings.Lines(h.ok("box", "list", "--json")) {
				var b struct {
					ID       string `json:"id"`
					OwnerPID int    `json:"owner_pid"`
				}
				if err := json.Unmarshal([]byte(line), &b); err != nil {
					return err
				}
				if b.OwnerPID == pid() {
					podman(t, "kill", b.ID)
				}
			}
			return nil
		}, "7"},
	} {
		m.enter("clear; echo round " + end.code)
		m.waitFor("round " + end.code) // the prompt of the round before is gone
		m.enter("stty -g >before; sh -c 'echo $$ >pid; exec " + h.bin + " box shell'; echo left with $?; stty -g | cmp - before && echo terminal same")
		m.waitFor(`box:~$`)
		if err := end.how(); err != nil {
			t.Fatal(err)
		}
		m.waitFor("left with " + end.code)
		m.waitFor("terminal same")
	}
}
