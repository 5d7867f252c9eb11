package probe

import "golang.org/x/sys/unix"

var mountCalls = Probe{
	Name: "mount-calls", Layer: execution, Control: Capabilities,
	Gain:  "bring file systems of its own into view, and take read-only ones back",
	Tries: "mounts, binds, remounts the root writable and opens a file system by the new calls",
	Try: func(Targets) Finding {
		tries := map[string]func() error{
			"a mount of proc":       func() error { return unix.Mount("proc", "/tmp", "proc", 0, "") },
			"a bind mount":          func() error { return unix.Mount("/etc", "/tmp", "", unix.MS_BIND, "") },
			"a remount of the root": func() error { return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "") },
			"an unmount of /work":   func() error { return unix.Unmount("/work", unix.MNT_DETACH) },
			"fsopen of tmpfs":       func() error { return opened(unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)) },
			"a copy of the mount tree (open_tree)": func() error {
				return opened(unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC))
			},
		}
		for what, try := range tries {
			if try() == nil {
				return out("%s worked", what)
			}
		}
		return held("%d ways, all refused", len(tries))
	},
}

func opened(fd int, err error) error {
	if err == nil {
		unix.Close(fd) // nothing was written
	}
	return err
}
