package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
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
	for began := time.Now(); time.Since(began) < patience; {
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
	// A test in a machine whose control groups are known says which must be in use.
	for _, name := range strings.Fields(os.Getenv("GLOVEBOX_TEST_CGROUP")) {
		if got[name].Enforced != "cgroup" {
			t.Errorf("%s: %+v, want it enforced by cgroup", name, got[name])
		}
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
		"without its first thread": python(`
import ctypes, threading, time
def take():
    time.sleep(.3)
    x = []
    while True: x.append(bytearray(b"x") * (1 << 20))
threading.Thread(target=take).start()
ctypes.CDLL(None).syscall(60, 0)`), // exit(2), of one thread; arm64: 93
		"in sockets": python(`
import socket
keep = []
while True:
    for s in socket.socketpair():
        s.setblocking(False); keep.append(s)
        try:
            while True: s.send(b"x" * 65536)
        except BlockingIOError: pass`),
	} {
		t.Run(name, func(t *testing.T) {
			r := attack(t, b, patience, argv...)
			if r.TimedOut || !r.OverMem {
				t.Errorf("over memory %t, %v", r.OverMem, r)
			}
			goesOn(t, b)
		})
	}
	t.Run("files have their own", func(t *testing.T) {
		r := attack(t, b, patience, "sh", "-c", "head -c 200M /dev/zero >/work/x && sleep 0.3 && stat -c %s /work/x; rm /work/x")
		if r.OverMem || string(r.Stdout) != fmt.Sprintln(200*mib) {
			t.Error(r)
		}
	})
	t.Run("what is shared counts once", func(t *testing.T) {
		r := attack(t, b, patience, python(`
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
		"in its group": `exec python3 -c 'import os
while True:
    try: os.fork()
    except OSError: pass'`,
		"in new sessions": `echo 'while true; do setsid sh /tmp/b >/dev/null 2>&1 & done' >/tmp/b; exec sh /tmp/b`,
		"of threads": `exec python3 -c 'import threading, time
while True:
    try: threading.Thread(target=time.sleep, args=(60,)).start()
    except RuntimeError: time.sleep(.01)'`,
		"that sits there": `for i in $(seq 200); do (sleep 100 & ) ; done; sleep 100`,
	} {
		t.Run(name, func(t *testing.T) {
			r := attack(t, b, patience, "sh", "-c", script)
			// A shell may give up by itself before it is ended, saying so.
			if !r.OverPids && !strings.Contains(string(r.Stderr), "Cannot fork") || r.TimedOut {
				t.Errorf("over pids %t, %v", r.OverPids, r)
			}
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
		r = attack(t, b, patience, "python3", "-c", "for i in range(300000): open('"+dir+"/%d' % i, 'w').close()")
		if !r.OverNames || r.Signal != "SIGKILL" {
			t.Errorf("%s: over names %t, %v", dir, r.OverNames, r)
		}
		r = attack(t, b, patience, "sh", "-c", "cd "+dir+" && ls | xargs rm && ls | wc -l")
		if string(r.Stdout) != "0\n" {
			t.Errorf("tidying %s: %v", dir, r)
		}
	}
	goesOn(t, b)
}

// Full places are not what a memory hog is killed for, nor PID 1 instead of it.
func TestDiskFullAndMemoryToo(t *testing.T) {
	b := limitedBox(t, BoxOptions{Memory: 64 * mib, Disk: 16 * mib})
	const fill = `
import sys
for place in sys.argv[1:]:
    try:
        for n in range(4000): # files, fewer than may have a name
            with open("%s/%0200d" % (place, n), "wb") as f: f.write(b"x" * 8192)
    except OSError as e: print(e.strerror)`
	r := attack(t, b, patience, append([]string{"python3", "-c", fill}, port.Places[:]...)...)
	if want := strings.Repeat("No space left on device\n", len(port.Places)); string(r.Stdout) != want {
		t.Fatalf("want %q, got %v", want, r)
	}
	r = attack(t, b, patience, "python3", "-c", "x = bytearray(40 << 20); print('fine')")
	if r.OverMem || string(r.Stdout) != "fine\n" {
		t.Errorf("within its memory: %v", r)
	}
	for range 3 {
		r = attack(t, b, patience, "python3", "-c", "x = bytearray(1 << 30)")
		if !r.OverMem || r.Signal != "SIGKILL" {
			t.Errorf("over memory %t, %v", r.OverMem, r)
		}
	}
	goesOn(t, b)
}

func TestOpenFiles(t *testing.T) {
	b := limitedBox(t, BoxOptions{})
	r := attack(t, b, patience, "python3", "-c", `
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
n = 0
try:
    for n in range(100000): os.open("/dev/null", 0)
except OSError as e: print(n, e.strerror)`)
	if want := fmt.Sprintln(openFiles()-3, "Too many open files"); string(r.Stdout) != want {
		t.Errorf("want %q, got %v", want, r)
	}
	goesOn(t, b)
}

func TestEndlessOutput(t *testing.T) {
	b := limitedBox(t, BoxOptions{})
	for _, script := range []string{"yes", "yes >&2", "yes & setsid yes & yes >&2"} {
		var got int
		r, err := b.Exec(t.Context(), Command{
			Argv: []string{"sh", "-c", script}, Timeout: patience, MaxOutput: 3*mib + 1,
			Output: func(_ bool, p []byte) { got += len(p) },
		})
		if err != nil || !r.OverOutput || r.TimedOut || got != 3*mib+1 {
			t.Errorf("%s: %d bytes, over output %t, %v, %v", script, got, r.OverOutput, err, r.TimedOut)
		}
		goesOn(t, b)
	}
	r := attack(t, b, patience, "head", "-c", fmt.Sprint(DefaultMaxOutput), "/dev/zero")
	if r.OverOutput || !r.exited(0) {
		t.Errorf("exactly as much as allowed: over output %t", r.OverOutput)
	}
}

// PID 1 is the box's only defence that runs inside it.
func TestAttacksOnPID1(t *testing.T) {
	b := limitedBox(t, BoxOptions{})
	for name, script := range map[string]string{
		"kill everything": `kill -9 -1; s=1; while [ $s -le 64 ]; do kill -$s 1; s=$((s+1)); done; trap '' TERM; for i in 1 2 3 4 5 6 7 8 9; do kill -TERM 1 -1; done; kill -9 1`,
		"its descriptors": `exec 2>&1; for fd in 0 1 2 10 11 12; do echo garbage >/proc/1/fd/$fd && echo WROTE; cat </proc/1/fd/$fd && echo READ; done; ls /proc/1/fd/ && echo LISTED`,
		"its memory":      `cat /proc/1/environ /proc/1/mem /proc/1/maps >/dev/null 2>&1 && echo READ; echo 1000 >/proc/1/oom_score_adj && echo WROTE`,
		"trace and steal": `exec python3 -c '
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
pidfd = os.pidfd_open(1)
for fd in range(20):
    if c.syscall(438, pidfd, fd, 0) >= 0: print("STOLE", fd)   # pidfd_getfd
for request in (16, 0x4206):                                    # PTRACE_ATTACH, PTRACE_SEIZE
    if c.ptrace(request, 1, 0, 0) == 0: print("TRACED")
buf = ctypes.create_string_buffer(8)
iov = (ctypes.c_void_p * 2)(ctypes.addressof(buf), 8)
if c.process_vm_readv(1, iov, 1, (ctypes.c_void_p * 2)(0x400000, 8), 1, 0) > 0: print("READ")
'`,
	} {
		t.Run(name, func(t *testing.T) {
			var r Result
			for range 20 { // also while PID 1 is busy starting it
				r = attack(t, b, patience, "sh", "-c", script)
			}
			for _, word := range []string{"WROTE", "READ", "LISTED", "STOLE", "TRACED"} {
				if strings.Contains(string(r.Stdout), word) {
					t.Errorf("%s: %v", word, r)
				}
			}
			goesOn(t, b)
		})
	}
}

// busyLoops prints the processor time that argv[1] busy loops got in argv[2]
// seconds, as a share of the wall time.
const busyLoops = `
import os, sys, time
n, wall = int(sys.argv[1]), float(sys.argv[2])
began = time.monotonic()
for _ in range(n):
    if os.fork() == 0:
        while time.monotonic() - began < wall: pass
        os._exit(0)
for _ in range(n): os.wait()
t = os.times()
print((t.children_user + t.children_system) / (time.monotonic() - began))`

func TestCPUShare(t *testing.T) {
	b := limitedBox(t, BoxOptions{CPUs: 0.5})
	for name, argv := range map[string][]string{
		"four loops": {"python3", "-c", busyLoops, "4", "3"},
		// Each lives for less than a look of the watchdog.
		"short lives": {"python3", "-c", `
import os, time
began = time.monotonic()
while time.monotonic() - began < 3:
    for _ in range(4):
        if os.fork() == 0:
            at = time.monotonic()
            while time.monotonic() - at < .02: pass
            os._exit(0)
    for _ in range(4): os.wait()
t = os.times()
print((t.user + t.system + t.children_user + t.children_system) / (time.monotonic() - began))`},
	} {
		t.Run(name, func(t *testing.T) {
			var share float64
			r := attack(t, b, patience, argv...)
			if _, err := fmt.Sscan(string(r.Stdout), &share); err != nil || !r.exited(0) {
				t.Fatal(err, r)
			}
			t.Logf("%.2f of 0.5 cpus", share)
			if share > 0.75 || share < 0.02 { // how much less is for those who share the machine
				t.Errorf("used %.2f cpus, 0.5 are promised", share)
			}
			goesOn(t, b)
		})
	}
	byCgroup := slices.ContainsFunc(b.Info().Limits, func(l port.Limit) bool { return l.Name == "cpu" && l.Enforced == "cgroup" })
	if r := sh(t, b, "grep nr_throttled /sys/fs/cgroup/cpu.stat"); byCgroup && (!r.exited(0) || string(r.Stdout) == "nr_throttled 0\n") {
		t.Errorf("the control group did not do it: %v", r)
	}
}

// The limiter stops and continues; nobody inside may mistake that for something else.
func TestThrottleIsInvisible(t *testing.T) {
	b := limitedBox(t, BoxOptions{CPUs: 0.2})
	t.Run("job control", func(t *testing.T) {
		r := attack(t, b, patience, "bash", "-c", `set -m; for i in 1 2 3 4 5 6; do timeout --foreground 0.7 python3 -c 'while True: pass'; echo $?; done; jobs`)
		if want := strings.Repeat("124\n", 6); string(r.Stdout) != want || len(r.Stderr) > 0 {
			t.Errorf("want %q, got %v", want, r)
		}
	})
	t.Run("what the box stopped stays stopped", func(t *testing.T) {
		r := attack(t, b, patience, "sh", "-c", `
			(until test -e /tmp/go; do sleep 0.05; done; echo ran >/tmp/ran) & kill -STOP $!; touch /tmp/go
			timeout 1.5 python3 -c 'while True: pass'
			cut -d' ' -f3 /proc/$!/stat; ls /tmp/ran; kill -CONT $!; wait $!; ls /tmp/ran`)
		if string(r.Stdout) != "T\n/tmp/ran\n" {
			t.Error(r)
		}
	})
	t.Run("a deadline holds", func(t *testing.T) {
		r := attack(t, b, time.Second, "sh", "-c", "while :; do :; done")
		if !r.TimedOut || r.Signal != "SIGKILL" || r.Duration > 10*time.Second {
			t.Error(r, r.Duration)
		}
	})
	t.Run("signals and statuses", func(t *testing.T) {
		r := attack(t, b, patience, "bash", "-c", `timeout -s TERM 0.5 sh -c 'while :; do :; done'; echo $?; (i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 7); echo $?`)
		if string(r.Stdout) != "124\n7\n" {
			t.Error(r)
		}
	})
	goesOn(t, b)
}

// While one box does its worst, another's commands take no longer than twice as long.
func TestNeighbour(t *testing.T) {
	quiet := limitedBox(t, BoxOptions{})
	took := func() (times []time.Duration) {
		for first := time.Now(); len(times) < 10 || time.Since(first) < 300*time.Millisecond; {
			began := time.Now()
			attack(t, quiet, patience, "true")
			times = append(times, time.Since(began))
		}
		return times
	}
	for name, argv := range map[string][]string{
		"processor": {"python3", "-c", "print(1, flush=True)" + busyLoops, "4", "60"},
		"processes": {"python3", "-c", "import os\nprint(1, flush=True)\nwhile True:\n try: os.fork()\n except OSError: pass"},
		"output":    {"yes"},
	} {
		t.Run(name, func(t *testing.T) {
			noisy := limitedBox(t, BoxOptions{CPUs: 0.5})
			// What else this machine does comes and goes; a noisy box would not. So
			// they are measured in turn, and more than once: where all processors
			// are taken anyway, one more that wants them counts for many.
			const most = 6
			ratio := 9.0
			for tries := 0; ratio > 2 && tries < most; tries++ {
				var alone, beside []time.Duration
				for range 4 {
					alone = append(alone, took()...)
					hush := makeNoise(t, noisy, argv)
					beside = append(beside, took()...)
					hush()
				}
				before, during := median(alone), median(beside)
				ratio = float64(during) / float64(before)
				t.Logf("%v, beside the noise %v: %.2f times", before, during, ratio)
			}
			if ratio > 2 {
				t.Errorf("%d times, commands took more than twice as long beside a noisy box, at last %.2f times", most, ratio)
			}
			goesOn(t, noisy)
		})
	}
}

// makeNoise has a box run a command that never ends by itself, and returns, once
// that has said something, what ends it.
func makeNoise(t *testing.T, b *Box, argv []string) (hush func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		defer close(ended)
		b.Exec(ctx, Command{ //nolint:errcheck // cancelled, or killed as it should be
			Argv: argv, MaxOutput: -1, Output: func(bool, []byte) { once.Do(func() { close(begun) }) },
		})
	}()
	select {
	case <-begun:
	case <-ended:
		t.Error("it made no noise")
	}
	return func() { cancel(); <-ended }
}
