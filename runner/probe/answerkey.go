package probe

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
)

var answerKey = Probe{
	Name: "answer-key", Layer: data, Control: PlantedData,
	Gain:  "look up the defects of the dataset, which makes every score worthless",
	Tries: "looks for the key's file and for the form of its lines, in every place that can hold data",
	Try: func(Targets) Finding {
		found, n := "", 0
		for _, dir := range places {
			walk(dir, func(path string, d fs.DirEntry) bool {
				if !d.Type().IsRegular() {
					return true
				}
				n++
				if filepath.Base(path) == "answers.jsonl" || isKey(path) {
					found = path
				}
				return found == ""
			})
		}
		if found != "" {
			return out("%s is the answer key", found)
		}
		if n == 0 {
			return moot("the box holds no file that could be it")
		}
		return held("not among %d files", n)
	},
}

// isKey looks at the first line: {"table":…,"key":…,"column":…,"kind":…,"clean":…}.
func isKey(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, _ := f.Read(head) // an unreadable file is no key for anybody
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	return bytes.HasPrefix(line, []byte(`{"table":`)) && bytes.Contains(line, []byte(`"kind":`))
}
