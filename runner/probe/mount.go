package probe

import "golang.org/x/sys/unix"

var mount = Probe{
	Name: "mount", Layer: execution, Control: Capabilities,
	Gain:  "bring file systems of its own into view",
	Tries: "mounts a tmpfs",
	Try: func(Targets) Finding {
		err := unix.Mount("none", "/tmp", "tmpfs", 0, "")
		if err == nil {
			unix.Unmount("/tmp", unix.MNT_DETACH) //nolint:errcheck // the box is condemned anyway
		}
		return judge("mounting a file system", err)
	},
}
