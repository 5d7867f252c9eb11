package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// stat is what proc(5) says of a process in its stat file.
type stat struct {
	parent, group, session int
	state                  string // R, S, D, T (stopped), t (traced), Z, …
	threads                int
	self, kids             time.Duration // processor time: its own, and that of its waited-for children
	start                  uint64        // with the pid, it names a process for good
}

// leaderGone is the state of a process whose first thread has ended while others
// go on: the kernel calls it a zombie, too.
const leaderGone = "L"

// procID names a process also after its pid was given to another.
type procID struct {
	pid   int
	start uint64
}

// snapshot reads /proc: every process of the box but PID 1, zombies too.
func snapshot() map[int]stat {
	all := map[int]stat{}
	dir, err := os.Open("/proc")
	if err != nil {
		return all
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read counts
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == 1 {
			continue
		}
		if st, ok := readStat(pid); ok {
			all[pid] = st
		}
	}
	return all
}

func readStat(pid int) (stat, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	// The name in parentheses may hold anything, so count from its end: proc(5).
	line := string(data)
	f := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	const first = 3 // number of the field after the name
	if len(f) <= 22-first {
		return stat{}, false
	}
	number := func(field int) int {
		n, _ := strconv.Atoi(f[field-first]) // the kernel's own format
		return n
	}
	const tick = time.Second / 100 // USER_HZ, the same on every Linux
	state := f[0]
	if state == "Z" && number(20) > 1 {
		state = leaderGone
	}
	return stat{
		state: state, parent: number(4), group: number(5), session: number(6), threads: number(20), start: uint64(number(22)),
		self: time.Duration(number(14)+number(15)) * tick, kids: time.Duration(number(16)+number(17)) * tick,
	}, true
}

// processes are those of the box that still run, PID 1 aside.
func processes() map[int]stat {
	all := snapshot()
	for pid, st := range all {
		if st.state == "Z" {
			delete(all, pid)
		}
	}
	return all
}
