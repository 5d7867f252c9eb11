package runner

import (
	"testing"
)

// openEngine opens an engine of its own for one test.
func openEngine(t *testing.T) *Engine {
	t.Helper()
	needPodman(t)
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
