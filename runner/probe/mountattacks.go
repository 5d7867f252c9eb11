package probe

import "golang.org/x/sys/unix"

var mountCalls = Probe{
	Name: "mount-calls", Layer: execution, Control: Capabilities,
	Gain:  "bring file systems of its own into view, and take read-only ones back",
	Tries: "mounts, binds, remounts the root writable, unmounts, and opens a file system by the new calls",
	Try: func(Targets) Finding {
		return refusedAll([]attempt{
			{"a mount of proc", func() error { return unix.Mount("proc", "/tmp", "proc", 0, "") }},
			{"a mount of overlay", func() error {
				return unix.Mount("overlay", "/tmp", "overlay", 0, "lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w")
			}},
			{"a bind mount", func() error { return unix.Mount("/etc", "/tmp", "", unix.MS_BIND, "") }},
			{"a remount of the root", func() error { return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
			{"sharing mounts with others", func() error { return unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, "") }},
			{"an unmount of /work", func() error { return unix.Unmount("/work", unix.MNT_DETACH) }},
			{"fsopen of tmpfs", func() error { return closed(unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)) }},
			{"a copy of the mount tree (open_tree)", func() error {
				return closed(unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC))
			}},
		})
	},
}
