package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// socketHolds is how much may lie in one socket, in bytes: the buffers that it is
// made with, for the filter of system calls gives nobody larger ones.
func socketHolds() int64 {
	const usual = 212_992 // net.core.wmem_default, as kernels are built
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return usual
	}
	defer unix.Close(fd) // nothing was written
	holds := int64(usual)
	for _, buffer := range []int{unix.SO_SNDBUF, unix.SO_RCVBUF} {
		if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, buffer); err == nil {
			holds = max(holds, int64(n))
		}
	}
	return holds
}

const sockstat = "/proc/net/sockstat" // Linux has it, gVisor does not

// socketsInUse reads how many sockets the box has, also those that nobody has
// open any more but that hold something yet.
func socketsInUse() (n int64) {
	data, err := os.ReadFile(sockstat)
	if err != nil {
		for _, family := range []string{"unix", "tcp", "tcp6", "udp", "udp6"} { // one a line
			list, _ := os.ReadFile("/proc/net/" + family) // without IPv6, two are not there
			n += max(int64(bytes.Count(list, []byte("\n")))-1, 0)
		}
		return n
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	n, _ = strconv.ParseInt(strings.TrimPrefix(string(line), "sockets: used "), 10, 64) // the kernel's own format
	return n
}

// openSockets counts those that a process has open.
func openSockets(pid int) (n int64) {
	dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read counts
	for _, name := range names {
		if link, err := os.Readlink(dir.Name() + "/" + name); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}
