package probe

import (
	"io/fs"
	"path/filepath"
	"strings"
)

var unixSockets = Probe{
	Name: "unix-sockets", Layer: network, Control: HostSocket,
	Gain:  "command Podman, Docker, D-Bus, ssh-agent or X11 on the host",
	Tries: "looks for any Unix socket in the box's file system",
	Try: func(Targets) Finding {
		found := ""
		walk("/", func(path string, d fs.DirEntry) bool {
			// What is mounted over an entry is not in its directory.
			if info, err := d.Info(); err == nil && info.Mode().Type() == fs.ModeSocket {
				found = path
			}
			return found == ""
		})
		if found != "" {
			return out("%s is a socket", found)
		}
		return held("none, nor in the usual places of Podman, Docker, D-Bus, ssh-agent and X11")
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
