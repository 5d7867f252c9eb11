package probe

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// manyFilesDir is in the first of the places. The probe is ended in the middle
// of it: the battery tidies up.
const manyFilesDir = ".probe-files"

func tidy() int {
	if os.RemoveAll(filepath.Join(places[0], manyFilesDir)) != nil {
		return 1
	}
	return 0
}

var manyFiles = Probe{
	Name: "many-files", Layer: execution, Control: NoLimits, Spends: OfNames,
	Gain:  "fill the host's memory with names: an empty file costs nothing of box.disk",
	Tries: "makes more empty files than promised in one writable place",
	Try: func(t Targets) Finding {
		dir := filepath.Join(places[0], manyFilesDir)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return unsure("%v", err)
		}
		for n := range t.Names + 1000 {
			err := unix.Mknod(filepath.Join(dir, strconv.FormatInt(n, 10)), unix.S_IFREG|0o600, 0)
			if errors.Is(err, unix.ENOSPC) {
				return held("%d were possible, then: %v", n, err)
			}
			if err != nil {
				return unsure("after %d: %v", n, err)
			}
		}
		time.Sleep(500 * time.Millisecond) // the watchdog looks every 50 ms
		return out("%d files are in %s, and %d were promised at most", t.Names+1000, places[0], t.Names)
	},
}
