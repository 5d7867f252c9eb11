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
// shared ones that are in no file, swap, memfds, System V segments. Files in
// the writable places do not count: each place has a size of its own.

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

// maxLinks bounds how many descriptors one look for memfds may read.
const maxLinks = 20_000

// segment is memory of the box that no mapping need show.
type segment struct {
	size   int64
	holder int // a process that has it open, or 0
}

// estimate adds up cheaply and never too little: pages shared by several
// processes count for each.
func estimate(all map[int]stat, others map[uint64]segment) int64 {
	var total int64
	for pid := range all {
		total += residentMemory(pid)
	}
	for _, s := range others {
		total += s.size
	}
	return total
}

// residentMemory reads proc(5), status, in bytes.
func residentMemory(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var total int64
	keys := []string{"\nRssAnon:", "\nRssShmem:", "\nVmSwap:"}
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
func shareOfMemory(pid int, others map[uint64]segment) int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return residentMemory(pid)
	}
	defer f.Close()
	var total int64
	var ofFile, counted bool
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
			inode, _ := strconv.ParseUint(fields[4], 10, 64)
			_, counted = others[inode]
			counted = counted && strings.HasPrefix(path, "/memfd:")
			ofFile = strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/memfd:") && !strings.HasPrefix(path, "/SYSV") && !strings.HasPrefix(path, "/dev/zero")
		case counted:
		case key == "Pss" && !ofFile, key == "Anonymous" && ofFile, key == "SwapPss":
			total += kilobytes(value)
		}
	}
	return total
}

// memfds finds the files that are nothing but memory, by inode.
func memfds(all map[int]stat) map[uint64]segment {
	found := map[uint64]segment{}
	links := 0
	for pid := range all { // in another order each time, so that nobody can hide behind a crowd
		dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			continue
		}
		names, _ := dir.Readdirnames(maxLinks - links) // what could be read counts
		dir.Close()
		for _, name := range names {
			path := fmt.Sprintf("/proc/%d/fd/%s", pid, name)
			var st unix.Stat_t
			if link, err := os.Readlink(path); err == nil && strings.HasPrefix(link, "/memfd:") && unix.Stat(path, &st) == nil {
				found[st.Ino] = segment{st.Blocks * 512, pid}
			}
		}
		if links += len(names); links >= maxLinks {
			break
		}
	}
	return found
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
