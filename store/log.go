package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a SQLite file as a glovebox log ("glov").
const applicationID = 0x676c6f76

// A Store is the log, open. It is safe for concurrent use, also by several
// processes on one file.
type Store struct {
	path  string
	w     *sql.DB // one connection: the one writer
	r     *sql.DB
	stmts statements // of w
	pack  packer
	key   *Key // nil: nothing is signed

	x      index
	wrote  atomic.Bool
	recent recent
	fresh  atomic.Int64  // bytes appended since it was last told to index
	due    chan struct{} // tells it to
	stop   func()        // stops that, and waits
}

// SignWith makes s sign the ends of sessions, and all that is changed about
// whole sessions, with key. Call it before anything is appended.
func (s *Store) SignWith(key *Key) { s.key, s.x.key = key, key.index }

// Open opens the log at path, making it and its directory (0600, 0700) where
// they do not exist and bringing an older one up to date. The caller closes it.
// Errors: ErrNewer, ErrUnusable.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	if err := makeFile("log", path); err != nil {
		return nil, err
	}
	named := path
	if path, err = filepath.EvalSymlinks(named); err != nil { // SQLite's own files are beside what a link leads to
		return nil, unusable("log", named, err)
	}
	if err := keepWAL(path); err != nil {
		leaveWAL(path)
		return nil, err
	}
	s := &Store{path: path, x: index{path: path + ".index", turn: make(chan struct{}, 1)}, due: make(chan struct{}, 1)}
	if s.pack, err = newPacker(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the log: %w", err), s.close())
	}
	if err := unlessBusy(ctx, func() error { return s.open(ctx) }); err != nil {
		return nil, errors.Join(s.explain(err), s.close())
	}
	life, cancel := context.WithCancel(context.Background())
	var indexer sync.WaitGroup
	indexer.Go(func() { s.indexAsTold(life) })
	s.stop = func() { cancel(); indexer.Wait() }
	return s, nil
}

// unlessBusy calls open until it meets nobody: two who turn a new file into a
// database at once get in each other's way, and SQLite then gives up at once
// instead of waiting.
func unlessBusy(ctx context.Context, open func() error) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := open()
		if !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Close waits for an append under way, and for at most a second makes what was
// appended searchable. Sessions of this Store can append no more.
func (s *Store) Close() error {
	s.stop()
	if s.wrote.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		s.Index(ctx) //nolint:errcheck // the next search does what is left
		cancel()
	}
	return errors.Join(s.x.close(), s.close())
}

func (s *Store) close() (err error) {
	if s.r != nil {
		err = s.r.Close()
	}
	if s.w != nil {
		err = errors.Join(err, s.w.Close())
	}
	leaveWAL(s.path)
	return err
}

// makeFile creates an empty file with the right mode before SQLite would do
// it with the wrong one. An existing file is never opened here: closing it
// again would drop the locks that this process may hold on it.
func makeFile(what, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return unusable(what, path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return unusable(what, path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return unusable(what, path, err)
	}
	if !info.Mode().IsRegular() {
		return problemf(ErrUnusable, "%s %s: this is not a file; move it away, or choose another log", what, path)
	}
	return nil
}

func unusable(what, path string, err error) error {
	return &problem{kind: ErrUnusable, sentence: fmt.Sprintf("%s %s cannot be used: %v", what, path, err), cause: err}
}

// open looks at the file before it touches it: a database that is not ours
// or newer than we are stays as it is.
func (s *Store) open(ctx context.Context) (err error) {
	if s.r, err = sql.Open("sqlite", dsn(s.path, "_query_only=1")); err != nil {
		return err
	}
	s.r.SetMaxOpenConns(4)
	have, err := s.version(ctx, s.r)
	if err != nil {
		return err
	}
	if s.w, err = sql.Open("sqlite", dsn(s.path, "_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1")); err != nil {
		return err
	}
	s.w.SetMaxOpenConns(1)
	steps, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return err
	}
	if have < len(steps) {
		if err := s.migrate(ctx, steps); err != nil {
			return err
		}
	}
	return s.prepare(ctx)
}

func dsn(path, options string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=rw&_busy_timeout=30000&_dqs=0&_defensive=1&" + options}
	return u.String()
}

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// version returns how many migrations the file has seen, 0 for an empty one.
func (s *Store) version(ctx context.Context, q querier) (int, error) {
	var app, version, tables int
	err := q.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`).Scan(&app, &version, &tables)
	if err != nil {
		return 0, fmt.Errorf("opening the log: %w", err)
	}
	if app != applicationID && (tables > 0 || version > 0) {
		return 0, problemf(ErrUnusable, "log %s: this SQLite database is not a glovebox log; choose another", s.path)
	}
	known, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	if version > len(known) {
		return 0, problemf(ErrNewer, "log %s was written by a newer glovebox (format %d, this program knows %d); update glovebox or choose another log",
			s.path, version, len(known))
	}
	return version, nil
}

// migrate runs the steps that the file has not seen, in one transaction.
func (s *Store) migrate(ctx context.Context, steps []fs.DirEntry) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		have, err := s.version(ctx, tx) // again: another process may have been quicker
		if err != nil {
			return err
		}
		for _, step := range steps[have:] {
			stmts, err := migrations.ReadFile("migrations/" + step.Name())
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(stmts)); isLogic(err) {
				return problemf(ErrBroken, "log %s says that it is of format %d, and its tables are not: %v", s.path, have, err)
			} else if err != nil {
				return fmt.Errorf("bringing the log up to date (%s): %w", step.Name(), err)
			}
			if step.Name() == "002_trust.sql" {
				if err := s.commitOld(ctx, tx); err != nil {
					return fmt.Errorf("bringing the log up to date (%s): %w", step.Name(), err)
				}
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(steps)))
		return err
	})
}

// write runs do in one transaction that is durable when write returns nil.
func (s *Store) write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err)
	}
	if err := do(tx); err != nil {
		return s.explain(errors.Join(err, tx.Rollback()))
	}
	return s.explain(tx.Commit())
}
