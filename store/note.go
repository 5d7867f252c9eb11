package store

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
)

// Note records what somebody says about a session, by its ID, whether it runs
// or has ended. Errors: ErrNotFound; ErrInvalid, in words.
func (s *Store) Note(ctx context.Context, id string, note Note) (Event, error) {
	var e Event
	err := s.write(ctx, func(tx *sql.Tx) error {
		w, err := s.writerOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if last := w.tree.Size(); note.Step < 0 || note.Step > last {
			return problemf(ErrInvalid, "session %s has no step %d; it has %d", id, note.Step, last)
		}
		e, err = w.append(ctx, note)
		return err
	})
	if err != nil {
		return Event{}, fmt.Errorf("recording note: %w", err)
	}
	return e, nil
}

var tagForm = regexp.MustCompile(`^[\pL\pN][\pL\pN._:/+-]{0,39}$`)

// valid says in words why a note cannot be recorded.
func (n Note) valid() error {
	for _, tag := range slices.Concat(n.Tags, n.Untags) {
		if !tagForm.MatchString(tag) {
			return problemf(ErrInvalid, "%q cannot be a tag: one word of letters, digits and ._:/+-, at most 40", CleanLine(tag))
		}
	}
	if n.Title == "" && len(n.Tags)+len(n.Untags) == 0 && n.Star == nil && n.Text == "" && n.Score == nil {
		return problemf(ErrInvalid, "nothing is said: give a tag, a title, a star, a comment or a score")
	}
	return nil
}
