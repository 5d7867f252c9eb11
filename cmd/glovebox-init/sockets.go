package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// socketHolds is how much may lie in one socket, in bytes: the largest send
// buffer that this host lets a process have.
func socketHolds() int64 {
	const usual = 425_984 // twice the kernel's net.core.wmem_max, as it was made
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return usual
	}
	defer unix.Close(fd)                                           // nothing was written
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<30) //nolint:errcheck // what it became is read back
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return usual
	}
	return int64(max(n, usual))
}

// socketsInUse reads how many sockets the box has, also those that nobody has
// open any more but that hold something yet; 0 where the kernel does not tell.
func socketsInUse() int64 {
	data, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	n, _ := strconv.ParseInt(strings.TrimPrefix(string(line), "sockets: used "), 10, 64) // the kernel's own format
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
