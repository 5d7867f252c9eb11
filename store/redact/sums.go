package redact

import (
	"path"
	"strings"

	"glovebox/store"
	"glovebox/store/scan"
)

// A sum is the SHA-256 of a file. Who knows all of the file but a telephone
// number that was taken out of it finds that by trying.
type sum struct {
	hash  string
	path  string
	whole string // the text of the file, where all of it stands in the log
}

// sumsOf are those that an event has of files whose content is somebody's: not
// of the dataset.
func sumsOf(d store.Disclosure) (sums []sum) {
	if d.Kind != (store.BoxDiff{}).Kind() && d.Kind != (store.FilePut{}).Kind() {
		return nil
	}
	body, err := d.Body()
	if err != nil {
		return nil
	}
	switch b := body.(type) {
	case store.FilePut:
		if path.Dir(b.Path) != "/data" {
			sums = append(sums, sum{hash: b.SHA256, path: b.Path})
		}
	case store.BoxDiff:
		for _, c := range b.Changes {
			s := sum{hash: c.SHA256, path: c.Path}
			if c.Change == "added" && !c.PatchCut && !c.Binary {
				s.whole = c.Patch
			}
			sums = append(sums, s, sum{hash: c.OldSHA256, path: c.Path})
		}
	}
	return sums
}

// canBeGuessed says whether what is found is drawn from so few that they can
// all be tried: a random key is not.
func canBeGuessed(f scan.Finding) bool {
	switch f.Kind {
	case scan.Personal:
		return true
	case scan.Own:
		return strings.HasPrefix(f.Rule, "pattern-")
	}
	return f.End-f.Start < 20
}

// learnSums makes sums be taken out wherever they stand, if they would give
// away what else is. A file that is shown whole gives nothing away, and what is
// only its name is not in it.
func (r *Redactor) learnSums() {
	if len(r.guessable) == 0 {
		return
	}
	r.replace = r.replacer()
	var gone []string
	for _, s := range r.sums {
		named := true
		for text := range r.guessable {
			named = named && strings.Contains(s.path, text)
		}
		if s.hash != "" && !named && (s.whole == "" || r.views(s.whole, true, encodings) != s.whole) {
			gone = append(gone, s.hash)
		}
	}
	for _, hash := range gone {
		r.learn(hash, "hash")
	}
	r.replace = nil
}
