package mask

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// ledger remembers, in a file of its own, which pseudonyms are taken and how
// large the groups of like rows are. It holds keyed hashes only: nobody can
// read a value out of what a crash leaves of it.
type ledger struct {
	path         string
	db           *sql.DB
	conn         *sql.Conn
	claims, adds *sql.Stmt
}

func openLedger(ctx context.Context, path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the ledger: %w", err)
	}
	f.Close()
	l := &ledger{path: path}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("making the ledger: %w", err), l.close())
	}
	return l, nil
}

func (l *ledger) open(ctx context.Context) (err error) {
	abs, err := filepath.Abs(l.path)
	if err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=rw"}
	if l.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return err
	}
	if l.conn, err = l.db.Conn(ctx); err != nil {
		return err
	}
	if _, err = l.conn.ExecContext(ctx, `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-16384;
		CREATE TABLE taken (pseudonym INTEGER PRIMARY KEY, owner INTEGER NOT NULL);
		CREATE TABLE alike (tab INTEGER, hash INTEGER, rows INTEGER NOT NULL, PRIMARY KEY (tab, hash)) WITHOUT ROWID;
		BEGIN`); err != nil {
		return err
	}
	if l.claims, err = l.conn.PrepareContext(ctx, "INSERT INTO taken VALUES (?, ?) ON CONFLICT DO UPDATE SET owner = owner RETURNING owner"); err != nil {
		return err
	}
	l.adds, err = l.conn.PrepareContext(ctx, "INSERT INTO alike VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET rows = rows + 1")
	return err
}

// claim takes a pseudonym for owner unless another has it, and returns whose
// it is.
func (l *ledger) claim(pseudonym, owner int64) (int64, error) {
	var whose int64
	if err := l.claims.QueryRow(pseudonym, owner).Scan(&whose); err != nil { //nolint:noctx // a lookup in a file of ours
		return 0, fmt.Errorf("asking the ledger: %w", said(err))
	}
	return whose, nil
}

// count counts a row of a table among those with the same hash.
func (l *ledger) count(table int, hash int64) error {
	if _, err := l.adds.Exec(table, hash); err != nil { //nolint:noctx // as above
		return fmt.Errorf("writing the ledger: %w", said(err))
	}
	return nil
}

// groups says of each table with quasi-identifiers how small the smallest
// group of rows is that they do not tell apart.
func (l *ledger) groups(ctx context.Context, p *plan) ([]Group, error) {
	var out []Group
	for _, t := range p.tables {
		if len(t.quasi) == 0 {
			continue
		}
		g := Group{Table: t.Name}
		for _, c := range t.quasi {
			g.Columns = append(g.Columns, t.cols[c].Name)
		}
		err := l.conn.QueryRowContext(ctx, "SELECT coalesce(min(rows), 0), coalesce(sum(rows = 1), 0), coalesce(sum(rows), 0) FROM alike WHERE tab = ?", t.index).
			Scan(&g.K, &g.Alone, &g.Rows)
		if err != nil {
			return nil, said(err)
		}
		out = append(out, g)
	}
	return out, nil
}

func (l *ledger) close() error {
	var err error
	for _, s := range []*sql.Stmt{l.claims, l.adds} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	if l.conn != nil {
		err = errors.Join(err, l.conn.Close())
	}
	if l.db != nil {
		err = errors.Join(err, l.db.Close())
	}
	return errors.Join(err, os.Remove(l.path))
}
