package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The first signal to stop ends the work in an orderly way: nothing half-done
// is left, and the exit code says so.
func TestASignalStopsTheWork(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		var errOut bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "glovebox", "data", "generate", "shop", "--rows", "50000000", "-o", "big.db")
		cmd.Dir, cmd.Stderr = dir, &errOut
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(5 * time.Millisecond)
		for begun := []string(nil); len(begun) == 0; <-tick.C {
			begun, _ = filepath.Glob(filepath.Join(dir, ".glovebox-*", "dataset.db"))
		}
		tick.Stop()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() //nolint:errcheck // its exit code is looked at below
		left, err := os.ReadDir(dir)
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.HasSuffix(errOut.String(), "glovebox: interrupted\n") || len(left) > 0 || err != nil {
			t.Errorf("%v: exit code %d, said %q, left %v (%v)", sig, code, errOut.String(), left, err)
		}
	}
}

// Whoever reads our output may stop reading: that is no error.
func TestAClosedPipeIsNoError(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "glovebox", "version")
	cmd.Stdout, cmd.Stderr = w, &errOut
	if err := cmd.Run(); err != nil || errOut.Len() > 0 {
		t.Errorf("%v, said %q", err, errOut.String())
	}
}
