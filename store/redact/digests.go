package redact

import (
	"encoding/json"
	"slices"
	"strings"

	"glovebox/store"
	"glovebox/store/proof"
)

// inBox says whether what an event of a kind says was in the box, or may have been.
// Names of this machine and of who works on it are in others always (who allowed
// a call, where Podman runs), and no box knows of those.
func inBox(kind string) bool {
	return slices.Contains([]string{
		store.Prompt{}.Kind(), store.ModelResponse{}.Kind(), store.ToolCall{}.Kind(), store.ToolResult{}.Kind(), store.FilePut{}.Kind(), store.BoxDiff{}.Kind(),
	}, kind)
}

// digests withholds the digests of texts that were taken out, or may hold what
// would be: of outputs that were not recorded whole, and of files that a box was
// left with. Clean is what else is left of the field.
func (r *Redactor) digests(seq int64, f proof.Field, clean []byte) []byte {
	switch {
	case strings.HasSuffix(f.Name, "_whole"):
		var w store.Whole
		if json.Unmarshal(f.Value, &w) == nil && w.Clean && !r.doubt {
			return clean
		}
		r.note(seq, f.Name, "digest")
		return []byte("null")
	case f.Name == "changes":
		return r.changes(seq, f, clean)
	}
	return clean
}

// changes withholds the digests of files of which something was taken out and,
// where there is doubt, of those that cannot be seen here from beginning to end.
func (r *Redactor) changes(seq int64, f proof.Field, clean []byte) []byte {
	var was, left []store.FileChange
	if json.Unmarshal(f.Value, &was) != nil || json.Unmarshal(clean, &left) != nil {
		return clean // no list of files: none of this program's digests is in it
	}
	touched := false
	for i := range left {
		c := &left[i]
		seen := c.Change == "added" && c.Patch != "" && !c.PatchCut
		if c.SHA256+c.OldSHA256 == "" || c.Patch == was[i].Patch && (seen || !r.doubt) {
			continue
		}
		c.SHA256, c.OldSHA256, touched = "", "", true
		r.note(seq, f.Name, "digest")
	}
	if !touched {
		return clean
	}
	clean, _ = json.Marshal(left) // it came from JSON
	return clean
}
