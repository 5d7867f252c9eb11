package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience bounds the wait for what should happen by itself. Only a failing
// test uses it up; a machine without hardware of its own takes its time.
const patience = 5 * time.Minute

// shared is what the tests of boxes have in common: one engine and one image
// with the real init, made when the first test asks for them.
var shared struct {
	sync.Mutex
	dir    string
	engine *Engine
	image  *Image
}

func TestMain(m *testing.M) {
	if os.Getenv("GLOVEBOX_TEST_HOLD_ENGINE") != "" {
		holdEngine()
		return
	}
	code := m.Run()
	if shared.engine != nil {
		if err := shared.engine.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "closing the shared engine:", err)
			code = max(code, 1)
		}
	}
	os.RemoveAll(shared.dir)
	os.Exit(code)
}

// needPodman skips a test where there is none, loudly.
func needPodman(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("SKIPPED, AND WITH IT EVERYTHING ABOUT BOXES: podman is not installed; `glovebox setup` installs it")
	}
}

// testEngine is an engine that lives as long as the test binary.
func testEngine(t testing.TB) *Engine {
	t.Helper()
	needPodman(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.engine == nil {
		dir, err := os.MkdirTemp("", "glovebox-test-")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		init := filepath.Join(dir, "glovebox-init")
		buildInit(t, init)
		// Not the test's context: the engine outlives it.
		shared.engine, err = Open(context.Background(), Options{StateDir: dir, InitPath: init, Runtime: os.Getenv("GLOVEBOX_TEST_RUNTIME")})
		if err != nil {
			t.Fatal(err)
		}
	}
	return shared.engine
}

// testImage is the prepared image "auto" with the init of this checkout.
func testImage(t testing.TB) Image {
	t.Helper()
	e := testEngine(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.image == nil {
		img, err := e.Image(context.Background(), autoRef, func(p Progress) { t.Log(p.Step) })
		if err != nil {
			t.Fatal(err)
		}
		shared.image = &img
	}
	return *shared.image
}

// buildInit builds the real glovebox-init.
func buildInit(t testing.TB, path string) {
	t.Helper()
	build(t, path, "../cmd/glovebox-init")
}

// build makes a static program of the package in dir; in a machine without Go
// it takes the one that is ready in GLOVEBOX_TEST_BIN.
func build(t testing.TB, path, dir string) {
	t.Helper()
	if ready := os.Getenv("GLOVEBOX_TEST_BIN"); ready != "" {
		if err := os.Symlink(filepath.Join(ready, filepath.Base(dir)), path); err != nil {
			t.Fatal(err)
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, dir)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", dir, err, out)
	}
}
