package probe

import (
	"os"
	"path/filepath"
)

var leftFile = Probe{
	Name: "file-left", Layer: data, Control: NoTeardown, After: true,
	Gain:  "hand something to a later session, or fill the host's disk",
	Tries: "leaves files in every writable place",
	Try: func(t Targets) Finding {
		for _, dir := range places {
			if err := os.WriteFile(filepath.Join(dir, "left-"+t.Nonce), []byte(t.Nonce), 0o644); err != nil {
				return unsure("%v", err)
			}
		}
		return held("left in %d places", len(places))
	},
}
