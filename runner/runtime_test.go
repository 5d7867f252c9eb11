package runner

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glovebox/runner/port"
)

// impostor is a program by that name, in a directory that the account can
// reach, which is really this machine's ordinary runtime. It leaves out the
// flags that are not for it.
func impostor(t *testing.T, name string) string {
	t.Helper()
	real, err := exec.LookPath(testEngine(t).Info().Runtime)
	if err != nil {
		t.Skip("the engine's runtime is not on this machine: ", err)
	}
	dir, err := os.MkdirTemp("", "glovebox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	script := fmt.Sprintf("#!/bin/sh\nfor a; do shift; case $a in --ignore-cgroups|--network=none|--oci-seccomp) ;; *) set -- \"$@\" \"$a\";; esac; done\nexec %s \"$@\"\n", real)
	path := filepath.Join(dir, name)
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, []byte(script), 0o600), os.Chmod(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// ownKernelEngine opens an engine whose boxes must have kernels of their own.
func ownKernelEngine(t *testing.T, runtime string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), Options{StateDir: t.TempDir(), Runtime: runtime, OwnKernel: true, InitPath: testEngine(t).opts.InitPath})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// A name is no proof, whoever asks for it and for whatever reason.
func TestARenamedRuntimeIsRefused(t *testing.T) {
	if os.Getenv("CONTAINER_HOST") != "" {
		t.Skip("CONTAINER_HOST is set")
	}
	image := testImage(t)
	for _, name := range []string{"runsc", "krun", "kata-runtime"} {
		t.Run(name, func(t *testing.T) {
			path := impostor(t, name)
			e := ownKernelEngine(t, path)
			e.opts.OwnKernel = name == "krun" // makes no difference to the box
			session := "impostor " + name
			b, err := e.NewBox(t.Context(), BoxOptions{Image: image, Session: session})
			if err == nil {
				b.Close(context.Background())
				t.Fatalf("sealed: %+v", b.Info().Seal)
			}
			for _, want := range []string{"tried " + path, "this machine's own kernel", "gvisor.dev", `rigor = "standard"`} {
				if !errors.Is(err, ErrNoSeal) || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q in it", err, want)
				}
			}
			boxes, err := e.Boxes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, box := range boxes {
				if box.Session == session && box.Owner == e.owner {
					t.Errorf("left: %+v", box)
				}
			}
		})
	}
}

// Kernels as they say they are, and why they do not pass.
func TestKernelProof(t *testing.T) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	const other, log = "00000000-0000-4000-8000-000000000000", "[    0.000000] Starting gVisor..."
	for name, tt := range map[string]struct {
		runtime int
		kernel  port.Kernel
		want    string // "": proven
	}{
		"gVisor":                  {0, port.Kernel{Release: "4.19.0-gvisor", BootID: other, UpMS: 90, Log: log}, ""},
		"an old gVisor":           {0, port.Kernel{Release: "4.4.0", UpMS: 90, Log: log}, ""},
		"a machine":               {1, port.Kernel{Release: "6.6.0", BootID: other, UpMS: 400}, ""},
		"the host's":              {0, port.Kernel{Release: "6.6.0", BootID: strings.TrimSpace(string(boot)), UpMS: 90, Log: log}, "own kernel"},
		"a boot id bound over":    {1, port.Kernel{Release: "6.6.0", BootID: other, UpMS: 3_600_000}, "was there before the box"},
		"a machine as gVisor":     {0, port.Kernel{Release: "6.6.0", BootID: other, UpMS: 400, Log: "[    0.000000] Linux version 6.6.0"}, "kernel log"},
		"gVisor said by a banner": {0, port.Kernel{Release: "6.6.0", BootID: other, UpMS: 400, Log: "Starting gVisor"}, "kernel log"},
		"silence":                 {0, port.Kernel{}, "was there before"},
		"a machine without boot":  {1, port.Kernel{Release: "6.6.0", UpMS: 400}, "which boot"},
	} {
		r := foundRuntime{&strongRuntimes[tt.runtime], "/usr/bin/x"}
		proof, err := r.prove(tt.kernel, time.Second)
		if tt.want == "" && (err != nil || proof.Verdict != port.Pass) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %+v, %v, want %q", name, proof, err, tt.want)
		}
	}
}

// Where there is none, no box is made and nothing started.
func TestWithoutAStrongRuntime(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for want, o := range map[string]Options{
		"none is installed":              {OwnKernel: true},
		`box.runtime is "runc"`:          {OwnKernel: true, Runtime: "runc"},
		`box.runtime is "runsc"`:         {Runtime: "runsc"},
		`box.runtime is "/nowhere/krun"`: {Runtime: "/nowhere/krun"},
	} {
		if _, err := chooseRuntime(o); !errors.Is(err, ErrNoSeal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	if r, err := chooseRuntime(Options{Runtime: "crun"}); err != nil || r.strongRuntime != nil {
		t.Errorf("an ordinary runtime: %+v, %v", r, err)
	}
	t.Setenv("CONTAINER_HOST", "unix:///nowhere.sock")
	e := &Engine{strong: foundRuntime{&strongRuntimes[0], "/usr/bin/runsc"}}
	if err := e.connect(t.Context(), t.Context()); !errors.Is(err, ErrNoSeal) || !strings.Contains(err.Error(), "Unset it") {
		t.Errorf("CONTAINER_HOST: %v", err)
	}
}

// needGVisor returns where runsc is, or skips.
func needGVisor(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("GLOVEBOX_TEST_RUNSC"), "runsc"))
	if err != nil {
		t.Skip("SKIPPED, AND WITH IT BOXES ON GVISOR: runsc is not installed, nor does GLOVEBOX_TEST_RUNSC name it; CGO_ENABLED=0 go install gvisor.dev/gvisor/runsc@v0.0.0-20260905035102-160fafc42237 makes it")
	}
	return path
}

// All that a box is for works on gVisor too, rootless. The rest of this
// package's tests run there with GLOVEBOX_TEST_RUNTIME=runsc; docs/isolation.md
// says which differ.
func TestGVisor(t *testing.T) {
	runtime := needGVisor(t)
	image := testImage(t)
	e := ownKernelEngine(t, runtime)
	pool := e.NewPool(t.Context(), BoxOptions{Image: image, Memory: 128 * mib, Disk: 16 * mib, RequireLimits: true}, 1)
	b, err := pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var proven string
	for _, p := range b.Info().Seal {
		if p.Probe == "own kernel" {
			proven = p.Evidence
		}
	}
	if !strings.HasPrefix(proven, "gVisor, Linux ") {
		t.Errorf("seal: %+v", b.Info().Seal)
	}
	for _, tt := range []struct{ script, want string }{
		{"head -c 13 /proc/version", "Linux version"},
		{"echo out; echo err >&2; exit 3", "out\n"},
		{"head -c 20M /dev/zero >/work/x; stat -c %s /work/x; rm /work/x", fmt.Sprintln(16 * mib)},
		{"python3 -c 'import threading; t = threading.Thread(target=print, args=[1]); t.start(); t.join()'", "1\n"},
	} {
		if r := sh(t, b, tt.script); string(r.Stdout) != tt.want {
			t.Errorf("%s: want %q, got %v", tt.script, tt.want, r)
		}
	}
	hog := Command{Argv: []string{"python3", "-c", "x = []\nwhile True: x.append(bytearray(1 << 20))"}, Timeout: patience}
	if r, err := b.Exec(t.Context(), hog); err != nil || !r.OverMem {
		t.Errorf("memory: %v, %v", r, err)
	}
	if _, err := b.Put(t.Context(), "/work/dir/file", 0o640, strings.NewReader("content")); err != nil {
		t.Error(err)
	}
	var got bytes.Buffer
	if _, err := b.Get(t.Context(), "/work/dir/file", 0, 0, &got); err != nil || got.String() != "content" {
		t.Errorf("%q, %v", &got, err)
	}
	if r, err := b.Exec(t.Context(), Command{Argv: []string{"sleep", "60"}, Timeout: 100 * time.Millisecond}); err != nil || !r.TimedOut {
		t.Errorf("a deadline: %v, %v", r, err)
	}
	id := b.Info().Container
	if len(processesNaming(t, id)) == 0 {
		t.Error("no process of this machine names the box, so this test proves nothing")
	}
	if err := errors.Join(b.Close(context.Background()), pool.Close(context.Background())); err != nil {
		t.Error(err)
	}
	if left := processesNaming(t, id); len(left) > 0 {
		t.Errorf("left of the box: %q", left)
	}
}

// processesNaming are the command lines of this machine that contain a word.
func processesNaming(t *testing.T, word string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		line, _ := os.ReadFile(file) // it may have ended
		if bytes.Contains(line, []byte(word)) {
			found = append(found, string(line))
		}
	}
	return found
}
