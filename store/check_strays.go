package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// strays looks for what no session and no event accounts for.
func (c *checker) strays(ctx context.Context) (string, error) {
	rows, err := c.tx.QueryContext(ctx, `SELECT id FROM session`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return "", err
		}
		if _, ok := c.heads[id]; !ok {
			return fmt.Sprintf("session %s is not in the ledger", CleanLine(id)), nil
		}
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	var verdict string
	if err := c.tx.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
		return "the database is damaged: " + CleanLine(verdict), err
	}
	for _, stray := range []struct{ query, says string }{
		{`SELECT count(*) FROM event WHERE session NOT IN (SELECT n FROM session WHERE status <> 'removed')`, "there are %d events of no session"},
		{`SELECT count(*) FROM blob WHERE n NOT IN (SELECT value FROM event, json_each(iif(json_valid(blobs), blobs, '{}')) WHERE blobs IS NOT NULL)`, "there are %d large fields of no event"},
		{`SELECT count(*) FROM foreign_session WHERE session NOT IN (SELECT n FROM session WHERE status <> 'removed')`, "there are %d origins of no session"},
	} {
		var n int64
		if err := c.tx.QueryRowContext(ctx, stray.query).Scan(&n); err != nil || n > 0 {
			return fmt.Sprintf(stray.says, n), err
		}
	}
	return c.foreignKeys(ctx)
}

// tables looks for what a log has not when it is made: a trigger of somebody's
// would act on whatever is appended.
func (c *checker) tables(ctx context.Context) (string, error) {
	fresh, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return "", err
	}
	defer fresh.Close()
	fresh.SetMaxOpenConns(1) // another connection would be another database
	steps, err := migrations.ReadDir("migrations")
	if err != nil {
		return "", err
	}
	for _, step := range steps {
		text, err := migrations.ReadFile("migrations/" + step.Name())
		if err == nil {
			_, err = fresh.ExecContext(ctx, string(text))
		}
		if err != nil {
			return "", err
		}
	}
	if _, err := fresh.ExecContext(ctx, `DROP TABLE old_event; DROP TABLE old_session`); err != nil { // as commitOld does
		return "", err
	}
	want, err := schema(ctx, fresh)
	if err != nil {
		return "", err
	}
	is, err := schema(ctx, c.tx)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if was, ok := want[name]; !ok {
			return fmt.Sprintf("there is a %s in the database, which no log has", CleanLine(name)), nil
		} else if was != is[name] {
			return fmt.Sprintf("%s of the database is another than a log has", name), nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := is[name]; !ok {
			return name + " of the database is missing", nil
		}
	}
	return "", nil
}

// schema is how each thing in a database was made, by kind and name.
func schema(ctx context.Context, q querier) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		all[name] = text
	}
	return all, rows.Err()
}

// foreignKeys holds the keys that other logs' bundles must be signed by against
// the ledger's word of what was imported: whoever put his own there could sign
// for those logs.
func (c *checker) foreignKeys(ctx context.Context) (string, error) {
	want := map[string]string{}
	unnamed := 0 // imports whose entry did not yet name the key, of sessions that are gone
	for _, id := range c.order {
		for _, h := range c.heads[id] {
			if h.What != "imported" {
				continue
			}
			if h.From == "" {
				var origin string
				var e Evidence
				err := c.tx.QueryRowContext(ctx, `SELECT origin FROM foreign_session JOIN session ON session = n WHERE id = ?`, id).Scan(&origin)
				if err != nil || json.Unmarshal([]byte(origin), &e) != nil {
					unnamed++ // what is damaged of one that is there, its own finding says
					continue
				}
				h.From, h.Key = e.Log, e.Key
			}
			if _, known := want[h.From]; !known {
				want[h.From] = h.Key
			}
		}
	}
	rows, err := c.tx.QueryContext(ctx, `SELECT log, key FROM foreign_key`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var log, key string
		if err := rows.Scan(&log, &key); err != nil {
			return "", err
		}
		was, known := want[log]
		delete(want, log)
		switch {
		case known && was != key:
			return fmt.Sprintf("the key that log %s was first seen with was changed", CleanLine(log)), nil
		case !known && unnamed == 0:
			return fmt.Sprintf("there is a key of log %s, of which nothing was imported", CleanLine(log)), nil
		case !known:
			unnamed--
		}
	}
	for log := range want {
		return fmt.Sprintf("the key that log %s was first seen with is gone", CleanLine(log)), nil
	}
	return "", rows.Err()
}
