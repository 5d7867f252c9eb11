package runner

import (
	"os/exec"
	"testing"
)

// openEngine opens an engine for one test, and skips the test where there can be none.
func openEngine(t *testing.T) *Engine {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("SKIPPED, AND WITH IT EVERYTHING ABOUT BOXES: podman is not installed; `glovebox setup` installs it")
	}
	e, err := Open(t.Context(), Options{StateDir: t.TempDir(), Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestEngineIsRootless(t *testing.T) {
	e := openEngine(t)
	if i := e.Info(); !i.Rootless || i.Version == "" || i.StorageDriver == "" {
		t.Errorf("Info() = %+v", i)
	}
	t.Logf("%+v", e.Info())
}
