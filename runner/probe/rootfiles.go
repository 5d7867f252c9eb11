package probe

import (
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

var writableFiles = Probe{
	Name: "writable-files", Layer: execution, Control: WritableRoot,
	Gain:  "change programs and settings that later commands rely on",
	Tries: "makes a file in every directory outside the writable places",
	Try: func(Targets) Finding {
		found, n := "", 0
		walk("/", func(path string, d fs.DirEntry) bool {
			if !d.IsDir() || under(path, "/dev") || place(path) {
				return true
			}
			n++
			var st unix.Statfs_t
			if unix.Statfs(path, &st) == nil && st.Flags&unix.ST_RDONLY == 0 {
				found = path
			} else if name := strings.TrimSuffix(path, "/") + "/.probe"; os.WriteFile(name, nil, 0o600) == nil {
				os.Remove(name)
				found = path
			}
			return found == ""
		})
		if found != "" {
			return out("%s can be written", found)
		}
		return held("%d directories, none writable", n)
	},
}

// place says that path is in one of the writable places.
func place(path string) bool {
	for _, dir := range places {
		if under(path, dir) {
			return true
		}
	}
	return false
}
