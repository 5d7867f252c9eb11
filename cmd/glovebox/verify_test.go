package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// standard is a home whose sessions need a verified box.
func standard(t *testing.T) *home {
	needEngine(t)
	h := newHome(t)
	h.small("64MiB")
	return h
}

// small configures a box that is quickly used up.
func (h *home) small(memory string) {
	h.file("config.toml", "[data]\nrows = 50\n[box]\nmemory = \""+memory+"\"\ndisk = \"16MiB\"\n[network]\nproduction = [\"db.production.example.com\"]\n")
}

// lines decodes one object a line.
func lines(t *testing.T, out string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

// A session under standard needs a result, makes it once, and again when what
// it is about has changed. It is recorded, and so is the attacker's session.
func TestVerifyAndSessions(t *testing.T) {
	h := standard(t)
	const notice = "verifying that the box is closed: "
	if _, errOut, code := h.run("box", "run", "--", "true"); code != 0 || !strings.Contains(errOut, notice+"it has not been done yet") {
		t.Fatalf("first: exit %d: %s", code, errOut)
	}
	if _, errOut, code := h.run("box", "run", "--", "true"); code != 0 || strings.Contains(errOut, notice) {
		t.Errorf("second: exit %d: %s", code, errOut)
	}
	h.small("80MiB")
	if _, errOut, code := h.run("box", "run", "--", "true"); code != 0 || !strings.Contains(errOut, notice+"the policy has changed since") {
		t.Errorf("with other limits: exit %d: %s", code, errOut)
	}
	out := h.ok("verify", "--attack", "--json")
	all := lines(t, out)
	if len(all) < 50 {
		t.Errorf("%d results", len(all))
	}
	held := 0
	for _, v := range all {
		switch evidence := v["evidence"].(string); {
		case v["verdict"] == "PASS":
			held++
		case v["probe"] == "sysrq" && strings.Contains(evidence, "is here"): // a kernel without
		case v["probe"] == "processor" && strings.Contains(evidence, "the host is too busy to tell"):
		default:
			t.Errorf("%v", v)
		}
	}
	last := all[len(all)-1]
	if last["probe"] != "attacker" || !strings.Contains(last["evidence"].(string), "script:redteam did not get out") {
		t.Errorf("the attacker: %v", last)
	}
	history := lines(t, h.ok("verify", "--history", "--json"))
	if len(history) != 3 || history[0]["passed"].(float64) != float64(held-1) {
		t.Errorf("history: %v", history)
	}
	if replay := h.ok("replay", "--plain", history[0]["session"].(string)); strings.Count(replay, "PASS ") != held-1 || !strings.Contains(replay, "verified: ") {
		t.Errorf("the recording:\n%s", replay)
	}
	if replay := h.ok("replay", "--plain", "last"); !strings.Contains(replay, "script:redteam") || !strings.Contains(replay, "Carry out these three orders") {
		t.Errorf("the attacker's session:\n%s", replay)
	}
}

// Each layer is broken in the real code path: verify says FAIL and names it, a
// session is refused with exit code 5.
func TestSabotage(t *testing.T) {
	t.Parallel() // its log, its home and its boxes are its own
	h := standard(t)
	dir := t.TempDir()
	tags := "remote,containers_image_openpgp,exclude_graphdriver_btrfs,sabotage"
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-o", dir+"/", ".", "../glovebox-init")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.bin = filepath.Join(dir, "glovebox")
	for layer, probes := range map[string][]string{
		"network":    {"interfaces", "host-loopback", "abstract-socket"},
		"mount":      {"mounts"},
		"capability": {"privileges", "raw-socket"},
		"root":       {"read-only root", "writable-files"},
		"limits":     {"limits", "disk"},
		"teardown":   {"file-left"}, // the end of the port ends what runs, even so
	} {
		t.Run(layer, func(t *testing.T) {
			h.t = t
			env := h.env
			t.Cleanup(func() {
				h.env = env
				prune := exec.CommandContext(context.Background(), h.bin, "box", "prune") // what a box that was not destroyed left
				prune.Env = env
				if out, err := prune.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
			h.set("GLOVEBOX_SABOTAGE", layer)
			out, errOut, code := h.run("verify", "--json")
			if code != 1 || !strings.Contains(errOut, "not closed") {
				t.Errorf("verify: exit %d: %s", code, errOut)
			}
			var failed []string
			for _, v := range lines(t, out) {
				if v["verdict"] == "FAIL" {
					failed = append(failed, v["probe"].(string))
				}
			}
			for _, name := range probes {
				if !slices.Contains(failed, name) {
					t.Errorf("%s does not say FAIL; these do: %v", name, failed)
				}
			}
			script := h.file("idle.toml", "name = \"idle\"\n[[turn]]\ntext = \"nothing\"\n")
			_, errOut, code = h.run("run", "--model", "script:"+script, "hello")
			if code != exitSeal || !strings.Contains(errOut, probes[0]) {
				t.Errorf("run: exit %d, and it should name %s: %s", code, probes[0], errOut)
			}
		})
	}
}

// Where no systemd answers, a crontab line says how.
func TestVerifyTimer(t *testing.T) {
	h := newHome(t)
	h.set("XDG_RUNTIME_DIR", t.TempDir())
	h.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	out, errOut, code := h.run("verify", "--install-timer", "--every", "12h")
	if code != exitNo || !strings.HasPrefix(out, "17 */12 * * * ") || !strings.Contains(strings.ReplaceAll(out, "'", ""), "glovebox verify --db ") || !strings.Contains(errOut, "no timer was installed") || !strings.Contains(errOut, "crontab -e") {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
	if !strings.Contains(out, "GLOVEBOX_KEY="+filepath.Join(h.dir, "key")) { // cron knows nothing of this environment
		t.Errorf("the line would sign with another key: %s", out)
	}
	if entries, err := os.ReadDir(filepath.Join(h.dir, "systemd")); err == nil {
		t.Errorf("files were written: %v", entries)
	}
	if out, errOut, code := h.run("verify", "--junit", "/nonexistent/v.xml"); code != exitUsage || out != "" || !strings.Contains(errOut, "try: another file") {
		t.Errorf("--junit: exit %d: %s%s", code, out, errOut)
	}
	odd := filepath.Join(t.TempDir(), "a\n* * * * * touch b #")
	if err := os.WriteFile(odd, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut, code := h.run("verify", "--install-timer", "--config", odd); code != exitUsage || out != "" {
		t.Errorf("a line of somebody's: exit %d: %s%s", code, out, errOut)
	}
	if _, errOut, code := h.run("verify", "--every", "5s"); code != exitUsage || !strings.Contains(errOut, "too often") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
