package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"glovebox/runner/port"

	"github.com/containers/podman/v5/pkg/specgen"
)

const mib = 1 << 20

// limitedBox has limits small enough to be reached quickly.
func limitedBox(t *testing.T, o BoxOptions) *Box {
	t.Helper()
	o.Image, o.Session, o.RequireLimits = testImage(t), "test", true
	b, err := testEngine(t).NewBox(t.Context(), o)
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

// goesOn requires that the box soon runs nothing but what it is asked to.
func goesOn(t *testing.T, b *Box) {
	t.Helper()
	var r Result
	for began := time.Now(); time.Since(began) < 20*time.Second; {
		r = sh(t, b, "set -- /proc/[0-9]*; echo $#") // nothing here forks
		if string(r.Stdout) == "2\n" {
			if r = sh(t, b, "ls -d /proc/1"); string(r.Stdout) != "/proc/1\n" {
				t.Errorf("afterwards: %v", r)
			}
			return
		}
	}
	t.Errorf("never alone again: %v", r)
}

func attack(t *testing.T, b *Box, timeout time.Duration, argv ...string) Result {
	t.Helper()
	r, err := b.Exec(t.Context(), Command{Argv: argv, Timeout: timeout})
	if err != nil {
		t.Fatalf("%.60q: %v", argv, err)
	}
	return r
}

func TestLimitsAreShown(t *testing.T) {
	b := limitedBox(t, BoxOptions{CPUs: 0.5, Memory: 64 * mib, Pids: 40, Disk: 8 * mib})
	got := map[string]port.Limit{}
	for _, l := range b.Info().Limits {
		got[l.Name] = l
	}
	for name, by := range map[string]string{"memory": "cgroup watchdog", "pids": "cgroup rlimit", "cpu": "cgroup watchdog", "files": "rlimit", "/work": "tmpfs", "/data": "tmpfs", "/tmp": "tmpfs", "/dev/shm": "tmpfs"} {
		if l := got[name]; l.Enforced == "" || !strings.Contains(by, l.Enforced) {
			t.Errorf("%s: %+v, want it enforced by %s", name, l, by)
		}
	}
	if got["cpu"].Value != "0.50 cpus" || got["pids"].Value != "40" || got["/work"].Value != "8 MiB" {
		t.Errorf("%v", got)
	}
	// What is writable has a limit: no other place than these.
	r := sh(t, b, `for m in / $(find / -xdev -writable ! -type l 2>/dev/null)  $(cut -d' ' -f5 /proc/self/mountinfo); do test -d $m -a -w $m && echo $m; done | sort -u | tr '\n' ' '`)
	if string(r.Stdout) != "/data /dev/mqueue /dev/shm /tmp /work " { // a queue costs RLIMIT_MSGQUEUE, which is 0
		t.Errorf("writable: %v", r)
	}
}

// A limit that nothing keeps is a refusal, with the way out of it.
func TestLimitsRequired(t *testing.T) {
	e := testEngine(t)
	weaken := func(s *specgen.SpecGenerator) { s.Mounts[1].Options[0] = "size=0" } // /data without a size
	b, err := e.newBox(t.Context(), BoxOptions{Image: testImage(t), RequireLimits: true}, weaken)
	if err == nil {
		b.Close(context.Background())
		t.Fatal("sealed")
	}
	if !errors.Is(err, ErrNoSeal) || !strings.Contains(err.Error(), `"/data" is not enforced`) || !strings.Contains(err.Error(), "box.runtime") {
		t.Error(err)
	}
	b, err = e.newBox(t.Context(), BoxOptions{Image: testImage(t)}, weaken)
	if err != nil {
		t.Fatalf("without RequireLimits: %v", err)
	}
	b.Close(context.Background())
}

func TestMemoryHogs(t *testing.T) {
	b := limitedBox(t, BoxOptions{Memory: 128 * mib, Disk: 256 * mib})
	python := func(code string) []string { return []string{"python3", "-c", code} }
	for name, argv := range map[string][]string{
		"one large": python("x = []\nwhile True: x.append(bytearray(1 << 20))"),
		"many small": python(`
import os, time
for _ in range(30):
    if os.fork() == 0:
        x = bytearray(10 << 20)
        time.sleep(60)
os.wait()`),
		"shared": python(`
import mmap, os, time
m = []
while True:
    m.append(mmap.mmap(-1, 4 << 20)); m[-1].write(b"x" * (4 << 20)); time.sleep(.01)`),
		"in no mapping": python(`
import os, time
fd = os.memfd_create("x")
while True: os.write(fd, b"x" * (4 << 20)); time.sleep(.01)`),
	} {
		t.Run(name, func(t *testing.T) {
			r := attack(t, b, 60*time.Second, argv...)
			if r.TimedOut || !r.OverMem {
				t.Errorf("over memory %t, %v", r.OverMem, r)
			}
			goesOn(t, b)
		})
	}
	t.Run("files have their own", func(t *testing.T) {
		r := attack(t, b, 60*time.Second, "sh", "-c", "head -c 200M /dev/zero >/work/x && sleep 0.3 && stat -c %s /work/x; rm /work/x")
		if r.OverMem || string(r.Stdout) != fmt.Sprintln(200*mib) {
			t.Error(r)
		}
	})
	t.Run("what is shared counts once", func(t *testing.T) {
		r := attack(t, b, 60*time.Second, python(`
import os, time
x = bytearray(60 << 20)
for _ in range(8):
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)
for _ in range(8): os.wait()
print("fine")`)...)
		if r.OverMem || string(r.Stdout) != "fine\n" {
			t.Error(r)
		}
	})
}

func TestForkBombs(t *testing.T) {
	b := limitedBox(t, BoxOptions{Pids: 60})
	for name, script := range map[string]string{
		"in its group":    `:() { : | : & }; while true; do : & done`,
		"in new sessions": `echo 'while true; do setsid sh /tmp/b >/dev/null 2>&1 & done' >/tmp/b; exec sh /tmp/b`,
		"of threads": `exec python3 -c 'import threading, time
while True:
    try: threading.Thread(target=time.sleep, args=(60,)).start()
    except RuntimeError: time.sleep(.01)'`,
		"that sits there": `for i in $(seq 200); do (sleep 100 & ) ; done 2>/dev/null; sleep 100`,
	} {
		t.Run(name, func(t *testing.T) {
			r := attack(t, b, 20*time.Second, "sh", "-c", script)
			if r.exited(0) {
				t.Error(r)
			}
			t.Logf("over pids %t, killed %d, %.100v", r.OverPids, r.Killed, r)
			goesOn(t, b)
		})
	}
}

func TestDiskFull(t *testing.T) {
	b := limitedBox(t, BoxOptions{Disk: 16 * mib})
	for _, dir := range port.Places {
		r := sh(t, b, "head -c 100M /dev/zero >"+dir+"/full; stat -c %s "+dir+"/full; rm "+dir+"/full; echo x >"+dir+"/x && cat "+dir+"/x")
		if want := fmt.Sprintf("%d\nx\n", 16*mib); string(r.Stdout) != want || !strings.Contains(string(r.Stderr), "No space left") {
			t.Errorf("%s: %v", dir, r)
		}
	}
	goesOn(t, b)
}

func TestOpenFiles(t *testing.T) {
	b := limitedBox(t, BoxOptions{})
	r := attack(t, b, 30*time.Second, "python3", "-c", `
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
n = 0
try:
    for n in range(100000): os.open("/dev/null", 0)
except OSError as e: print(n, e.strerror)`)
	if want := fmt.Sprintln(maxFiles-3, "Too many open files"); string(r.Stdout) != want {
		t.Errorf("want %q, got %v", want, r)
	}
	goesOn(t, b)
}

func TestEndlessOutput(t *testing.T) {
	b := limitedBox(t, BoxOptions{})
	for _, script := range []string{"yes", "yes >&2", "yes & setsid yes & yes >&2"} {
		var got int
		r, err := b.Exec(t.Context(), Command{
			Argv: []string{"sh", "-c", script}, Timeout: time.Minute, MaxOutput: 3*mib + 1,
			Output: func(_ bool, p []byte) { got += len(p) },
		})
		if err != nil || !r.OverOutput || r.TimedOut || got != 3*mib+1 {
			t.Errorf("%s: %d bytes, over output %t, %v, %v", script, got, r.OverOutput, err, r.TimedOut)
		}
		goesOn(t, b)
	}
	r := attack(t, b, time.Minute, "head", "-c", fmt.Sprint(DefaultMaxOutput), "/dev/zero")
	if r.OverOutput || !r.exited(0) {
		t.Errorf("exactly as much as allowed: over output %t", r.OverOutput)
	}
}
