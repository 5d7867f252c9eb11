package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"glovebox/store/proof"
)

const (
	// indexPiece is how many bytes of text are indexed in one transaction.
	indexPiece = 4 << 20
	// indexAhead is after how many bytes of events they are indexed meanwhile.
	indexAhead = 32 << 10
)

// Index makes what was appended searchable. Search does it first; a Store does
// it by itself while it appends much. One thing after the other: what is done at
// the same time takes the processors from who appends.
func (s *Store) Index(ctx context.Context) error {
	select {
	case s.x.turn <- struct{}{}:
		defer func() { <-s.x.turn }()
	case <-ctx.Done():
		return fmt.Errorf("indexing: %w", ctx.Err())
	}
	err := s.x.use(ctx, func() error {
		have, err := s.forget(ctx)
		if err != nil {
			return err
		}
		return s.indexAll(ctx, have)
	})
	if err != nil {
		return fmt.Errorf("indexing: %w", err)
	}
	return nil
}

func (s *Store) indexAll(ctx context.Context, have standing) error {
	for {
		next, err := s.unindexed(ctx, have)
		if err != nil || len(next.parts) == 0 {
			return err
		}
		if err := s.addToIndex(ctx, next); err == nil && !next.more || err != nil && !errors.Is(err, errStale) {
			return err
		}
		if have, err = s.standing(ctx); err != nil {
			return err
		}
	}
}

// indexAsTold indexes whenever it is told to, until ctx is done. What fails the
// next search does again, and says.
func (s *Store) indexAsTold(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.due:
			s.Index(ctx) //nolint:errcheck // see above
		}
	}
}

// appended counts what is not indexed yet, and keeps the event for who indexes it.
func (s *Store) appended(session int64, e Event, root proof.Hash, bytes int) {
	s.recent.add(session, e, root)
	if s.fresh.Add(int64(bytes)) < indexAhead {
		return
	}
	s.fresh.Store(0)
	select {
	case s.due <- struct{}{}:
	default: // it has been told already
	}
}

// recent are the latest events of sessions, as this Store has appended them one
// after the other: those need not be read to be indexed.
type recent struct {
	mu   sync.Mutex
	size int // of all texts
	of   map[int64]*run
}

// A run is events after from, up to and including to.
type run struct {
	from, to int64
	root     []byte // with the last
	rows     []indexRow
}

func (r *recent) add(session int64, e Event, root proof.Hash) {
	text, about := searchable(e.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || r.size > indexPiece { // nobody indexes
		r.of, r.size = map[int64]*run{}, 0
	}
	of := r.of[session]
	if of == nil || of.to != e.Seq-1 {
		of = &run{from: e.Seq - 1}
		r.of[session] = of
	}
	of.to, of.root = e.Seq, root[:]
	if text != "" {
		of.rows = append(of.rows, indexRow{session<<32 | e.Seq, text, about})
		r.size += len(text)
	}
}

// take returns what comes after event from, and forgets it; nil: that is not known.
func (r *recent) take(session, from int64) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.of[session]
	if of == nil || from < of.from {
		return nil
	}
	delete(r.of, session)
	for _, row := range of.rows {
		r.size -= len(row.text)
	}
	if from >= of.to {
		return nil
	}
	of.rows = slices.DeleteFunc(of.rows, func(row indexRow) bool { return row.id&maxSeq <= from })
	return of
}

// indexing is a piece of what is to be indexed.
type indexing struct {
	parts []part
	rows  []indexRow
	more  bool // there is
}

type (
	// A mark is up to where a session is indexed.
	mark struct {
		session int64
		id      string
		seq     int64
		root    []byte
	}
	// A part is what comes after event from in a session, up to the mark.
	part struct {
		mark
		from int64
	}
	indexRow struct {
		id          int64
		text, about string
	}
	// A standing is how far the index is, and how far the log.
	standing struct {
		marks map[int64]mark // by session
		ends  []mark         // of all sessions, oldest first
	}
)

func (s *Store) standing(ctx context.Context) (have standing, err error) {
	if have.marks, err = s.marks(ctx); err == nil {
		have.ends, err = s.ends(ctx)
	}
	return have, err
}

// marks are those of the index, by session.
func (s *Store) marks(ctx context.Context) (map[int64]mark, error) {
	rows, err := s.x.r.QueryContext(ctx, `SELECT session, id, seq, root FROM indexed`)
	if err != nil {
		return nil, s.x.explain(err)
	}
	defer rows.Close()
	marks := map[int64]mark{}
	for rows.Next() {
		var m mark
		if err := rows.Scan(&m.session, &m.id, &m.seq, &m.root); err != nil {
			return nil, s.x.explain(err)
		}
		marks[m.session] = m
	}
	return marks, s.x.explain(rows.Err())
}

// ends are the last events of all sessions, oldest session first.
func (s *Store) ends(ctx context.Context) ([]mark, error) {
	rows, err := s.r.QueryContext(ctx, `SELECT n, id, last_seq, coalesce((SELECT root FROM event WHERE event.id = n << 32 | last_seq), x'')
		FROM session WHERE status <> 'removed' ORDER BY n`)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var ends []mark
	for rows.Next() {
		var m mark
		if err := rows.Scan(&m.session, &m.id, &m.seq, &m.root); err != nil {
			return nil, s.explain(err)
		}
		ends = append(ends, m)
	}
	return ends, s.explain(rows.Err())
}

// after is the first event of a session after seq; last: there is none.
func (s *Store) after(ctx context.Context, session, seq, last int64) (next int64, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT coalesce(min(id) & ?, ?) FROM event WHERE id > ? AND id < ?`, maxSeq, last, session<<32|seq, (session+1)<<32).Scan(&next)
	return next, s.explain(err)
}

// rootAt is the root of a session's tree with an event; empty: there is none.
func (s *Store) rootAt(ctx context.Context, session, seq int64) (root []byte, err error) {
	root = []byte{}
	err = s.r.QueryRowContext(ctx, `SELECT root FROM event WHERE id = ?`, session<<32|seq).Scan(&root)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return root, s.explain(err)
}

// forget takes out of the index what the log does not have, or no longer: a
// session that was removed, or another history than that of a log which was put
// back from a backup. It returns what stands then.
func (s *Store) forget(ctx context.Context) (standing, error) {
	have, err := s.standing(ctx)
	if err != nil {
		return have, err
	}
	gone := maps.Clone(have.marks)
	for _, end := range have.ends {
		m, is := gone[end.session]
		if !is || m.id != end.id || m.seq > end.seq {
			continue
		}
		root := end.root // also where nothing seems to be new: another history may be as long
		if m.seq < end.seq {
			if root, err = s.rootAt(ctx, m.session, m.seq); err != nil {
				return have, err
			}
		}
		if m.seq > 0 && string(root) == string(m.root) {
			delete(gone, end.session)
		}
	}
	if len(gone) == 0 {
		return have, nil
	}
	for _, m := range gone {
		err := s.x.write(ctx, func(tx *sql.Tx) error {
			// Of what is there: a mark of an index that was tampered with may claim anything.
			_, err := tx.ExecContext(ctx, `DELETE FROM search WHERE rowid IN (SELECT id FROM search_docsize WHERE id BETWEEN ? AND ?)`, m.session<<32, m.session<<32|maxSeq)
			if err == nil {
				_, err = tx.ExecContext(ctx, `DELETE FROM indexed WHERE session = ? AND seq = ?`, m.session, m.seq)
			}
			return err
		})
		if err != nil {
			return have, err
		}
	}
	return s.standing(ctx)
}

// forgetRemoved takes a session out that has just been removed, and waits for
// who may be adding it at this moment.
func (s *Store) forgetRemoved(ctx context.Context) error {
	return s.x.use(ctx, func() error {
		if err := s.x.write(ctx, func(*sql.Tx) error { return nil }); err != nil {
			return err
		}
		_, err := s.forget(ctx)
		return err
	})
}

// unindexed reads the next piece after what is indexed.
func (s *Store) unindexed(ctx context.Context, have standing) (next indexing, err error) {
	size := 0
	for _, end := range have.ends {
		p := part{end, have.marks[end.session].seq}
		if p.from >= end.seq {
			continue
		}
		if run := s.recent.take(p.session, p.from); run != nil {
			p.seq, p.root = run.to, run.root
			next.more = next.more || run.to < end.seq // somebody else has gone on
			next.rows, next.parts = append(next.rows, run.rows...), append(next.parts, p)
			for _, row := range run.rows {
				size += len(row.text)
			}
			continue
		}
		at := p.from
		for at < end.seq && size < indexPiece {
			events, err := s.pieceOf(ctx, s.r, p.session, at, indexPiece-size)
			if ctx.Err() != nil || isSQLite(err) && !isCorrupt(err) {
				return next, errors.Join(ctx.Err(), s.explain(err))
			}
			if err != nil && !isCorrupt(err) { // what cannot be read cannot be searched: the check names it
				if at, err = s.after(ctx, p.session, at, end.seq); err != nil {
					return next, err
				}
				continue
			}
			if err != nil || len(events) == 0 {
				at = end.seq
				break
			}
			for _, e := range events {
				text, about := searchable(e.Body)
				if text != "" {
					next.rows = append(next.rows, indexRow{p.session<<32 | e.Seq, text, about})
				}
				size += len(text) + 100
				at = e.Seq
			}
		}
		p.seq = at
		if p.root, err = s.rootAt(ctx, p.session, at); err != nil {
			return next, err
		}
		next.parts = append(next.parts, p)
		if size >= indexPiece {
			next.more = true
			break
		}
	}
	return next, nil
}

// errStale is of what another process has changed meanwhile: of a piece that it
// was quicker to index, of a session that it has appended to or removed.
var errStale = errors.New("another process has changed it meanwhile")

// addToIndex writes a piece, all of it or nothing. Who removes a session takes
// it out of the index afterwards: one that is still there now may be added.
func (s *Store) addToIndex(ctx context.Context, piece indexing) error {
	return s.x.write(ctx, func(tx *sql.Tx) error {
		for _, p := range piece.parts {
			var at int64
			var there bool
			err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM indexed WHERE session = ?`, p.session).Scan(&at)
			if err == nil {
				err = s.explain(s.r.QueryRowContext(ctx, `SELECT count(*) FROM session WHERE n = ? AND id = ? AND status <> 'removed'`, p.session, p.id).Scan(&there))
			}
			if err == nil && (at != p.from || !there) {
				err = errStale
			}
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO indexed (session, id, seq, root) VALUES (?, ?, ?, ?)`, p.session, p.id, p.seq, p.root); err != nil {
				return err
			}
		}
		insert, err := tx.PrepareContext(ctx, `INSERT INTO search (rowid, text, about) VALUES (?, ?, ?)`)
		if err != nil {
			return err
		}
		for _, row := range piece.rows {
			if _, err := insert.ExecContext(ctx, row.id, row.text, row.about); err != nil {
				return err
			}
		}
		return nil
	})
}
