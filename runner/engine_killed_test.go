package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"glovebox/runner/probe"
)

// An account all of whose processes were killed at once, as where a machine is
// short of memory or ends a user's session: Podman thinks that its boxes run.
// What kept its user namespace may have a number that is another's by now.
func TestEveryProcessOfTheAccountKilled(t *testing.T) {
	for name, tt := range map[string]struct {
		keeper []string // what has the number
		begun  bool     // Podman had only begun
		want   error
	}{
		"all of them":           {nil, false, errNoNamespace},
		"one has the number":    {[]string{"sleep", "1h"}, false, errNoKeeper},
		"and another namespace": {[]string{"unshare", "--user", "sleep", "1h"}, false, errNoKeeper},
		"at the first start":    {nil, true, errNoKeeper},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.serve(t, unix.LOCK_SH)
			s.runSleeper(t)
			s.killAll(t)
			if tt.keeper != nil {
				s.mistake(t, tt.keeper)
			}
			if tt.begun {
				if err := s.acct.forget(errNoNamespace.file); err != nil {
					t.Fatal(err)
				}
			}
			if c, err := newChild(t.Context(), s.acct, s.opts, s.flags(), unix.LOCK_SH); err == nil {
				c.stop()
				if errors.Is(tt.want, errNoKeeper) {
					t.Skip("this Podman makes no such mistake")
				}
				t.Fatal("Podman starts as if nothing had been killed, so this test proves nothing")
			} else if !errors.Is(err, tt.want) {
				t.Fatalf("it says %v, want %v", err, tt.want)
			}
			if c, err := startChild(t.Context(), s.acct, s.opts, s.flags()); err == nil {
				c.stop()
			} else if s.acct.drop || !errors.Is(err, tt.want) { // an ordinary user's containers are not ours to forget
				t.Error(err)
			}
			s.serve(t, unix.LOCK_EX)
			if running := s.podman(t, "ps", "--quiet"); running != "" {
				t.Errorf("what was killed still runs: %q", running)
			}
			s.runSleeper(t)
		})
	}
}

// A store of which Podman had not yet noted down the driver is not made another
// one, in which no box would be closed.
func TestStoreOnlyBegun(t *testing.T) {
	s := newStore(t)
	if !s.acct.drop {
		t.Skip("an ordinary user's Podman is configured by its user")
	}
	s.serve(t, unix.LOCK_SH)
	s.killAll(t)
	store := filepath.Join(s.acct.home, ".local/share/containers/storage")
	for _, notes := range []string{"libpod/bolt_state.db", "db.sql"} { // of Podman 4, and of 5
		if err := os.Remove(filepath.Join(store, notes)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	s.serve(t, unix.LOCK_EX)
	if driver := s.podman(t, "info", "--format", "{{.Store.GraphDriverName}}"); driver != "overlay" {
		t.Errorf("the storage driver is %s", driver)
	}
	if err := os.Mkdir(filepath.Join(store, "vfs-images"), 0o700); err != nil {
		t.Fatal(err)
	}
	if flags := s.flags(); slices.Contains(flags, "--storage-driver") {
		t.Errorf("a store with a driver of its own is asked for another one: %q", flags)
	}
}

// While boxes run no more than the mistake is forgotten.
func TestKeeperKilled(t *testing.T) {
	s := newStore(t)
	s.serve(t, unix.LOCK_SH)
	keeper := s.pids[0]
	id := s.runSleeper(t)
	s.child.stop()
	gone := watchEnd(t, keeper)
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t)
	s.pids = s.pids[1:]
	s.mistake(t, []string{"sleep", "1h"})
	s.serve(t, unix.LOCK_EX)
	if running := s.podman(t, "ps", "--quiet", "--no-trunc"); running != id {
		t.Errorf("%q runs, want %q", running, id)
	}
	s.podman(t, "kill", "--signal", "CONT", id)
}

// A service that had to make its user namespace is two processes, of which the
// second must not outlive the first, however that ends.
func TestNothingOfAServiceIsLeft(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *ownStore){
		"stopped": func(_ *testing.T, s *ownStore) { s.child.stop() },
		"its owner killed": func(t *testing.T, s *ownStore) { // which the kernel tells its first process
			if err := syscall.Kill(s.child.pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-s.child.done
			b, err := json.Marshal(childRecord{Owner: deadOwner(t)})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.child.record, b, 0o600); err != nil {
				t.Fatal(err)
			}
			sweepChildren(s.opts.RuntimeDir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.serve(t, unix.LOCK_SH)
			var gone []func(*testing.T)
			for _, pid := range serving(s.child.dir) {
				gone = append(gone, watchEnd(t, pid))
			}
			if len(gone) < 2 {
				t.Fatalf("the service is %d process, so this test proves nothing", len(gone))
			}
			end(t, s)
			for _, wait := range gone {
				wait(t)
			}
			s.child = nil
		})
	}
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
	// Containers have locks, 2048 at most, that are the account's, in whatever store.
	t.Cleanup(func() {
		s.killAll(t)
		if err := errors.Join(s.acct.forget(errNoNamespace.file), s.acct.forget(errNoKeeper.file)); err != nil {
			t.Error(err)
		}
		s.podman(t, "rm", "--all", "--force")
		s.ownKeeper(t)
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
	s.ownKeeper(t)
}

func (s *ownStore) ownKeeper(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.acct.runtimeDir, "libpod/tmp/pause.pid"))
	if err != nil {
		t.Fatal(err)
	}
	s.own(t, string(b))
}

// mistake gives the number of what kept the user namespace to another process.
func (s *ownStore) mistake(t *testing.T, argv []string) {
	t.Helper()
	other := s.acct.command(context.Background(), argv[0], argv[1:]...)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		other.Process.Kill() //nolint:errcheck // it has not been waited for
		other.Wait()         //nolint:errcheck // killed
	})
	await(t, func() bool { // it is what it shall be
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", other.Process.Pid))
		return err == nil && string(comm) == "sleep\n"
	}, &tail{})
	note := filepath.Join(s.acct.runtimeDir, errNoKeeper.file)
	if err := os.WriteFile(note, []byte(strconv.Itoa(other.Process.Pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(note, s.acct.uid, s.acct.gid); err != nil {
		t.Fatal(err)
	}
}

// runSleeper starts a container without an image.
func (s *ownStore) runSleeper(t *testing.T) (id string) {
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
	id = s.podman(t, "run", "--detach", "--network", "none", "--volume", "/usr:/usr:ro", "--rootfs", root, "/usr/bin/sleep", "1h")
	// conmon first: it starts a Podman when its container has ended.
	s.own(t, strings.Fields(s.podman(t, "inspect", "--format", "{{.State.ConmonPid}} {{.State.Pid}}", id))...)
	return id
}

func (s *ownStore) podman(t *testing.T, args ...string) string {
	t.Helper()
	cmd := s.acct.command(context.WithoutCancel(t.Context()), "podman", append(s.flags(), args...)...)
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

// What a process says of itself has no end but its own, and a box's may be one
// that other programs of the account look at: here 256 MiB.
func TestCommandLineWithoutEnd(t *testing.T) {
	e := testEngine(t)
	b, err := e.NewBox(t.Context(), BoxOptions{Image: testImage(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const long = `
import ctypes, os, time
f = [int(x) for x in open("/proc/self/stat").read().rsplit(")", 1)[1].split()[1:]]
libc = ctypes.CDLL(None)
libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
size = 256 << 20
at = libc.mmap(None, ctypes.c_size_t(size), 3, 0x4022, -1, ctypes.c_long(0)) # private, anonymous, nothing reserved
of = lambda n: f[n - 4]
words = [of(26), of(27), of(45), of(46), of(47), libc.sbrk(0), of(28), at, at + size, of(50), of(51), 0]
m = (ctypes.c_uint64 * 13)(*words, 0xffffffff << 32)
print(libc.prctl(35, 14, ctypes.byref(m), ctypes.c_long(104), 0), flush=True) # PR_SET_MM, PR_SET_MM_MAP
time.sleep(1000)`
	said, speak := io.Pipe()
	go func() {
		_, err := b.Exec(t.Context(), Command{Argv: []string{"python3", "-c", long}, Output: func(_ bool, p []byte) { speak.Write(p) }}) //nolint:errcheck // our own pipe
		speak.CloseWithError(errors.Join(err, io.EOF))                                                                                   // it ends with its box
	}()
	answer := make([]byte, 1)
	if _, err := said.Read(answer); err != nil {
		t.Fatal(err)
	}
	if string(answer) != "0" {
		t.Skip("this kernel lets nobody do that")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	serving(e.opts.RuntimeDir)
	(&lab{targets: probe.Targets{Nonce: "none"}}).left()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("looking at what runs took %d MiB", took>>20)
	}
}

// Only processes of the service's account are of the service, and a number that
// was one's is nobody's.
func TestWhoIsNotOfTheService(t *testing.T) {
	s := newStore(t)
	s.serve(t, unix.LOCK_SH)
	if !s.acct.drop {
		t.Skip("only root has processes of another account")
	}
	client := exec.CommandContext(t.Context(), "/bin/sh", "-c", "read _ || :", "sh", s.child.uri())
	stdin, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	s.child.stop()
	late := &child{dir: s.child.dir, record: s.child.record, pid: client.Process.Pid, done: make(chan struct{})}
	close(late.done)
	late.stop()
	s.child = nil
	stdin.Close()
	if err := client.Wait(); err != nil {
		t.Errorf("a process that is not the service's: %v", err)
	}
}
