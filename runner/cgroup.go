package runner

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containers/podman/v5/libpod/define"
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

// controllers are those by which the engine can limit a box. A rootless Podman
// has systemd put each box into a unit of the user's, so what counts is what
// the user's manager was given. Podman itself says what its own unit uses,
// which may be less: systemd turns a controller on where something needs it.
func controllers(h *define.HostInfo, uid int) []string {
	if h.CgroupsVersion != "v2" || h.CgroupManager != "systemd" {
		return nil // without systemd it has no group that it may change
	}
	manager := fmt.Sprintf("/sys/fs/cgroup/user.slice/user-%d.slice/user@%d.service/cgroup.controllers", uid, uid)
	given, err := os.ReadFile(manager)
	if err != nil {
		return h.CgroupControllers // on another machine, by CONTAINER_HOST
	}
	return strings.Fields(string(given))
}

// engineCgroupMode refines what the engine's host mounts by what may be used of it.
func engineCgroupMode(h *define.HostInfo, controllers []string) string {
	if h.CgroupsVersion != "v2" {
		if mode := cgroupMode(); mode != "v2" {
			return mode
		}
		return "v1"
	}
	if slices.Contains(controllers, "memory") && slices.Contains(controllers, "pids") {
		return "v2-delegated"
	}
	return "v2"
}
