package runner

import (
	"golang.org/x/sys/unix"
)

// cgroupMode is how this host mounts its control groups: v2, hybrid or v1.
// In hybrid mode the controllers are still v1's: a rootless engine can set no
// limit, and crun refuses to start.
func cgroupMode() string {
	var fs unix.Statfs_t
	if unix.Statfs("/sys/fs/cgroup", &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
		return "v2"
	}
	if unix.Statfs("/sys/fs/cgroup/unified", &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
		return "hybrid"
	}
	return "v1"
}
