package main

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// watchEvery is how often the watchdog looks while anything runs, and soon how
// often while memory is getting short. A process can overshoot by what it does
// in that time.
const (
	watchEvery = 50 * time.Millisecond
	soon       = 10 * time.Millisecond
)

// fullFor is how long a box may be full of processes before who fills it is
// ended: nothing else can start in it meanwhile.
const fullFor = time.Second

// watchdog holds the box to what was promised where no cgroup does: it ends the
// offender, not the box.
type watchdog struct {
	procs   *procTable
	memory  int64     // bytes; 0: not watched
	pids    int       // 0: not watched
	sockets int64     // open or on their way; 0: not watched
	names   uint64    // files in one writable place; 0: not watched
	cpu     *throttle // nil: not watched

	full time.Time                // since when; zero: it is not
	had  [len(port.Places)]uint64 // names in each, at the last look
}

// run never returns. While the box is empty it sleeps.
func (w *watchdog) run() {
	for {
		w.procs.mu.Lock()
		idle := len(w.procs.running) == 0
		w.procs.mu.Unlock()
		if idle && !strays() {
			<-w.procs.started
		}
		time.Sleep(w.look())
	}
}

// strays reports whether anything but PID 1 is alive, at the cost of one
// system call: kill(-1) reaches every process but the caller and PID 1.
func strays() bool { return unix.Kill(-1, 0) == nil }

// look checks everything once and says when to look again.
func (w *watchdog) look() time.Duration {
	next := watchEvery
	reaped := reapedTime()
	all := snapshot()
	if w.cpu != nil {
		w.cpu.charge(time.Now(), reaped, all)
		w.cpu.apply(all)
		if w.cpu.balance < 0 {
			next = min(next, max(w.cpu.wait(), time.Millisecond))
		}
	}
	if w.pids > 0 {
		w.checkPids(all)
	}
	if w.names > 0 {
		w.checkNames(all)
	}
	if w.sockets > 0 {
		w.checkSockets(all)
	}
	if w.memory > 0 && w.checkMemory(all) {
		next = min(next, soon)
	}
	return next
}

// checkMemory reports whether memory is getting short.
func (w *watchdog) checkMemory(all map[int]stat) bool {
	loose := detached(false)
	total, whole := estimate(all)+loose, wholeMemory()
	if max(total, whole) <= w.memory {
		return total > w.memory/2
	}
	total = loose
	sizes := map[int]int64{}
	for pid, st := range all {
		sizes[pid] = shareOfMemory(holder(pid, st))
		total += sizes[pid]
	}
	if max(total, whole) <= w.memory {
		return true
	}
	if total <= w.memory { // those that hold it are not to be seen
		w.endAll()
		return true
	}
	if loose > 0 {
		total -= detached(true)
	}
	// Of the command that holds most, the largest go first.
	offender, theirs := w.worst(all, func(pid int) int64 { return sizes[pid] })
	slices.SortFunc(theirs, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	for _, pid := range theirs {
		if total <= w.memory {
			break
		}
		unix.Kill(pid, unix.SIGKILL) //nolint:errcheck // gone is what we want
		total -= sizes[pid]
	}
	mark(offender, func(p *proc) *atomic.Bool { return &p.overMem })
	return true
}

// endAll ends every command, and what belongs to none.
func (w *watchdog) endAll() {
	w.procs.mu.Lock()
	for _, p := range w.procs.running {
		p.overMem.Store(true)
	}
	w.procs.mu.Unlock()
	unix.Kill(-1, unix.SIGKILL) //nolint:errcheck // all but PID 1; gone is what we want
}

// checkSockets ends who has so many sockets that what may lie in them unread is
// more than the memory of the box: it is the kernel's, and no process shows it.
func (w *watchdog) checkSockets(all map[int]stat) {
	if socketsInUse() <= w.sockets {
		return
	}
	open, total := map[int]int64{}, int64(0)
	for pid := range all {
		open[pid] = openSockets(pid)
		total += open[pid]
	}
	if total == 0 {
		return // the dead have left them, and the kernel has not taken them away yet
	}
	offender, _ := w.worst(all, func(pid int) int64 { return open[pid] })
	mark(offender, func(p *proc) *atomic.Bool { return &p.overMem })
	w.end(offender)
}

// checkPids ends who keeps the box full of processes, or overfills it.
func (w *watchdog) checkPids(all map[int]stat) {
	tasks := 0
	if self, ok := readStat(1); ok {
		tasks = self.threads
	}
	for _, st := range all {
		tasks += max(st.threads, 1)
	}
	if tasks < w.pids*3/4 { // a bomb's count goes up and down below the limit
		w.full = time.Time{}
		return
	}
	offender, _ := w.worst(all, func(pid int) int64 { return int64(all[pid].threads) })
	if w.full.IsZero() && tasks >= w.pids-1 {
		w.full = time.Now()
	}
	long := !w.full.IsZero() && time.Since(w.full) >= fullFor
	if offender != nil && tasks <= w.pids && !long { // who belongs to nobody gets no grace
		return
	}
	w.full = time.Time{}
	mark(offender, func(p *proc) *atomic.Bool { return &p.overPids })
	w.end(offender)
}

// checkNames ends who fills a place with files beyond the limit. A tmpfs counts
// only their content against its size, and an empty one costs the kernel memory
// too. Once it is over, who does not add to it is left alone: it may tidy up.
func (w *watchdog) checkNames(all map[int]stat) {
	for i, dir := range port.Places {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) != nil {
			continue
		}
		used := st.Files - st.Ffree
		more := used > w.had[i]
		w.had[i] = used
		if used <= w.names || !more {
			continue
		}
		offender, _ := w.worst(all, func(pid int) int64 { return int64(all[pid].self + all[pid].kids) })
		mark(offender, func(p *proc) *atomic.Bool { return &p.overNames })
		w.end(offender)
		if unix.Statfs(dir, &st) == nil {
			w.had[i] = st.Files - st.Ffree // its last files are not the next command's
		}
	}
}

// end stops all that belongs to an offender before it kills any of it: a
// stopped process forks no more, and still takes the room of a new one. It
// waits until they are dead.
func (w *watchdog) end(offender *proc) {
	stopped := map[int]bool{}
	for again := true; again && len(stopped) < 1<<16; {
		again = false
		all := processes()
		for pid := range all {
			if !stopped[pid] && w.owner(pid, all) == offender && unix.Kill(pid, unix.SIGSTOP) == nil {
				stopped[pid], again = true, true
			}
		}
	}
	for pid := range stopped {
		unix.Kill(pid, unix.SIGKILL) //nolint:errcheck // gone is what we want
	}
	deadline := time.Now().Add(watchEvery)
	for pid := range stopped {
		for st, ok := readStat(pid); ok && st.state != "Z" && time.Now().Before(deadline); st, ok = readStat(pid) {
			time.Sleep(200 * time.Microsecond)
		}
	}
}

// worst finds the command whose processes weigh most together, and them. nil
// stands for processes that no command owns any more.
func (w *watchdog) worst(all map[int]stat, weight func(pid int) int64) (*proc, []int) {
	sums := map[*proc]int64{}
	members := map[*proc][]int{}
	for pid := range all {
		p := w.owner(pid, all)
		sums[p] += weight(pid)
		members[p] = append(members[p], pid)
	}
	var worst *proc
	most := int64(-1)
	for p, sum := range sums {
		if sum > most {
			worst, most = p, sum
		}
	}
	return worst, members[worst]
}

// owner returns the command that a process belongs to. One that cut all its
// ties is taken for the only command's, if there is but one, it is older, and
// nobody else was there when it started.
func (w *watchdog) owner(pid int, all map[int]stat) *proc {
	if p := w.procs.owner(pid, all); p != nil {
		return p
	}
	w.procs.mu.Lock()
	defer w.procs.mu.Unlock()
	if len(w.procs.running) == 1 {
		for _, p := range w.procs.running {
			if p.first && all[p.pid].start <= all[pid].start {
				return p
			}
		}
	}
	return nil
}

func mark(p *proc, flag func(*proc) *atomic.Bool) {
	if p != nil {
		flag(p).Store(true)
	}
}
