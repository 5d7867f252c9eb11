package main

import (
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What the box stopped while the throttle was at work is not the throttle's to
// continue.
func TestThrottleLeavesWhatTheBoxStopped(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()         //nolint:errcheck // killed
	defer cmd.Process.Kill() //nolint:errcheck // it is there
	pid := cmd.Process.Pid
	before, ok := readStat(pid)
	if !ok || before.state == "T" {
		t.Fatalf("it is %+v", before)
	}
	snapshot := map[int]stat{pid: before}
	for _, stopped := range []bool{true, false} {
		if sig := map[bool]unix.Signal{true: unix.SIGSTOP, false: unix.SIGCONT}[stopped]; unix.Kill(pid, sig) != nil {
			t.Fatal(sig)
		}
		th := newThrottle(1)
		th.freeze(snapshot)
		if took := len(th.frozen) == 1; took == stopped {
			t.Errorf("stopped by the box: %t, and taken by the throttle: %t", stopped, took)
		}
		th.thaw(snapshot)
		if stopped && !isStopped(pid) {
			t.Error("what the box stopped runs")
		}
	}
}

// Every use is paid for once, whoever sees it first.
func TestThrottleAccount(t *testing.T) {
	const ms = time.Millisecond
	type look struct {
		reaped time.Duration // by PID 1
		all    map[int]stat
	}
	live := func(self, kids time.Duration) stat { return stat{self: self, kids: kids, state: "R"} }
	for name, tt := range map[string]struct {
		looks []look
		spent time.Duration
	}{
		"alive":                    {[]look{{0, map[int]stat{2: live(30*ms, 0)}}, {0, map[int]stat{2: live(70*ms, 0)}}}, 70 * ms},
		"never seen, PID 1 reaped": {[]look{{20 * ms, nil}, {50 * ms, nil}}, 50 * ms},
		"never seen, parent reaped": {[]look{
			{0, map[int]stat{2: live(10*ms, 0)}}, {0, map[int]stat{2: live(10*ms, 40*ms)}},
		}, 50 * ms},
		"seen, then reaped": {[]look{
			{0, map[int]stat{2: live(30*ms, 0)}}, {35 * ms, nil}, {35 * ms, nil},
		}, 35 * ms},
		"gone a look before its heir's time shows it": {[]look{
			{0, map[int]stat{2: live(30*ms, 0)}}, {0, nil}, {35 * ms, nil},
		}, 35 * ms},
		"a pid used again": {[]look{
			{0, map[int]stat{2: {self: 30 * ms, start: 1}}}, {30 * ms, map[int]stat{2: {self: 20 * ms, start: 2}}},
		}, 50 * ms},
		"nobody inherits: no credit for good": {[]look{
			{0, map[int]stat{2: live(500*ms, 0)}}, {0, nil}, {0, nil}, {40 * ms, nil}, {90 * ms, nil},
		}, 590 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Unix(0, 0)
			th := newThrottle(1)
			th.at = at // and no time passes: nothing is earned
			for _, l := range tt.looks {
				th.charge(at, l.reaped, l.all)
			}
			if -th.balance != tt.spent {
				t.Errorf("charged %v, want %v", -th.balance, tt.spent)
			}
		})
	}
	th := newThrottle(0.5)
	th.charge(th.at.Add(time.Hour), 0, nil)
	if want := 50 * ms; th.balance != want {
		t.Errorf("saved up %v, want at most %v", th.balance, want)
	}
}
