package probe

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var hostFile = Probe{
	Name: "host-file", Layer: data, Control: HostMount,
	Gain:  "read keys, sources and records of the person whose machine it is",
	Tries: "looks for a secret that was planted on the host: at its path, by every root in reach, by its name anywhere",
	Try: func(t Targets) Finding {
		paths := []string{t.Secret}
		for _, root := range []string{"/proc/1/root", "/proc/self/root", "/proc/1/cwd", "/proc/self/cwd/../../../../../../..", "/dev/fd/3/..", "/.."} {
			paths = append(paths, root+t.Secret)
		}
		for _, path := range paths {
			if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), t.Nonce) {
				return out("the secret was read at %s", path)
			}
		}
		found, n := "", 0
		walk("/", func(path string, d fs.DirEntry) bool {
			if n++; d.Name() == filepath.Base(t.Secret) {
				found = path
			}
			return found == ""
		})
		if found != "" {
			return out("the secret is here, as %s", found)
		}
		return held("not at its path, nor among %d files", n)
	},
}
