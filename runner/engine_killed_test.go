package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// An account all of whose processes were killed at once, as where a machine is
// short of memory or ends a user's session: Podman thinks that its boxes run.
func TestEveryProcessOfTheAccountKilled(t *testing.T) {
	s := newStore(t)
	s.serve(t, unix.LOCK_SH)
	s.runSleeper(t)
	s.killAll(t)
	if c, err := newChild(t.Context(), s.acct, s.opts, s.flags(), unix.LOCK_SH); err == nil {
		c.stop()
		t.Fatal("Podman starts as if nothing had been killed, so this test proves nothing")
	} else if !strings.Contains(err.Error(), "podman system migrate") {
		t.Fatalf("the error does not say what to do: %v", err)
	}
	if c, err := startChild(t.Context(), s.acct, s.opts, s.flags()); err == nil {
		c.stop()
	} else if s.acct.drop || !errors.Is(err, errNoNamespace) { // an ordinary user's containers are not ours to forget
		t.Error(err)
	}
	s.serve(t, unix.LOCK_EX)
	if running := s.podman(t, "ps", "--quiet"); running != "" {
		t.Errorf("what was killed still runs: %q", running)
	}
	s.runSleeper(t)
}

// ownStore is the engine's account with a home, and thus a store and a user
// namespace, of its own.
type ownStore struct {
	Engine
	pids []int // of every process that belongs to it
}

func newStore(t *testing.T) *ownStore {
	t.Helper()
	e := testEngine(t)
	dir, err := os.MkdirTemp(e.opts.RuntimeDir, "test-")
	if err != nil {
		t.Fatal(err)
	}
	s := new(ownStore)
	s.opts = Options{RuntimeDir: dir, Log: func(line string) { t.Log(line) }}
	s.acct = e.acct
	s.acct.home, s.acct.runtimeDir = filepath.Join(dir, "home"), filepath.Join(dir, "run")
	t.Cleanup(func() {
		s.killAll(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{s.acct.home, s.acct.runtimeDir} {
		if err := ownDir(d, 0o700, s.acct.uid, s.acct.gid); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// serve starts the service; with LOCK_EX whatever may have been killed.
func (s *ownStore) serve(t *testing.T, lock int) {
	t.Helper()
	c, err := newChild(t.Context(), s.acct, s.opts, s.flags(), lock)
	if err != nil {
		t.Fatal(err)
	}
	s.child = c
	s.podman(t, "ps") // makes the process that keeps the namespace, should there be none
	b, err := os.ReadFile(filepath.Join(s.acct.runtimeDir, "libpod/tmp/pause.pid"))
	if err != nil {
		t.Fatal(err)
	}
	s.own(t, string(b))
}

// runSleeper starts a container without an image.
func (s *ownStore) runSleeper(t *testing.T) {
	t.Helper()
	root, err := os.MkdirTemp(s.acct.home, "root-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(root, s.acct.uid, s.acct.gid); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	id := s.podman(t, "run", "--detach", "--network", "none", "--volume", "/usr:/usr:ro", "--rootfs", root, "/usr/bin/sleep", "1h")
	s.own(t, strings.Fields(s.podman(t, "inspect", "--format", "{{.State.Pid}} {{.State.ConmonPid}}", id))...)
}

func (s *ownStore) podman(t *testing.T, args ...string) string {
	t.Helper()
	cmd := s.acct.command(t.Context(), "podman", append(s.flags(), args...)...)
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podman %v: %v: %s", args, err, said)
	}
	return strings.TrimSpace(string(out))
}

func (s *ownStore) own(t *testing.T, pids ...string) {
	t.Helper()
	for _, text := range pids {
		pid, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		s.pids = append(s.pids, pid)
	}
}

// killAll ends all there is of a store: the service, what keeps the user
// namespace, containers and their monitors.
func (s *ownStore) killAll(t *testing.T) {
	t.Helper()
	var gone []func(*testing.T)
	for _, pid := range s.pids {
		gone = append(gone, watchEnd(t, pid))
	}
	for _, pid := range s.pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	for _, wait := range gone {
		wait(t)
	}
	s.pids = nil
	if s.child != nil {
		_ = syscall.Kill(-s.child.pid, syscall.SIGKILL) // and its second process, where there is one
		<-s.child.done
		s.child.stop()
		s.child = nil
	}
}
