package probe

import (
	"os"
	"strings"
)

var masks = Probe{
	Name: "masked-places", Layer: execution, Control: Unmasked,
	Gain:  "read keys, timers, the command line and devices of the host's kernel, or make it reboot by sysrq",
	Tries: "looks whether the dangerous places of /proc and /sys are covered",
	Try: func(t Targets) Finding {
		seen := 0
		for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sysrq-trigger", "/proc/acpi", "/proc/scsi", "/proc/latency_stats", "/proc/sched_debug", "/proc/cmdline", "/proc/diskstats", "/proc/interrupts", "/proc/kallsyms", "/proc/modules", "/proc/partitions", "/proc/swaps", "/sys/devices/virtual/dmi", "/sys/firmware", "/sys/dev/block"} {
			if _, err := os.Stat(path); err != nil {
				continue
			}
			seen++
			if !covered(path) && t.OwnKernel {
				return moot("%s is not covered, but shows the box's own kernel", path)
			}
			if !covered(path) {
				return out("%s is not covered", path)
			}
		}
		if seen == 0 {
			return unsure("none of them is here")
		}
		return held("%d places, all covered or read-only", seen)
	},
}

// covered says whether something is mounted on path, or on the directory that
// holds it but for /proc and /sys themselves.
func covered(path string) bool {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 4 && f[4] != "/proc" && f[4] != "/sys" && f[4] != "/" && under(path, f[4]) {
			return true
		}
	}
	return false
}
