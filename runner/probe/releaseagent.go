package probe

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

var releaseAgent = Probe{
	Name: "release-agent", Layer: execution,
	Gain:  "have the host's kernel run a program as root when a control group empties",
	Tries: "looks for writable release_agent and notify_on_release files, and mounts cgroup v1",
	Why:   "the kernel asks for the host root's capability since Linux 5.17 (CVE-2022-0492), which nobody in a rootless box can have",
	Try: func(Targets) Finding {
		found := ""
		filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // what cannot be read cannot be used
			if err == nil && (d.Name() == "release_agent" || d.Name() == "notify_on_release") {
				if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
					f.Close()
					found = path
					return fs.SkipAll
				}
			}
			return nil
		})
		if found != "" {
			return out("%s can be written", found)
		}
		err := unix.Mount("cgroup", "/tmp", "cgroup", 0, "rdma")
		if err == nil {
			unix.Unmount("/tmp", unix.MNT_DETACH) //nolint:errcheck // the box is condemned anyway
		}
		if f := judge("mounting a cgroup v1 hierarchy", err); f.Verdict != pass {
			return f
		}
		return held("none is writable, none can be mounted")
	},
}
