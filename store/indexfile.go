package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

//go:embed index.sql
var indexSchema string

const (
	indexID      = 0x676c6f69 // marks a SQLite file as an index ("gloi")
	indexVersion = 2          // of index.sql

	// indexMade is the SHA-256 of what index.sql makes, fts5's own tables too. What
	// has more or less (a trigger, a view in place of a table, other rules for
	// words) is of use to whoever put it there.
	indexMade = "7acff39eb42723b43ddf2974d72304583fe948634e2b1297be3975266a7703a9"
)

// An index is the file of what can be searched. It has no lock in common with
// the log, so that nobody who appends waits for it, and holds nothing that the
// log does not: where it is damaged, or of another version, it is made anew.
type index struct {
	path string
	key  [sha256.Size]byte // of its seal; zero: that of a log that is not signed
	turn chan struct{}     // holds one value while somebody of this process adds to it
	mu   sync.RWMutex      // held to read while w and r are in use
	w, r *sql.DB           // w: one connection. Nil: not open yet
}

// errRenew is of an index that must be made anew.
var errRenew = errors.New("the search index is of no use")

// use opens the index where it is not open yet, and calls do while it is.
func (x *index) use(ctx context.Context, do func() error) error {
	err := x.try(ctx, do)
	if !errors.Is(err, errRenew) {
		return err
	}
	if err := errors.Join(x.close(), x.remove()); err != nil {
		return problemf(ErrUnusable, "%v; remove %s, and it is made anew", err, x.path)
	}
	return x.try(ctx, do)
}

func (x *index) try(ctx context.Context, do func() error) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.w == nil {
		x.mu.RUnlock()
		err := x.open(ctx)
		x.mu.RLock()
		if err != nil {
			return err
		}
	}
	if x.w == nil {
		return problemf(ErrUnusable, "the search index %s has been closed", x.path)
	}
	return do()
}

// open opens the file, and makes it where there is none. It looks at it before
// it touches it: what is not an index stays as it is.
func (x *index) open(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.w != nil {
		return nil
	}
	if err := makeFile("search index", x.path); err != nil {
		return err
	}
	err := unlessBusy(ctx, func() (err error) {
		if x.r, err = sql.Open("sqlite", dsn(x.path, "_query_only=1")); err != nil {
			return err
		}
		x.r.SetMaxOpenConns(4)
		// It need not wait for the disk: see survived.
		if x.w, err = sql.Open("sqlite", dsn(x.path, "_txlock=immediate&_journal_mode=WAL&_synchronous=OFF")); err != nil {
			return errors.Join(err, x.r.Close())
		}
		x.w.SetMaxOpenConns(1)
		if err = x.prepare(ctx); err != nil {
			err = errors.Join(err, x.r.Close(), x.w.Close())
			x.r, x.w = nil, nil
		}
		return err
	})
	if isCorrupt(err) && !x.isOurs() {
		return problemf(ErrUnusable, "%s is where the search index of the log belongs, and is damaged or something else; remove it, and it is made anew", x.path)
	}
	return x.explain(err)
}

// prepare makes an empty file an index. errRenew: it is one of another version.
func (x *index) prepare(ctx context.Context) error {
	is := func(q querier) (bool, error) {
		var app, version int
		var tables string
		err := q.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT coalesce(group_concat(type || ' ' || name || ' ' || coalesce(sql, ''), ';' ORDER BY name), '') FROM sqlite_schema)
			FROM pragma_application_id, pragma_user_version`).Scan(&app, &version, &tables)
		switch {
		case err != nil:
			return false, err
		case app == indexID && (version != indexVersion || sum256([]byte(tables)) != indexMade):
			return false, errRenew
		case app != indexID && (app != 0 || tables != ""):
			return false, problemf(ErrUnusable, "%s is where the search index of the log belongs, and is something else; move it away", x.path)
		}
		if app != indexID {
			return false, nil
		}
		return true, x.survived(ctx, q)
	}
	if done, err := x.asOne(ctx, is); done || err != nil {
		return err
	}
	tx, err := x.w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after Commit
	if done, err := is(tx); done || err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, indexSchema+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", indexID, indexVersion)); err != nil {
		return err
	}
	first := seal{key: x.key} // of what fts5 has put there
	if err := first.addTables(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO seal (one, box) VALUES (1, ?)`, first.locked(bootID())); err != nil {
		return err
	}
	return tx.Commit()
}

// asOne calls is with one state of the index: while somebody else adds to it,
// its seal would be of another than its rows.
func (x *index) asOne(ctx context.Context, is func(querier) (bool, error)) (bool, error) {
	tx, err := x.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return is(tx)
}

// isOurs looks for the mark of an index at its place in the first page, which
// SQLite itself does not read where others are damaged (file format, 1.3).
func (x *index) isOurs() bool {
	f, err := os.Open(x.path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 72)
	_, err = io.ReadFull(f, head)
	return err == nil && strings.HasPrefix(string(head), "SQLite format 3\x00") && binary.BigEndian.Uint32(head[68:]) == indexID
}

// close closes the file; use opens it again.
func (x *index) close() (err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.w != nil {
		err = errors.Join(x.r.Close(), x.w.Close())
	}
	x.w, x.r = nil, nil
	return err
}

// remove removes the file. Another process that has it open goes on with what
// has no name any more, until it ends.
func (x *index) remove() (err error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if gone := os.Remove(x.path + suffix); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// write runs do in one transaction, which the seal follows.
func (x *index) write(ctx context.Context, do func(*sql.Tx) error) error {
	conn, err := x.w.Conn(ctx)
	if err != nil {
		return x.explain(err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return x.explain(err)
	}
	if err := x.sealing(ctx, conn, tx, do); err != nil {
		return x.explain(errors.Join(err, tx.Rollback()))
	}
	return x.explain(tx.Commit())
}

func (x *index) sealing(ctx context.Context, conn *sql.Conn, tx *sql.Tx, do func(*sql.Tx) error) error {
	s, err := x.seal(ctx, tx)
	if err != nil {
		return err
	}
	stop, err := s.follow(conn)
	if err != nil {
		return err
	}
	defer stop()
	if err := do(tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO search (search) VALUES ('flush')`); err != nil { // what fts5 would write at the end
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE seal SET box = ?`, s.locked(bootID()))
	return err
}

// explain puts an error of an index into words; errRenew: it is damaged.
// What is in words already, as an error of the log, stays as it is.
func (x *index) explain(err error) error {
	var said *problem
	switch {
	case errors.As(err, &said), errors.Is(err, errRenew):
		return err
	case isCorrupt(err):
		return errors.Join(errRenew, err)
	}
	return explain("search index "+x.path, err)
}
