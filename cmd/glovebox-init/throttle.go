package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// throttle keeps the box within its share of the processors where no cgroup
// does. It keeps an account: time earns, use spends, and while the balance is
// below zero every process but PID 1 is stopped.
type throttle struct {
	cpus    float64
	at      time.Time
	balance time.Duration // of processor time
	reaped  time.Duration // processor time of what PID 1 has reaped
	seen    map[procID]usage
	carry   time.Duration // charged to the dead, not yet seen in their heirs' times
	frozen  map[procID]bool
}

type usage struct{ self, kids time.Duration }

// burst is how long the box may save up for: the period of the kernel's own
// limiter.
const burst = 100 * time.Millisecond

func newThrottle(cpus float64) *throttle {
	return &throttle{cpus: cpus, at: time.Now(), seen: map[procID]usage{}, frozen: map[procID]bool{}}
}

// reapedTime must be read before the snapshot that it is charged with, so that
// what dies in between is late in the account, never there twice.
func reapedTime() time.Duration {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_CHILDREN, &ru) != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// charge settles the account. A living process pays for what it used since the
// last time. What a dead one used in its last moments is in the times of who
// waited for it, together with what it had already paid.
func (t *throttle) charge(now time.Time, reaped time.Duration, all map[int]stat) {
	var spent, paid time.Duration
	inherited := reaped - t.reaped
	seen := make(map[procID]usage, len(all))
	for pid, st := range all {
		id := procID{pid, st.start}
		before := t.seen[id]
		delete(t.seen, id)
		spent += st.self - before.self
		inherited += st.kids - before.kids
		seen[id] = usage{st.self, st.kids}
	}
	for _, u := range t.seen {
		paid += u.self + u.kids
	}
	// A parent that ignores SIGCHLD inherits nothing: what its dead had paid
	// is carried one round only, or it would hide the use of others for ever.
	rest := max(0, inherited-t.carry) - paid
	t.carry = max(0, -rest)
	spent += max(0, rest)
	earned := time.Duration(float64(now.Sub(t.at)) * t.cpus)
	t.balance = min(t.balance+earned-spent, time.Duration(t.cpus*float64(burst)))
	t.at, t.reaped, t.seen = now, reaped, seen
}

// wait is how long the box must stay stopped.
func (t *throttle) wait() time.Duration { return time.Duration(float64(-t.balance) / t.cpus) }

// apply stops or continues the box according to its balance.
func (t *throttle) apply(all map[int]stat) {
	if t.balance < 0 {
		t.freeze(all)
	} else if len(t.frozen) > 0 {
		t.thaw(all)
	}
}

// freeze stops parents before children, and waits until they are, so that no
// shell with job control sees a child stopped and takes it for its user's
// wish. A process that is stopped already was stopped by the box itself, maybe
// since the snapshot, by one that has been stopped by now.
func (t *throttle) freeze(all map[int]stat) {
	parents := map[int]bool{}
	for _, st := range all {
		parents[st.parent] = true
	}
	for _, layer := range layers(all) {
		for _, pid := range layer {
			st := all[pid]
			if id := (procID{pid, st.start}); !t.frozen[id] && st.state != "Z" && !isStopped(pid) && unix.Kill(pid, unix.SIGSTOP) == nil {
				t.frozen[id] = true
			}
		}
		if !awaitStopped(slices.DeleteFunc(layer, func(pid int) bool { return !parents[pid] })) {
			return // the children of these have their turn at the next look
		}
	}
}

// isStopped reports whether a process is stopped, or about to be: the signal is
// there before it gets the processor that it stops on.
func isStopped(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(string(data), "\n"+name+":\t")
		word, _, _ := strings.Cut(rest, "\n")
		return word
	}
	pending, _ := strconv.ParseUint(field("ShdPnd"), 16, 64) // the kernel's own format
	return strings.HasPrefix(field("State"), "T") || pending&(1<<(unix.SIGSTOP-1)) != 0
}

// awaitStopped gives processes time to stop, and reports whether all did: each
// must be scheduled for it. One that waits in the kernel, as after vfork, may not.
func awaitStopped(pids []int) bool {
	deadline := time.Now().Add(watchEvery)
	for _, pid := range pids {
		for {
			if st, ok := readStat(pid); !ok || slices.Contains([]string{"T", "t", "Z", "D", leaderGone}, st.state) {
				break
			}
			if time.Now().After(deadline) {
				return false
			}
			time.Sleep(200 * time.Microsecond)
		}
	}
	return true
}

// thaw continues children before parents: a parent that looks finds them running.
func (t *throttle) thaw(all map[int]stat) {
	for _, layer := range slices.Backward(layers(all)) {
		for _, pid := range layer {
			if t.frozen[procID{pid, all[pid].start}] {
				unix.Kill(pid, unix.SIGCONT) //nolint:errcheck // gone is as good
			}
		}
	}
	clear(t.frozen)
}

// layers are the processes by their depth in the tree, PID 1's children first.
func layers(all map[int]stat) [][]int {
	var out [][]int
	for pid := range all {
		depth := 0
		for up, ok := all[all[pid].parent]; ok && depth < len(all); up, ok = all[up.parent] {
			depth++
		}
		for len(out) <= depth {
			out = append(out, nil)
		}
		out[depth] = append(out[depth], pid)
	}
	return out
}
