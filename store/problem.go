package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can be wrong with a log, for errors.Is. The errors themselves are
// sentences for a person.
var (
	ErrNewer    = errors.New("log from a newer glovebox")
	ErrUnusable = errors.New("log cannot be used") // unreadable, read-only, damaged or something else altogether
	ErrOtherKey = errors.New("log signed by another key")
	ErrNotFound = errors.New("no such session") // also an ambiguous reference
	ErrEnded    = errors.New("session has ended")
	ErrRunning  = errors.New("session is still running")
	ErrInvalid  = errors.New("cannot be recorded")
	ErrBroken   = errors.New("not intact") // what is there is not what was recorded
)

// A problem is an error whose sentence stands alone; kind and cause are there
// for errors.Is and errors.As only.
type problem struct {
	kind     error
	sentence string
	cause    error
}

func (p *problem) Error() string { return p.sentence }

func (p *problem) Unwrap() []error {
	if p.cause == nil {
		return []error{p.kind}
	}
	return []error{p.kind, p.cause}
}

func problemf(kind error, format string, args ...any) error {
	return &problem{kind: kind, sentence: fmt.Sprintf(format, args...)}
}

// explain is explain of the log.
func (s *Store) explain(err error) error { return explain("log "+s.path, err) }

// explain puts SQLite's result codes that a person can do something about
// into words; other errors pass unchanged. What is the file that they are of.
func explain(what string, err error) error {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	var why string
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		why = "this file is not a SQLite database; choose another"
	case sqlite3.SQLITE_CORRUPT:
		why = "the database is damaged; restore it from a backup, or move it away to begin a new one"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		why = "it cannot be opened; check that this account may read and write the file and its directory"
	case sqlite3.SQLITE_READONLY:
		why = "it is read-only; check that this account may write the file and its directory"
	case sqlite3.SQLITE_FULL:
		why = "the disk is full; free some space"
	case sqlite3.SQLITE_IOERR:
		why = "the disk reports an error (" + se.Error() + ")"
	case sqlite3.SQLITE_BUSY:
		why = "another program keeps it locked; close that one and try again"
	default:
		return err
	}
	if isCorrupt(err) {
		err = errors.Join(ErrBroken, err)
	}
	return &problem{kind: ErrUnusable, sentence: what + ": " + why, cause: err}
}

// isSQLite says whether the database itself failed.
func isSQLite(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se)
}

func isBusy(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_BUSY
}

func isCorrupt(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && (se.Code()&0xff == sqlite3.SQLITE_CORRUPT || se.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// isLogic says whether what a statement is about is not there, or already.
func isLogic(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code() == sqlite3.SQLITE_ERROR
}
