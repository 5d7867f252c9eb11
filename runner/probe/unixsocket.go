package probe

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"glovebox/runner/port"
)

// usualSockets are where the services of a host listen, as patterns.
var usualSockets = [...]string{
	"/run/podman/podman.sock", "/run/user/*/podman/podman.sock", "/run/docker.sock", "/var/run/docker.sock", "/run/user/*/docker.sock",
	"/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/dbus/system_bus_socket", "/run/user/*/bus", "/run/systemd/private", "/run/systemd/notify",
	"/tmp/.X11-unix/X*", "/run/user/*/wayland-*", "/run/user/*/keyring/ssh", "/run/user/*/gnupg/S.*", "/tmp/ssh-*/agent.*", "/run/user/*/openssh_agent",
}

var unixSockets = Probe{
	Name: "unix-sockets", Layer: network, Control: HostSocket,
	Gain:  "command Podman, Docker, D-Bus, ssh-agent or X11 on the host",
	Tries: "looks for any Unix socket in the box's file system, and connects to the usual ones",
	Try: func(t Targets) Finding {
		found, n := "", 0
		walk("/", func(path string, d fs.DirEntry) bool {
			n++
			// What is mounted over an entry is not in its directory.
			if info, err := d.Info(); err == nil && info.Mode().Type() == fs.ModeSocket {
				found = path
			}
			return found == ""
		})
		if found != "" {
			return out("%s is a socket", found)
		}
		if n < 10 {
			return unsure("only %d files were to be seen", n)
		}
		patterns := usualSockets[:]
		if agent := os.Getenv("SSH_AUTH_SOCK"); agent != "" {
			patterns = append(patterns, agent)
		}
		for _, pattern := range patterns {
			paths, _ := filepath.Glob(pattern) // the pattern is well formed
			// A directory that cannot be listed can still be passed through.
			for _, path := range append(paths, strings.Replace(pattern, "*", "1000", 1)) {
				if f := says("unix", path, t.Nonce); f.Verdict == port.Fail {
					return f
				}
			}
		}
		return held("none among %d files, nor where Podman, Docker, D-Bus, ssh-agent and X11 have theirs", n)
	},
}

// walk visits everything below root but /proc and /sys, until visit says stop.
// What cannot be read is passed over: it cannot be used either.
func walk(root string, visit func(path string, d fs.DirEntry) bool) {
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // see above
		if err != nil {
			return nil
		}
		if d.IsDir() && (path == "/proc" || path == "/sys") {
			return fs.SkipDir
		}
		if !visit(path, d) {
			return fs.SkipAll
		}
		return nil
	})
}

// under says that path is dir or below it.
func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
