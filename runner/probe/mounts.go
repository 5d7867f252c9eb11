package probe

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

var mounts = Probe{
	Name: "mounts", Layer: data, Control: HostMount,
	Gain:  "reach files of the host's",
	Tries: "looks for a mount that is not one a box is made of",
	Try: func(t Targets) Finding {
		data, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return unsure("%v", err)
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			before, after, ok := strings.Cut(line, " - ")
			f, g := strings.Fields(before), strings.Fields(after)
			if !ok || len(f) < 6 || len(g) < 1 {
				return unsure("cannot read mountinfo")
			}
			// What is mounted later on the one side would appear on the other.
			if i := slices.IndexFunc(f[6:], func(s string) bool { return strings.HasPrefix(s, "shared:") || strings.HasPrefix(s, "master:") }); i >= 0 {
				return out("%s shares its mounts with the host (%s)", f[4], f[6+i])
			}
			if g[0] == "tmpfs" && f[3] != "/" && !podmansOwn(f[4]) {
				return out("%s is the directory %s of a tmpfs", f[4], f[3])
			}
			if !ownMount(f[4], g[0], t.HostUsr) {
				return out("%s (%s) is not the box's own", f[4], g[0])
			}
			n++
		}
		if t.HostUsr {
			return held("%d mounts, all the box's own but the host's /usr", n)
		}
		return held("%d mounts, all the box's own", n)
	},
}

// ownMount knows the mounts that a box is made of; one that is not among them
// came from the host.
func ownMount(point, fstype string, hostUsr bool) bool {
	switch fstype {
	case "proc":
		return under(point, "/proc")
	case "sysfs":
		return under(point, "/sys")
	case "cgroup", "cgroup2":
		return under(point, "/sys/fs/cgroup")
	case "devpts":
		return point == "/dev/pts"
	case "mqueue":
		return point == "/dev/mqueue"
	case "tmpfs": // the host has some too, with its sockets in them
		if point == "/dev" || slices.Contains(places[:], point) || maskedPath(point) || hostUsr && point == "/usr/local" {
			return true
		}
	case "overlay", "fuse.fuse-overlayfs", "fuse-overlayfs":
		return point == "/"
	case "9p": // gVisor's name for every directory and file of the host that it passes on
		if point == "/" {
			return true
		}
	case "dev": // gVisor's own nodes
		return point == "/dev"
	case "devtmpfs": // rootless Podman binds these nodes, it cannot make them
		return slices.Contains([]string{"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom"}, point) || maskedPath(point)
	}
	return podmansOwn(point) || hostUsr && point == "/usr"
}

// podmansOwn are the two files that Podman makes for a container and binds from
// its own directory; they say nothing of the host.
func podmansOwn(point string) bool {
	data, err := os.ReadFile(point)
	switch point {
	case "/run/.containerenv":
		return err == nil && len(data) == 0
	case "/etc/hostname":
		return err == nil && strings.TrimSpace(string(data)) == "box"
	}
	return false
}

// maskedPath are places of /proc and /sys over which the runtime binds /dev/null
// or an empty directory, and the directory of the control groups.
func maskedPath(point string) bool {
	if !strings.HasPrefix(point, "/proc/") && !strings.HasPrefix(point, "/sys/") {
		return false
	}
	if point == "/sys/fs/cgroup" {
		return true
	}
	var st unix.Stat_t
	if unix.Stat(point, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR {
		return st.Rdev == unix.Mkdev(1, 3)
	}
	entries, err := os.ReadDir(point)
	return err == nil && len(entries) == 0
}
