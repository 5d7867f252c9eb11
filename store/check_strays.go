package store

import (
	"context"
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

// made is what a log has when it is made, by kind and name: of each, half of the
// SHA-256 of what the database says of it. The tests say what it must be now.
var made = map[string]string{
	"index event_blobs":                    "3a7ec182c67311e827a89bddca71f0f7",
	"index session_newest":                 "ff0ec4d0b8d8767a1abfa20354b1f2ba",
	"index session_running":                "ed5263b8758cf4202fa387af744c6901",
	"index sqlite_autoindex_blob_1":        "b6667dff8897596e30ae55f9f7260e3b",
	"index sqlite_autoindex_foreign_key_1": "2d9d018e8c7c8f9797ed9cdc72ab2620",
	"index sqlite_autoindex_session_1":     "0bc8506e4d853e42389963d502c77e41",
	"table blob":                           "cbacd404f1d589d7d8e7b6bc2e1d873c",
	"table checkpoint":                     "f0e1db2a7b53216356e0715bb42a6b4d",
	"table event":                          "e4a2c8177d685cfcac976279c759fca0",
	"table foreign_key":                    "cd7bdd1cf335c3d2aebc0330794f06de",
	"table foreign_session":                "2cd26ef93fa6fc8d18a43663a0ba2653",
	"table ledger":                         "963e1ed12a5b36c6f3795b407c17ea13",
	"table log":                            "e42df3be7047dbdb38cc9e1ecb31a6ca",
	"table session":                        "61272bcaa35ebe49188493fac83fba51",
	"trigger event_in_order":               "3bf3cb43c80844a6268095d33396e5ad",
	"trigger event_no_delete":              "419f273ee2aa60152389d733cc4bca85",
	"trigger event_no_update":              "2c6477d2345b7ff10f729c9c130c3df2",
	"trigger ledger_in_order":              "1cc8af82ee626e9a645f991dd66bc330",
	"trigger ledger_no_delete":             "8b83724745be77fe02dd588a6b156047",
	"trigger ledger_no_update":             "0cea2155605e431265c5b1d0303d1fa6",
	"trigger session_no_delete":            "c93d30128db4d94b55571541e5ce060b",
	"trigger session_removed":              "8f7fe00113ee0d11f44f1646efd02892",
}

// tables looks for what a log has not when it is made: a trigger of somebody's
// would act on whatever is appended.
func (c *checker) tables(ctx context.Context) (string, error) {
	rows, err := c.tx.QueryContext(ctx, `SELECT type || ' ' || name, tbl_name || iif(rootpage > 0, ':', ' ') || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	missing := maps.Clone(made)
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return "", err
		}
		is, want := sum256([]byte(text))[:32], missing[name]
		switch delete(missing, name); {
		case want == "":
			return fmt.Sprintf("there is a %s in the database, which no log has", CleanLine(name)), nil
		case is != want:
			return fmt.Sprintf("%s of the database is another than a log has (%s)", name, is), nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		return name + " of the database is missing", nil
	}
	return "", rows.Err()
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
