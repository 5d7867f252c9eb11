package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/adrg/xdg"
)

// timerEvery is how often an installed timer verifies, if nothing else is said.
const timerEvery = 6 * time.Hour

// installTimer writes a systemd user timer that runs `glovebox verify`, and
// starts it; where no user systemd answers it prints a line for crontab(5), and
// the answer is no.
func (a *app) installTimer(ctx context.Context, every time.Duration) error {
	if every == 0 {
		every = timerEvery
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	// Neither cron nor systemd knows this shell's environment: what is in it
	// decides where the log's key and the configuration are.
	words := []string{"/usr/bin/env", "GLOVEBOX_KEY=" + keyPath()}
	for _, name := range []string{"GLOVEBOX_CONFIG", "GLOVEBOX_RIGOR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CONTAINER_HOST"} {
		if value := os.Getenv(name); value != "" {
			words = append(words, name+"="+value)
		}
	}
	words = append(words, program, "verify")
	db, _ := a.dbPath()
	for _, f := range [][2]string{{"--db", db}, {"--config", a.flags.config}, {"--rigor", a.flags.rigor}} {
		if value := f[1]; value != "" {
			if f[0] != "--rigor" {
				if value, err = filepath.Abs(value); err != nil {
					return err
				}
			}
			words = append(words, f[0], value)
		}
	}
	here, err := os.Getwd() // its glovebox.toml counts
	if err != nil {
		return err
	}
	for _, w := range append(words[:len(words):len(words)], here) {
		if !utf8.ValidString(w) || strings.ContainsFunc(w, unicode.IsControl) || strings.HasSuffix(w, `\`) || w != strings.TrimSpace(w) {
			return usageError(fmt.Sprintf("%q cannot stand in one line of a timer", w), "a directory with a plainer name")
		}
	}
	if userSystemd(ctx) {
		return a.systemdTimer(ctx, words, here, every)
	}
	hours := max(1, int(every.Hours()))
	when := fmt.Sprintf("17 */%d * * *", hours)
	if hours >= 24 {
		when = "17 4 * * *"
	}
	if _, err = fmt.Fprintln(a.out, when, strings.ReplaceAll("cd "+commandLine([]string{here})+" && "+commandLine(words), "%", `\%`)); err != nil {
		return err
	}
	return &exitError{code: exitNo, msg: "no timer was installed: no systemd user session answers here", hint: "crontab -e; the line above does the same"}
}

// userSystemd reports whether a systemd of this user answers.
func userSystemd(ctx context.Context) bool {
	_, err := exec.LookPath("systemctl")
	return err == nil && exec.CommandContext(ctx, "systemctl", "--user", "show-environment").Run() == nil
}

// unit is the name of the timer and of its service.
const unit = "glovebox-verify"

func unitDir() string { return filepath.Join(xdg.ConfigHome, "systemd", "user") }

func (a *app) systemdTimer(ctx context.Context, words []string, here string, every time.Duration) error {
	for i, w := range words {
		// systemd.service(5): C-style quotes, % and $ doubled.
		words[i] = strings.NewReplacer("%", "%%", "$", "$$").Replace(strconv.Quote(w))
	}
	if err := os.MkdirAll(unitDir(), 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{
		// 1 says that the box is not closed, which is a result, and the unit's failure to be seen.
		unit + ".service": "[Unit]\nDescription=glovebox verify: is the box really closed?\n\n[Service]\nType=oneshot\nNice=10\n" +
			"WorkingDirectory=" + strings.ReplaceAll(here, "%", "%%") + "\nExecStart=" + strings.Join(words, " ") + "\n",
		unit + ".timer": fmt.Sprintf("[Unit]\nDescription=glovebox verify, on a schedule\n\n[Timer]\nOnActiveSec=15min\nOnUnitActiveSec=%ds\nRandomizedDelaySec=5min\n\n[Install]\nWantedBy=timers.target\n",
			int(every.Seconds())),
	} {
		if err := os.WriteFile(filepath.Join(unitDir(), name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	// Restarted, for one that was there already may have had another interval.
	for _, args := range [][]string{{"daemon-reload"}, {"enable", unit + ".timer"}, {"restart", unit + ".timer"}} {
		if err := systemctl(ctx, args...); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.out, "verifying every %s from now on, while you are logged in (always: loginctl enable-linger)\nresults: glovebox verify --history; one that says no: systemctl --user --failed\nstop: glovebox verify --uninstall-timer\n", every)
	return err
}

func systemctl(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "systemctl", append([]string{"--user"}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl --user %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// uninstallTimer takes away what installTimer wrote. What is not there is fine.
func (a *app) uninstallTimer(ctx context.Context) error {
	answers := userSystemd(ctx)
	timer := filepath.Join(unitDir(), unit+".timer")
	_, err := os.Stat(timer)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(a.errOut, "no timer is installed; a line in a crontab is yours to take out: crontab -e")
		return nil
	}
	if err != nil {
		return err
	}
	if answers {
		if err := systemctl(ctx, "disable", "--now", unit+".timer"); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Remove(timer), os.Remove(filepath.Join(unitDir(), unit+".service"))); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if answers {
		if err := systemctl(ctx, "daemon-reload"); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.out, "the timer is gone; the results stay: glovebox verify --history")
	return err
}
