package probe

import (
	"os"
	"slices"
	"strings"
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
			if !ok || len(f) < 5 || len(g) < 1 {
				return unsure("cannot read mountinfo")
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
	case "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2":
		return true
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

// maskedPath are places of /proc and /sys over which the runtime binds /dev/null.
func maskedPath(point string) bool {
	return strings.HasPrefix(point, "/proc/") || strings.HasPrefix(point, "/sys/")
}
