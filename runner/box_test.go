package runner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/containers"
	"github.com/containers/podman/v5/pkg/specgen"
	spec "github.com/opencontainers/runtime-spec/specs-go"
)

func testBox(t *testing.T) *Box {
	t.Helper()
	b, err := testEngine(t).NewBox(t.Context(), BoxOptions{Image: testImage(t), Session: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// sh runs a script and requires that its outcome is known.
func sh(t *testing.T, b *Box, script string) Result {
	t.Helper()
	r, err := b.Exec(t.Context(), Command{Argv: []string{"/bin/sh", "-c", script}, Timeout: patience})
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return r
}

func (r Result) String() string {
	exit := "-"
	if r.Exit != nil {
		exit = fmt.Sprint(*r.Exit)
	}
	return fmt.Sprintf("exit %s signal %q timed out %t\nstdout %q\nstderr %q", exit, r.Signal, r.TimedOut, r.Stdout, r.Stderr)
}

func (r Result) exited(code int) bool { return r.Exit != nil && *r.Exit == code }

func TestBoxIsLockedDown(t *testing.T) {
	b := testBox(t)
	c, err := containers.Inspect(b.engine.conn(), b.info.Container, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := c.HostConfig
	if h.NetworkMode != "none" || !h.ReadonlyRootfs || h.Privileged || len(c.EffectiveCaps) != 0 || len(c.BoundingCaps) != 0 {
		t.Errorf("network %q, read-only %t, privileged %t, caps %v/%v", h.NetworkMode, h.ReadonlyRootfs, h.Privileged, c.EffectiveCaps, c.BoundingCaps)
	}
	if !strings.Contains(strings.Join(h.SecurityOpt, " "), "no-new-privileges") {
		t.Errorf("security options %v", h.SecurityOpt)
	}
	if len(c.Mounts) != 0 || h.LogConfig.Type != "none" {
		t.Errorf("mounts %v, log driver %s", c.Mounts, h.LogConfig.Type)
	}
	if !b.engine.Info().Rootless {
		t.Error("the engine is not rootless")
	}
}

// What an agent's command sees is the image and the box, nothing of the host.
func TestNothingOfTheHostInside(t *testing.T) {
	t.Setenv("GLOVEBOX_TEST_SECRET", "planted-7421")
	b := testBox(t)
	for _, tt := range []struct{ name, script, want string }{
		{"environment", "env | cut -d= -f1 | sort | tr '\\n' ' '", "HOME LANG PATH PWD TERM TMPDIR USER "},
		{"processes", "ls -d /proc/[0-9]* | wc -l | xargs test 6 -gt && cat /proc/1/comm", "init\n"},
		{"interfaces", "ls /sys/class/net 2>/dev/null | grep -v -e '^lo$' -e tunl0 -e sit0 -e ip6tnl0 -e gre | wc -l", "0\n"},
		{"routes", "tail -n +2 /proc/net/route | wc -l", "0\n"},
		{"name servers", "grep nameserver /etc/resolv.conf 2>/dev/null | wc -l", "0\n"},
		{"capabilities", "grep CapEff /proc/self/status | tr -d '\\t'", "CapEff:0000000000000000\n"},
		{"writable root", "touch /x /etc/x /usr/x 2>/dev/null; ls /x /etc/x /usr/x 2>/dev/null | wc -l", "0\n"},
		{"host name", "hostname", "box\n"},
		{"open descriptors", "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "},
		{"PID 1's descriptors", "ls /proc/1/fd 2>/dev/null | wc -l", "0\n"},
		{"writable places", "for d in /work /data /tmp; do touch $d/x && echo yes; done", "yes\nyes\nyes\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := sh(t, b, tt.script); string(r.Stdout) != tt.want {
				t.Errorf("want stdout %q, got %v", tt.want, r)
			}
		})
	}
}

func TestExec(t *testing.T) {
	b := testBox(t)
	t.Run("outputs are separate", func(t *testing.T) {
		r := sh(t, b, "echo out; echo err >&2; exit 3")
		if !r.exited(3) || string(r.Stdout) != "out\n" || string(r.Stderr) != "err\n" {
			t.Error(r)
		}
	})
	t.Run("signal", func(t *testing.T) {
		if r := sh(t, b, "kill -TERM $$"); r.Signal != "SIGTERM" || r.Exit != nil {
			t.Error(r)
		}
	})
	t.Run("stdin", func(t *testing.T) {
		in := strings.Repeat("0123456789", 100_000)
		r, err := b.Exec(t.Context(), Command{Argv: []string{"wc", "-c"}, Stdin: strings.NewReader(in)})
		if err != nil || strings.TrimSpace(string(r.Stdout)) != "1000000" {
			t.Error(r, err)
		}
	})
	t.Run("stdin that nobody reads", func(t *testing.T) {
		r, err := b.Exec(t.Context(), Command{Argv: []string{"true"}, Stdin: strings.NewReader(strings.Repeat("x", 4<<20))})
		if err != nil || !r.exited(0) {
			t.Error(r, err)
		}
	})
	t.Run("no stdin is an empty one", func(t *testing.T) {
		if r := sh(t, b, "cat; echo end"); string(r.Stdout) != "end\n" {
			t.Error(r)
		}
	})
	t.Run("directory and environment", func(t *testing.T) {
		r, err := b.Exec(t.Context(), Command{Argv: []string{"sh", "-c", "pwd; echo $A"}, Dir: "/tmp", Env: []string{"A=b c"}})
		if err != nil || string(r.Stdout) != "/tmp\nb c\n" {
			t.Error(r, err)
		}
	})
	t.Run("no such program", func(t *testing.T) {
		if _, err := b.Exec(t.Context(), Command{Argv: []string{"no-such-program"}}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v, want fs.ErrNotExist", err)
		}
	})
	t.Run("output is bounded, what was cut is counted", func(t *testing.T) {
		r, err := b.Exec(t.Context(), Command{Argv: []string{"seq", "1", "200000"}, Keep: 1000})
		if err != nil || len(r.Stdout) != 1000 || r.StdoutCut != 1_288_895-1000 {
			t.Fatalf("kept %d, cut %d, %v", len(r.Stdout), r.StdoutCut, err)
		}
		if !bytes.HasPrefix(r.Stdout, []byte("1\n2\n3\n")) || !bytes.HasSuffix(r.Stdout, []byte("199999\n200000\n")) {
			t.Errorf("kept %q", r.Stdout)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				r, err := b.Exec(t.Context(), Command{Argv: []string{"sh", "-c", fmt.Sprintf("echo %d; exit %d", i, i)}})
				if err != nil || !r.exited(i) || string(r.Stdout) != fmt.Sprintln(i) {
					t.Errorf("%d: %v %v", i, r, err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("half a gigabyte arrives whole", func(t *testing.T) {
		if testing.Short() {
			t.Skip("short")
		}
		const n = 200 << 20
		got, want := sha256.New(), sha256.New()
		io.CopyN(want, zeros{}, n) //nolint:errcheck // zeros do not fail
		_, err := b.Exec(t.Context(), Command{Argv: []string{"head", "-c", fmt.Sprint(n), "/dev/zero"}, MaxOutput: -1, Output: func(_ bool, p []byte) { got.Write(p) }})
		if err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Errorf("hash differs: %v", err)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// alone reports the commands left in the box, PID 1 and the question aside.
func alone(t *testing.T, b *Box) string {
	t.Helper()
	return string(sh(t, b, `for p in /proc/[0-9]*; do tr '\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -e sleep -e yes | grep -v grep`).Stdout)
}

func TestKill(t *testing.T) {
	b := testBox(t)
	t.Run("a deadline ends the whole group", func(t *testing.T) {
		r, err := b.Exec(t.Context(), Command{Argv: []string{"sh", "-c", "echo before; sleep 1000 & setsid sleep 1001 & sh -c 'sleep 1002; true'"}, Timeout: 2 * time.Second})
		if err != nil || !r.TimedOut || r.Signal != "SIGKILL" || string(r.Stdout) != "before\n" {
			t.Error(r, err)
		}
		if left := alone(t, b); left != "" {
			t.Errorf("left over: %s", left)
		}
	})
	t.Run("a cancelled context too", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		r, err := b.Exec(ctx, Command{Argv: []string{"sh", "-c", "echo started; sleep 1000"}, Output: func(bool, []byte) { cancel(why) }})
		if !errors.Is(err, why) || r.Signal != "SIGKILL" || string(r.Stdout) != "started\n" {
			t.Error(r, err)
		}
		if left := alone(t, b); left != "" {
			t.Errorf("left over: %s", left)
		}
	})
	t.Run("background children end with the command", func(t *testing.T) {
		r := sh(t, b, "sleep 1000 & echo done")
		if !r.exited(0) || r.Killed != 1 || string(r.Stdout) != "done\n" {
			t.Errorf("killed %d, %v", r.Killed, r)
		}
		r = sh(t, b, "setsid sleep 1000 & echo done") // holds the pipe from another session
		if !r.exited(0) || r.Killed == 0 {
			t.Errorf("killed %d, %v", r.Killed, r)
		}
		if left := alone(t, b); left != "" {
			t.Errorf("left over: %s", left)
		}
	})
	t.Run("an endless flood can be ended, and delays nobody", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		flooding := make(chan struct{})
		var once sync.Once
		wg.Go(func() {
			b.Exec(ctx, Command{Argv: []string{"yes"}, Output: func(bool, []byte) { once.Do(func() { close(flooding) }) }}) //nolint:errcheck // cancelled
		})
		<-flooding
		for range 20 {
			if r := sh(t, b, "echo hi"); string(r.Stdout) != "hi\n" {
				t.Error(r)
			}
		}
		cancel()
		wg.Wait()
	})
	t.Run("nothing inside can end PID 1", func(t *testing.T) {
		sh(t, b, "kill -9 1; kill -9 -1; true")
		if r := sh(t, b, "echo alive"); string(r.Stdout) != "alive\n" {
			t.Error(r)
		}
	})
}

func TestFiles(t *testing.T) {
	b := testBox(t)
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	t.Run("there and back", func(t *testing.T) {
		n, err := b.Put(t.Context(), "a/b/c.bin", 0o640, bytes.NewReader(data))
		if err != nil || n != int64(len(data)) {
			t.Fatal(n, err)
		}
		var back bytes.Buffer
		if n, err := b.Get(t.Context(), "/work/a/b/c.bin", 0, 0, &back); err != nil || n != int64(len(data)) || !bytes.Equal(back.Bytes(), data) {
			t.Errorf("got %d of %d bytes, %v", back.Len(), n, err)
		}
		back.Reset()
		if _, err := b.Get(t.Context(), "a/b/c.bin", 1000, 10, &back); err != nil || !bytes.Equal(back.Bytes(), data[1000:1010]) {
			t.Errorf("part: %q %v", back.Bytes(), err)
		}
		if r := sh(t, b, "stat -c '%a %U %s' a/b/c.bin"); !strings.HasPrefix(string(r.Stdout), "640 ") {
			t.Error(r)
		}
	})
	t.Run("refusals", func(t *testing.T) {
		if _, err := b.Get(t.Context(), "none", 0, 0, io.Discard); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing file: %v", err)
		}
		sh(t, b, "mkfifo /work/fifo")
		for _, path := range []string{"/work", "/work/fifo", "/dev/zero"} {
			if _, err := b.Get(t.Context(), path, 0, 0, io.Discard); err == nil {
				t.Errorf("%s could be read as a file", path)
			}
		}
		if _, err := b.Put(t.Context(), "/usr/x", 0o644, bytes.NewReader(data)); err == nil {
			t.Error("wrote below /usr")
		}
	})
	t.Run("a sender that breaks off leaves nothing", func(t *testing.T) {
		broken := io.MultiReader(bytes.NewReader(data), errReader{})
		if _, err := b.Put(t.Context(), "broken", 0o644, broken); err == nil {
			t.Error("no error")
		}
		if r := sh(t, b, "ls -A /work | grep -e broken -e put"); len(r.Stdout) != 0 {
			t.Error(r)
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("broken off") }

// The seal must notice each weakness; a probe that cannot fail proves nothing.
// Nothing runs in these boxes but the core probes, which try no connection
// where there is an interface.
func TestSealNotices(t *testing.T) {
	tests := []struct {
		name, probe string
		weaken      func(*specgen.SpecGenerator)
	}{
		{"host network", "interfaces", func(s *specgen.SpecGenerator) { s.NetNS.NSMode, s.Sysctl = specgen.Host, nil }},
		{"capabilities", "privileges", func(s *specgen.SpecGenerator) { s.CapDrop, s.CapAdd = nil, []string{"CAP_NET_RAW"} }},
		{"new privileges", "privileges", func(s *specgen.SpecGenerator) { s.NoNewPrivileges = new(bool) }},
		{"no seccomp", "privileges", func(s *specgen.SpecGenerator) { s.SeccompProfilePath = "unconfined" }},
		{"writable root", "read-only root", func(s *specgen.SpecGenerator) { s.ReadOnlyFilesystem = new(bool) }},
		{"host mount", "mounts", func(s *specgen.SpecGenerator) {
			s.Mounts = append(s.Mounts, spec.Mount{Destination: "/mnt", Type: "bind", Source: "/usr", Options: []string{"ro", "rbind"}})
		}},
		{"host processes", "", func(s *specgen.SpecGenerator) { s.PidNS.NSMode = specgen.Host }},
		{"name server", "dns", func(s *specgen.SpecGenerator) {
			s.Mounts = append(s.Mounts, spec.Mount{Destination: "/etc/resolv.conf", Type: "bind", Source: "/etc/resolv.conf", Options: []string{"ro", "bind"}})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := testEngine(t)
			b, err := e.newBox(t.Context(), BoxOptions{Image: testImage(t)}, tt.weaken)
			if err == nil {
				b.Close(context.Background())
				t.Fatal("sealed")
			}
			if tt.probe != "" && (!errors.Is(err, ErrNoSeal) || !strings.Contains(err.Error(), tt.probe)) {
				t.Errorf("error %v, want one of probe %q", err, tt.probe)
			}
		})
	}
}

func TestBoxLost(t *testing.T) {
	b := testBox(t)
	started := make(chan struct{})
	var once sync.Once
	ended := make(chan error, 1)
	go func() {
		_, err := b.Exec(t.Context(), Command{Argv: []string{"sh", "-c", "echo x; sleep 1000"}, Output: func(bool, []byte) { once.Do(func() { close(started) }) }})
		ended <- err
	}()
	<-started
	if err := containers.Kill(b.engine.conn(), b.info.Container, new(containers.KillOptions).WithSignal("KILL")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrBoxLost) {
		t.Errorf("command under way: %v, want ErrBoxLost", err)
	}
	<-b.Done()
	if _, err := b.Exec(t.Context(), Command{Argv: []string{"true"}}); !errors.Is(err, ErrBoxLost) {
		t.Errorf("later command: %v, want ErrBoxLost", err)
	}
}

func TestNothingLeft(t *testing.T) {
	e := testEngine(t)
	b := testBox(t)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if gone, err := containers.Exists(e.conn(), b.info.Container, nil); err != nil || gone {
		t.Errorf("the container is still there (%v)", err)
	}
	if _, err := b.Exec(t.Context(), Command{Argv: []string{"true"}}); err == nil {
		t.Error("a closed box runs commands")
	}
}
