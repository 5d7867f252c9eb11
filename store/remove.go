package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Remove takes a session away: its events, its large fields, its words in the
// index. What stays is an entry in the ledger that says so, with counts and the
// final head. A running session stays: ErrRunning. Free pages are overwritten;
// see Compact for the index.
func (s *Store) Remove(ctx context.Context, id, reason string) error {
	if _, err := s.w.ExecContext(ctx, `PRAGMA secure_delete = 1`); err != nil {
		return fmt.Errorf("removing session: %w", s.explain(err))
	}
	defer s.w.ExecContext(context.WithoutCancel(ctx), `PRAGMA secure_delete = 0`) //nolint:errcheck // it only makes writing faster again
	err := s.write(ctx, func(tx *sql.Tx) error {
		w, err := s.writerOf(ctx, tx, id)
		if err != nil {
			return err
		}
		n := w.n
		if w.sum.Status == "running" {
			return problemf(ErrRunning, "session %s is still running; end it first", id)
		}
		e := entry{
			What: "removed", Session: id, At: now().UnixMicro(), Size: w.tree.Size(), Root: w.tree.Root(), Reason: reason,
			Steps: w.sum.Steps, Tokens: w.sum.Tokens, Started: w.sum.StartedAt.UnixMicro(),
		}
		err = tx.QueryRowContext(ctx, `SELECT coalesce(sum(length(body)), 0) FROM event WHERE id >= ? AND id < ?`, n<<32, (n+1)<<32).Scan(&e.Bytes)
		if err != nil {
			return err
		}
		if err := s.enter(ctx, tx, e); err != nil {
			return err
		}
		for _, stmt := range []string{
			`UPDATE session SET status = 'removed', title = '', model = '', started_at = 0, ended_at = NULL, steps = 0, tokens = 0,
				cost_usd = NULL, tags = '', starred = 0, secret = x'' WHERE n = ?1`,
			`DELETE FROM foreign_session WHERE session = ?1`,
			`DELETE FROM event WHERE id >= ?1 << 32 AND id < (?1 + 1) << 32`,
			`DELETE FROM blob WHERE ?1 AND n NOT IN (SELECT value FROM event, json_each(blobs) WHERE blobs IS NOT NULL)`,
		} {
			if _, err := tx.ExecContext(ctx, stmt, n); err != nil {
				return err
			}
		}
		return s.sign(ctx, tx, 1)
	})
	if err != nil {
		return fmt.Errorf("removing session: %w", err)
	}
	if err := s.forgetRemoved(ctx); err != nil {
		return fmt.Errorf("session %s is removed, but its words are still in the search index: %w", id, err)
	}
	return nil
}

// Compact makes the index forget the words of removed sessions, and both files
// as small as their content. It takes about a second per 100 MB, in which
// nobody else can write.
func (s *Store) Compact(ctx context.Context) error {
	for _, stmt := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := s.w.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("compacting: %w", s.explain(err))
		}
	}
	err := s.x.use(ctx, func() error {
		err := s.x.write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO search (search) VALUES ('optimize')`)
			return err
		})
		if err != nil {
			return err
		}
		for _, stmt := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
			if _, err := s.x.w.ExecContext(ctx, stmt); err != nil {
				return s.x.explain(err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("compacting: %w", err)
	}
	return nil
}

// Size is how many bytes of the log are in use, its index not counted.
func (s *Store) Size(ctx context.Context) (n int64, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&n)
	return n, s.explain(err)
}

// Backup writes the whole log as it is now to a new file (0600), while others
// go on writing.
func (s *Store) Backup(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // VACUUM INTO accepts an empty file
	if errors.Is(err, fs.ErrExist) {
		return problemf(ErrInvalid, "%s is there already; choose another file", path)
	} else if err != nil {
		return problemf(ErrInvalid, "the backup cannot be written: %v", err)
	}
	f.Close()
	if _, err := s.w.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		os.Remove(path)
		return fmt.Errorf("backing up: %w", explain("backup "+path, err))
	}
	return nil
}
