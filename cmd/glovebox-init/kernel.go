package main

import (
	"bytes"
	"os"
	"strings"
	"time"

	"glovebox/runner/port"

	"golang.org/x/sys/unix"
)

// onGVisor only mends what is different there; it proves nothing.
func onGVisor() bool { return strings.HasSuffix(kernel().Log, "gVisor...") }

// kernel asks the kernel that we run on who it is; the host judges.
func kernel() port.Kernel {
	var k port.Kernel
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		k.Release, k.Version = unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Version[:])
	}
	var up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) == nil {
		k.UpMS = time.Duration(up.Nano()).Milliseconds()
	}
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		k.BootID = string(bytes.TrimSpace(id))
	}
	log := make([]byte, 64<<10)
	if n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, log); err == nil {
		line, _, _ := bytes.Cut(log[:n], []byte("\n"))
		k.Log = string(line[:min(len(line), 200)])
	}
	return k
}
