package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runtimeScript makes a runtime by that name where Podman's account can start
// it: a shell script that ends in the ordinary runtime.
func runtimeScript(t *testing.T, name, script string) string {
	t.Helper()
	real, err := exec.LookPath("runc")
	if err != nil {
		t.Skip("runc is not installed: ", err)
	}
	dir, err := os.MkdirTemp("", "glovebox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\nexec "+real+" \"$@\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{dir, path} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func (h *home) withRuntime(path string) {
	h.set("GLOVEBOX_CONFIG", h.file("runtime.toml", fmt.Sprintf("[data]\nrows = 50\n[box]\nruntime = %q\n", path)))
}

// refused runs a command that must end with exit code 5, in one clear line that
// has these words, and without a result.
func (h *home) refused(words []string, args ...string) {
	h.t.Helper()
	out, errOut, got := h.run(args...)
	if notice, rest, ok := strings.Cut(errOut, "\n"); ok && strings.HasPrefix(notice, "verifying that") {
		errOut = rest
	}
	if got != exitSeal || out != "" || !oneClearLine.MatchString(errOut) {
		h.t.Errorf("glovebox %v: exit %d, want %d; %q, %q", args, got, exitSeal, out, errOut)
	}
	for _, word := range words {
		if !strings.Contains(errOut, word) {
			h.t.Errorf("glovebox %v: %q is not in %q", args, word, errOut)
		}
	}
}

// Strict is a stronger runtime or nothing.
func TestStrictIsRefused(t *testing.T) {
	needEngine(t)
	run := []string{"--rigor", "strict", "box", "run", "--", "echo", "ran"}
	t.Run("no runtime", func(t *testing.T) {
		h := newHome(t)
		h.set("PATH", t.TempDir())
		h.refused([]string{"runsc (gVisor), krun and kata, and none is installed", "Install gVisor", `rigor = "standard"`, "try: glovebox doctor"}, run...)
	})
	t.Run("an ordinary one", func(t *testing.T) {
		h := newHome(t)
		h.withRuntime("runc")
		h.refused([]string{`box.runtime is "runc", whose boxes share the host's kernel`}, run...)
	})
	t.Run("an ordinary one by another name", func(t *testing.T) {
		h := newHome(t)
		h.withRuntime(runtimeScript(t, "krun", ""))
		for _, rigor := range []string{"strict", "quick"} { // a name that lies is refused whatever was asked for
			run[1] = rigor
			h.refused([]string{"the box runs on this machine's own kernel", "krun"}, run...)
		}
	})
}

// Where gVisor is, strict is what it says.
func TestStrict(t *testing.T) {
	needEngine(t)
	runsc, err := exec.LookPath(cmp.Or(os.Getenv("GLOVEBOX_TEST_RUNSC"), "runsc"))
	if err != nil {
		t.Skip("SKIPPED, AND WITH IT rigor strict: runsc is not installed, nor does GLOVEBOX_TEST_RUNSC name it")
	}
	h := newHome(t)
	h.withRuntime(runsc)
	if out := h.ok("--rigor", "strict", "box", "run", "--data", "shop", "--", "sh", "-c", "head -c 13 /proc/version; echo; sqlite3 /data/shop.db 'SELECT count(*) > 0 FROM orders'"); out != "Linux version\n1\n" {
		t.Errorf("%q", out)
	}
	log := h.ok("--plain", "replay", "last")
	// A model asks for everything, and nobody is there to answer.
	ask := h.file("ask.toml", "name = 'ask'\n[[turn]]\n[[turn.call]]\ntool = 'shell'\nargs = { command = 'true' }\n[[turn]]\ntext = 'as expected'\n[[turn.expect]]\ncall = 1\ncontains = ['error: ']\n")
	h.ok("--rigor", "strict", "--model", "script:"+ask, "run", "hello")
	if !strings.Contains(log, "rigor strict") {
		t.Error(log)
	}
	if out := h.ok("--json", "replay", "last"); !strings.Contains(out, `"probe":"own kernel","layer":"execution","verdict":"PASS"`) {
		t.Error(out)
	}
}

// Quick does without a limit that nothing enforces, and says so; standard and
// strict do not. The runtime here leaves out the sizes of the writable places.
func TestQuickGoesWithoutALimit(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.withRuntime(runtimeScript(t, "loose", `bundle=
for a in "$@"; do
  test "$bundle" = next && bundle=$a
  test "$a" = --bundle && bundle=next
done
test -n "$bundle" && sed -i 's/"size=[0-9]*",//g' "$bundle/config.json"`))
	h.refused([]string{"is not enforced", `rigor = "quick"`}, "box", "run", "--", "echo", "ran")
	out, errOut, code := h.run("--rigor", "quick", "box", "run", "--", "echo", "ran")
	if code != 0 || out != "ran\n" || !strings.Contains(errOut, `nothing enforces the limit "/work" in this box`) {
		t.Errorf("quick: exit %d, %q, %q", code, out, errOut)
	}
	if log := h.ok("--plain", "replay", "last"); !strings.Contains(log, "/work NOT ENFORCED") {
		t.Error(log)
	}
}
