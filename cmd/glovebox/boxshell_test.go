package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"glovebox/tui/tmuxtest"
)

// openTmux opens a terminal at home.
func openTmux(t *testing.T, h *home) *tmuxtest.Terminal {
	t.Helper()
	return tmuxtest.Open(t, h.dir, h.env)
}

func TestBoxShellInTerminal(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	m := openTmux(t, h)
	m.Enter("stty -g >before; TERM=xterm-256color HOSTSECRET=leak " + h.bin + " box shell; echo left with $?; stty -g | cmp - before && echo terminal same")
	m.SeesLine(`box:~$`)
	m.Enter("clear; tty; stty size")
	m.SeesLine("/dev/pts/")
	m.SeesLine("24 80")
	m.Enter(`clear; echo "[$TERM] [$HOSTSECRET] [$(id -u)] $(ls -A /work)"; echo done-$((6*7))`)
	m.SeesLine("done-42")
	if screen := m.Screen(); !strings.Contains(screen, "[xterm-256color] [] [2") {
		t.Errorf("the environment in the box:\n%s", screen)
	}
	// A new size reaches the programs that run there.
	m.Enter(`clear; trap 'echo; stty size' WINCH; echo waiting-$((6*7))`)
	m.SeesLine("waiting-42")
	m.Resize("100", "30")
	press(m, "Enter", "\n30 100") // the shell may hear of it only after the key
	// ^C reaches the program in front, not the shell, not us.
	m.Enter("trap - WINCH; clear; echo sleeping-$((6*7)); sleep 1000")
	m.SeesLine("sleeping-42")
	m.Keys("C-c")
	m.Enter("clear; echo still-$((6*7))")
	m.SeesLine("still-42")
	// A full-screen program works and gives the screen back.
	m.Enter("clear; seq 1 500 | less")
	m.SeesLine("29\n:")
	m.Keys("G")
	m.SeesLine("500")
	m.Keys("q")
	// One that dies in the alternate screen, cursor hidden, leaves no trace.
	m.Enter(`clear; printf '\033]0;pwned\007\033]52;c;cHduZWQ=\007\033[?1049h\033[?25l\033[?1000h'; exit 9`)
	m.SeesLine("left with 9")
	m.SeesLine("terminal same")
	if got := strings.TrimSpace(m.Do("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{pane_title}")); !strings.HasPrefix(got, "0 1 0 ") || strings.Contains(got, "pwned") {
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
		m.Enter("clear; echo round " + end.code)
		m.SeesLine("round " + end.code) // the prompt of the round before is gone
		m.Enter("stty -g >before; sh -c 'echo $$ >pid; exec " + h.bin + " box shell'; echo left with $?; stty -g | cmp - before && echo terminal same")
		m.SeesLine(`box:~$`)
		if err := end.how(); err != nil {
			t.Fatal(err)
		}
		m.SeesLine("left with " + end.code)
		m.SeesLine("terminal same")
	}
}
