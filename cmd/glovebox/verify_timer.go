package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/adrg/xdg"
)

// timerEvery is how often an installed timer verifies, if nothing else is said.
const timerEvery = 6 * time.Hour

// installTimer writes a systemd user timer that runs `glovebox verify`, and
// starts it; where no user systemd answers it prints a line for crontab(5).
func (a *app) installTimer(ctx context.Context, every time.Duration) error {
	if every == 0 {
		every = timerEvery
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	words := []string{program, "verify"}
	if path, chosen := a.dbPath(); chosen {
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		words = append(words, "--db", path)
	}
	if _, err := exec.LookPath("systemctl"); err == nil && exec.CommandContext(ctx, "systemctl", "--user", "show-environment").Run() == nil {
		return a.systemdTimer(ctx, words, every)
	}
	hours := max(1, int(every.Hours()))
	fmt.Fprintln(a.errOut, "no systemd user session answers here; this line for `crontab -e` does the same:")
	when := fmt.Sprintf("17 */%d * * *", hours)
	if hours >= 24 {
		when = "17 4 * * *"
	}
	_, err = fmt.Fprintln(a.out, when, strings.ReplaceAll(commandLine(words), "%", `\%`))
	return err
}

func (a *app) systemdTimer(ctx context.Context, words []string, every time.Duration) error {
	for i, w := range words {
		// systemd.service(5): C-style quotes, % and $ doubled.
		words[i] = strings.NewReplacer("%", "%%", "$", "$$").Replace(strconv.Quote(w))
	}
	dir := filepath.Join(xdg.ConfigHome, "systemd", "user")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"glovebox-verify.service": "[Unit]\nDescription=glovebox verify: is the box really closed?\n\n[Service]\nType=oneshot\nNice=10\nExecStart=" + strings.Join(words, " ") + "\n",
		"glovebox-verify.timer": fmt.Sprintf("[Unit]\nDescription=glovebox verify, on a schedule\n\n[Timer]\nOnBootSec=15min\nOnUnitActiveSec=%ds\nRandomizedDelaySec=5min\n\n[Install]\nWantedBy=timers.target\n",
			int(every.Seconds())),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", "--now", "glovebox-verify.timer"}} {
		if out, err := exec.CommandContext(ctx, "systemctl", append([]string{"--user"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("systemctl --user %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	_, err := fmt.Fprintf(a.out, "verifying every %s from now on; results: glovebox verify --history\nstop: systemctl --user disable --now glovebox-verify.timer\n", every)
	return err
}
