package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"

	"glovebox/store"
)

// An account is what the events say of what manifest and recipe say, too: who
// signs a bundle could say another thing there than the log does.
type account struct {
	line   store.Summary
	recipe Recipe
	gone   map[place]bool // what the manifest lists; true: it was withheld
}

// A place is a field of an event.
type place struct {
	seq   int64
	field string
}

func newAccount(m Manifest) *account {
	a := &account{gone: map[place]bool{}}
	for _, r := range m.Redacted {
		a.gone[place{r.Seq, r.Field}] = false
	}
	return a
}

// take takes the next event into account. A field that is not as it was recorded must be listed.
func (a *account) take(d store.Disclosure) error {
	for i, p := range d.Proofs {
		if p.Salt != nil {
			continue
		}
		at := place{d.Seq, d.Fields[i].Name}
		if _, listed := a.gone[at]; !listed {
			return fmt.Errorf("field %s is not as it was recorded, and the manifest does not list it", store.CleanLine(at.field))
		}
		a.gone[at] = true
	}
	return a.recipe.add(d, &a.line)
}

// agrees says why manifest or recipe say something else than the events do.
func (a *account) agrees(b *Bundle) error {
	m := b.Manifest
	for at, withheld := range a.gone {
		if !withheld {
			return broken("its manifest says that something was taken out of event %d, field %s, which is as it was recorded", at.seq, store.CleanLine(at.field))
		}
	}
	if m.Title != a.line.Title || m.Model != a.line.Model || m.Status != a.line.Status || !m.StartedAt.Equal(a.line.StartedAt) {
		return broken("its manifest has another title, model, time or result than its events")
	}
	says, err := json.Marshal(b.Recipe)
	if err != nil {
		return broken("file recipe.json: %v", err)
	}
	is, err := json.Marshal(a.recipe)
	if err != nil {
		return broken("its events: %v", err)
	}
	if !bytes.Equal(says, is) {
		return broken("its recipe is not that of its events")
	}
	return nil
}

// Gone is how many fields something was taken out of.
func (m Manifest) Gone() int { return len(newAccount(m).gone) }
