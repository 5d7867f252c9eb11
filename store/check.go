package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// A Finding is what Check found out about one session, computed anew from its
// rows.
type Finding struct {
	Session  string     `json:"session"`
	Intact   bool       `json:"intact"`
	Event    int64      `json:"event,omitempty"` // first one that is not what was recorded
	Why      string     `json:"why,omitempty"`
	Events   int64      `json:"events"`
	Root     string     `json:"root,omitempty"`      // of its tree
	Since    *time.Time `json:"since,omitempty"`     // hashed only then: recorded by a glovebox that knew no hashes
	From     string     `json:"from,omitempty"`      // imported: the log it comes from
	FromRoot string     `json:"from_root,omitempty"` // and the root of its tree there
	Status   string     `json:"status"`              // as in Summary, or removed
	Signed   bool       `json:"signed"`              // its end is under a signature
}

// An Audit is what Check found.
type Audit struct {
	Log      string    `json:"log"`     // its ID
	Entries  int64     `json:"entries"` // of the ledger
	Sessions []Finding `json:"sessions"`
	Why      string    `json:"why,omitempty"` // the ledger itself is not intact
}

// Intact says whether everything that was looked at is what was recorded.
func (a Audit) Intact() bool {
	return a.Why == "" && !slices.ContainsFunc(a.Sessions, func(f Finding) bool { return !f.Intact })
}

// Check computes every hash of the ledger, and of the session with that ID ("":
// of all), anew from rows and blobs. With a key (SignWith), the log's
// checkpoints must be signed by it. Notes are signed checkpoints that were kept
// elsewhere: the log must still hold all that they cover. An error means that
// it could not be found out.
func (s *Store) Check(ctx context.Context, id string, kept ...string) (Audit, error) {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one state of the log, whoever writes meanwhile
	if err != nil {
		return Audit{}, fmt.Errorf("checking: %w", s.explain(err))
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	c := checker{store: s, tx: tx, heads: map[string][]entry{}}
	audit, err := c.run(ctx, id, kept)
	if ctx.Err() == nil && err != nil && (!isSQLite(err) || isCorrupt(err)) {
		// What cannot be read is not what was recorded.
		audit.Why = fmt.Sprintf("the database is damaged: %v", err)
		err = nil
	}
	if err != nil {
		return audit, fmt.Errorf("checking: %w", s.explain(err))
	}
	return audit, nil
}

type checker struct {
	store  *Store
	tx     *sql.Tx
	order  []string           // sessions as the ledger has them
	heads  map[string][]entry // of each
	signed int64              // entries under the last checkpoint
	number map[string]int64   // of the entry that last named each session
	place  map[string]int64   // of each session in that order: 1, 2, 3, …
}

func (c *checker) run(ctx context.Context, id string, kept []string) (Audit, error) {
	var a Audit
	broken, err := c.ledger(ctx, &a, kept)
	if err != nil {
		return a, err
	}
	a.Why = broken
	if broken == "" && id == "" {
		if a.Why, err = c.strays(ctx); err != nil {
			return a, err
		}
	}
	if id != "" {
		c.order = slices.DeleteFunc(c.order, func(s string) bool { return s != id })
		if len(c.order) == 0 {
			c.order = []string{id}
		}
	}
	for _, id := range c.order {
		f, err := c.session(ctx, id)
		if err != nil {
			return a, err
		}
		a.Sessions = append(a.Sessions, f)
	}
	if !a.Intact() { // which event is not says more than what follows
		return a, nil
	}
	if a.Why, err = c.tables(ctx); err != nil || a.Why != "" {
		return a, err
	}
	if altered, err := c.store.x.altered(ctx); err != nil || altered {
		a.Why = fmt.Sprintf("the search index %s is not as this program left it, and may hide what is in the log; remove it, and it is made anew", c.store.x.path)
		return a, err
	}
	wal, err := c.store.keptWAL()
	if wal != "" {
		a.Why = fmt.Sprintf("the last commits before it was opened could not be read, and are not in it: its WAL was damaged or cut, by somebody or by a power cut, and is kept as %s; move it away once that is settled", wal)
	}
	return a, err
}
