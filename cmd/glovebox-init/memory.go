package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What counts as memory of the box is what its processes hold: private pages,
// shared ones that are in no file, page tables, swap, System V segments. Files in
// the writable places do not count: each place has a size of its own. There are
// no memfds: see seccomp.go.

// oomKills is how many processes of the box the kernel has ended for want of
// memory, where a control group limits it; else 0.
func oomKills() int64 {
	data, err := os.ReadFile("/sys/fs/cgroup/memory.events")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(data, []byte("\noom_kill "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := strconv.ParseInt(string(line), 10, 64) // the kernel's own format
	return n
}

// firstToGo asks the kernel, should memory run out before the watchdog has seen
// it, to end a command and what it starts rather than PID 1 or the host's own.
// A command can take that back, at the price of its box.
func firstToGo(pid int) {
	os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0) //nolint:errcheck // it may have ended
}

// estimate adds up cheaply and never too little: pages shared by several
// processes count for each.
func estimate(all map[int]stat) int64 {
	var total int64
	for pid, st := range all {
		total += residentMemory(holder(pid, st))
	}
	return total
}

// wholeMemory is what all processes hold together, in bytes, also those that
// cannot be seen: gVisor shows none whose first thread has ended. 0 where the
// kernel is not the box's alone, and does not know it.
func wholeMemory() int64 {
	if _, err := os.Stat(sockstat); err == nil {
		return 0 // it is Linux
	}
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var total int64
	for key, sign := range map[string]int64{"\nAnonPages:": 1, "\nShmem:": -1} { // files in memory are in both
		_, rest, _ := bytes.Cut(data, []byte(key))
		total += sign * kilobytes(string(rest))
	}
	return total
}

// holder is where proc(5) shows the memory of a process, "PID" or "PID/task/TID":
// when its first thread has ended, only the others still have it.
func holder(pid int, st stat) string {
	if st.state != leaderGone {
		return strconv.Itoa(pid)
	}
	dir, err := os.Open(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return strconv.Itoa(pid)
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read counts
	for _, name := range names {
		if path := fmt.Sprintf("%d/task/%s", pid, name); residentMemory(path) > 0 {
			return path
		}
	}
	return strconv.Itoa(pid)
}

// residentMemory reads proc(5), status, in bytes.
func residentMemory(of string) int64 {
	data, err := os.ReadFile("/proc/" + of + "/status")
	if err != nil {
		return 0
	}
	var total int64
	keys := []string{"\nRssAnon:", "\nRssShmem:", "\nVmSwap:", "\nVmPTE:"}
	if !bytes.Contains(data, []byte(keys[0])) {
		keys = []string{"\nVmRSS:"} // gVisor's files in memory count as well: too much, never too little
	}
	for _, key := range keys {
		if _, rest, ok := bytes.Cut(data, []byte(key)); ok {
			total += kilobytes(string(rest))
		}
	}
	return total
}

// kilobytes reads "  123 kB…" as bytes.
func kilobytes(s string) int64 {
	f := strings.Fields(s[:min(len(s), 40)])
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(f[0], 10, 64) // the kernel's own format
	return n << 10
}

// shareOfMemory is what a process holds, in bytes, each shared page divided
// among those that share it. A process that hides its mappings counts whole.
func shareOfMemory(of string) int64 {
	f, err := os.Open("/proc/" + of + "/smaps")
	if err != nil {
		return residentMemory(of)
	}
	defer f.Close()
	total := pageTables(of)
	var ofFile bool
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		key, value, ok := strings.Cut(line, ":")
		switch {
		case !ok || strings.Contains(key, " "): // a mapping's first line: addresses, mode, offset, device, inode, path
			fields := strings.Fields(line)
			if len(fields) < 5 {
				continue
			}
			path := strings.Join(fields[5:], " ")
			ofFile = strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/SYSV") && !strings.HasPrefix(path, "/dev/zero")
		case key == "Pss" && !ofFile, key == "Anonymous" && ofFile, key == "SwapPss":
			total += kilobytes(value)
		}
	}
	return total
}

// pageTables is what the kernel holds to know the mappings of a process, in bytes.
func pageTables(of string) int64 {
	data, _ := os.ReadFile("/proc/" + of + "/status") // it may have ended
	_, rest, _ := bytes.Cut(data, []byte("\nVmPTE:"))
	return kilobytes(string(rest))
}

// detached adds up the System V segments that no process maps, in bytes. With
// remove it deletes them.
func detached(remove bool) int64 {
	data, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return 0
	}
	var total int64
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line) // key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap
		if len(f) < 16 || f[6] != "0" {
			continue
		}
		rss, _ := strconv.ParseInt(f[14], 10, 64)
		swap, _ := strconv.ParseInt(f[15], 10, 64)
		total += rss + swap
		if id, err := strconv.Atoi(f[1]); err == nil && remove {
			unix.SysvShmCtl(id, unix.IPC_RMID, nil) //nolint:errcheck // the next look says whether it is gone
		}
	}
	return total
}
