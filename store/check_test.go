package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glovebox/store"
)

func newKey(t testing.TB) *store.Key {
	t.Helper()
	key, err := store.LoadKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signedLog is a log with everything in it that a check looks at: two ended
// sessions, one with notes after its end, one that runs, one that was removed.
func signedLog(t testing.TB, path string, key *store.Key, tell string) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	s.SignWith(key)
	for i := range 4 {
		ses, err := s.Begin(ctx, store.SessionStarted{Program: "test", Model: "script:demo", System: strings.Repeat("You are careful. ", 500)}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		for j := range 5 {
			for _, body := range []store.Body{
				store.Prompt{Text: fmt.Sprint(tell, i, j)},
				store.ModelResponse{Turn: j, Text: "I look.", Usage: &store.Usage{Input: 10, Output: 5}, ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: `{"command":"ls"}`}}},
				store.ToolResult{CallID: "a", Tool: "shell", Stdout: strings.Repeat(fmt.Sprintf("row %d\n", j), 1000)},
			} {
				if _, err := ses.Append(ctx, body); err != nil {
					t.Fatal(err)
				}
			}
		}
		if i == 2 {
			continue
		}
		if _, err := ses.Append(ctx, store.SessionEnded{Status: "done"}); err != nil {
			t.Fatal(err)
		}
		if _, err := ses.Append(ctx, store.Note{By: "ada", Tags: []string{"odd"}, Text: "look again"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// audit opens and checks; what cannot be opened is not intact either.
func audit(t testing.TB, path string, key *store.Key, kept ...string) (store.Audit, bool) {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		return store.Audit{Why: err.Error()}, false
	}
	defer s.Close()
	s.SignWith(key)
	a, err := s.Check(t.Context(), "", kept...)
	if err != nil {
		return store.Audit{Why: err.Error()}, false
	}
	return a, a.Intact()
}

// content is all that can be read from a log, as text; "" where it cannot be read.
func content(t testing.TB, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, table := range []string{"log", "ledger", "checkpoint", "session", "event", "blob", "foreign_session"} {
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table+` ORDER BY 1`)
		if err != nil {
			return ""
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				return ""
			}
			for _, v := range values {
				fmt.Fprintf(&b, "%#v ", *v.(*any))
			}
			b.WriteByte('\n')
		}
		err = rows.Err()
		rows.Close()
		if err != nil {
			return ""
		}
	}
	return b.String()
}

// tamper runs SQL as somebody would who has the file: no trigger stops him.
func tamper(t testing.TB, path string, stmts ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=foreign_keys(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	var drop, again []string
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		drop, again = append(drop, "DROP TRIGGER "+name), append(again, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, stmt := range slices.Concat(drop, stmts, again) {
		if _, err := db.ExecContext(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckOfAnUntouchedLog(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, "log.db")
	signedLog(t, path, key, "prompt ")
	a, ok := audit(t, path, key)
	if !ok || len(a.Sessions) != 4 || a.Entries != 4+3*2 {
		t.Fatalf("%+v", a)
	}
	for i, f := range a.Sessions {
		if f.Events != []int64{18, 18, 16, 18}[i] || f.Signed != (i != 2) || f.Since != nil {
			t.Errorf("session %d: %+v", i, f)
		}
	}
	var copies int
	if err := raw(t, path).QueryRowContext(t.Context(), `SELECT count(*) FROM blob`).Scan(&copies); err != nil || copies != 6 {
		t.Errorf("%d large fields are kept, want the system prompt once and 5 outputs (%v)", copies, err)
	}
}

// What somebody may do to a log who knows how it is made, but not the key.
func TestCheckFindsWhatWasDone(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, "log.db")
	signedLog(t, path, key, "prompt ")
	at := func(session, seq int) string { return fmt.Sprintf("(%d << 32) + %d", session, seq) }
	for name, test := range map[string]struct {
		event int64 // that the finding names
		says  string
		stmts []string
	}{
		"text changed":       {5, "not what was recorded", []string{`UPDATE event SET body = replace(body, 'prompt', 'Prompt') WHERE id = ` + at(1, 5)}},
		"time changed":       {5, "not what was recorded", []string{`UPDATE event SET at = at + 1 WHERE id = ` + at(1, 5)}},
		"kind changed":       {5, "not what was recorded", []string{`UPDATE event SET kind = 'note' WHERE id = ` + at(1, 5)}},
		"space added":        {5, "not a compact", []string{`UPDATE event SET body = replace(body, '{"text', '{ "text') WHERE id = ` + at(1, 5)}},
		"field added":        {5, "not what was recorded", []string{`UPDATE event SET body = replace(body, '{"text', '{"x":1,"text') WHERE id = ` + at(1, 5)}},
		"event dropped":      {5, "missing", []string{`DELETE FROM event WHERE id = ` + at(1, 5)}},
		"dropped, closed up": {5, "not what was recorded", []string{`DELETE FROM event WHERE id = ` + at(1, 5), `UPDATE event SET id = id - 1 WHERE session = 1 AND seq > 5`}},
		"two exchanged": {2, "not what was recorded", []string{
			`UPDATE event SET id = -1 WHERE id = ` + at(1, 2), `UPDATE event SET id = ` + at(1, 2) + ` WHERE id = ` + at(1, 5), `UPDATE event SET id = ` + at(1, 5) + ` WHERE id = -1`,
		}},
		"one doubled at the end": {19, "not what was recorded", []string{`INSERT INTO event (id, at, kind, body, root) SELECT id + 1, at, kind, body, root FROM event WHERE id = ` + at(1, 18)}},
		"tail cut":               {17, "missing at the end", []string{`DELETE FROM event WHERE session = 1 AND seq > 16`}},
		"tail cut, row adjusted": {17, "missing at the end", []string{`DELETE FROM event WHERE session = 1 AND seq > 16`, `UPDATE session SET last_seq = 16, tags = '', edge = (SELECT root FROM event WHERE id = ` + at(1, 16) + `) WHERE n = 1`}},
		"blob swapped":           {4, "not what was recorded", []string{`UPDATE event SET blobs = (SELECT blobs FROM event WHERE id = ` + at(1, 7) + `) WHERE id = ` + at(1, 4)}},
		"blob damaged":           {1, "damaged", []string{`UPDATE blob SET data = x'00' WHERE n = 1`}},
		"blob removed":           {1, "missing", []string{`DELETE FROM blob WHERE n = 1`}},
		"blob added":             {0, "large fields of no event", []string{`INSERT INTO blob (hash, size, data) VALUES (x'00', 0, x'')`}},
		"secret changed":         {1, "not what was recorded", []string{`UPDATE session SET secret = randomblob(32) WHERE n = 1`}},
		"title changed":          {0, "line in the list", []string{`UPDATE session SET title = 'harmless' WHERE n = 1`}},
		"owner changed":          {1, "owner", []string{`UPDATE session SET owner_pid = 1 WHERE n = 1`}},
		"session gone":           {1, "whole session is missing", []string{`DELETE FROM session WHERE n = 1`, `DELETE FROM event WHERE session = 1`}},
		"called removed":         {1, "whether it was removed", []string{`UPDATE session SET status = 'removed' WHERE n = 1`, `DELETE FROM event WHERE session = 1`}},
		"session added":          {0, "not in the ledger", []string{`INSERT INTO session (id, secret, owner_pid, owner_start, owner_boot) VALUES ('new', x'', 1, 1, '')`}},
		"events of nobody":       {0, "events of no session", []string{`INSERT INTO event (id, at, kind, body, root) VALUES ((9 << 32) + 1, 0, 'prompt', '{}', x'')`}},
		"ledger changed":         {0, "ledger is not what was recorded, from entry 2", []string{`UPDATE ledger SET entry = replace(entry, 'head', 'HEAD') WHERE n = 2`}},
		"ledger cut":             {0, "cut", []string{`DELETE FROM ledger WHERE n = 10`}},
		"ledger cut, adjusted":   {0, "covers 10 entries", []string{`DELETE FROM ledger WHERE n > 1`, `UPDATE log SET size = 1, edge = (SELECT root FROM ledger WHERE n = 1)`}},
		"checkpoint gone":        {0, "under no signature", []string{`DELETE FROM checkpoint WHERE size = 10`}},
		"checkpoint changed":     {0, "was changed: its signature", []string{`UPDATE checkpoint SET note = replace(note, 'glovebox log', 'glovebox lag') WHERE size = 10`}},
		"event with a proof":     {5, "proof of one from elsewhere", []string{`UPDATE event SET proof = x'' WHERE id = ` + at(1, 5)}},
		"empty list of blobs":    {5, "list of its large fields", []string{`UPDATE event SET blobs = '{}' WHERE id = ` + at(1, 5)}},
		"tags pulled apart":      {0, "line in the list", []string{`UPDATE session SET tags = tags || ' ' WHERE n = 1`}},
		"secret lengthened":      {1, "secret has the wrong length", []string{`UPDATE session SET secret = CAST(secret || x'00' AS BLOB) WHERE n = 1`}},
		"origin of its own":      {1, "come from elsewhere", []string{`INSERT INTO foreign_session VALUES (1, '')`}},
		"origin of nobody":       {0, "origins of no session", []string{`INSERT INTO foreign_session VALUES (9, '{}')`}},
		"a key of nobody's":      {0, "nothing was imported", []string{`INSERT INTO foreign_key VALUES ('x', 'y')`}},
		"format lowered":         {0, "of format 3, and its tables are not", []string{`PRAGMA user_version = 3`}},
		"trigger added":          {0, "trigger evil", []string{`CREATE TRIGGER evil BEFORE INSERT ON event WHEN NEW.kind = 'decision' BEGIN SELECT raise(IGNORE); END`}},
		"table added":            {0, "table evil", []string{`CREATE TABLE evil (x)`}},
		"index gone":             {0, "session_running of the database is missing", []string{`DROP INDEX session_running`}},
		"checkpoint doubled":     {0, "of another", []string{`INSERT INTO checkpoint SELECT 1, note FROM checkpoint WHERE size = 10`}},
	} {
		t.Run(name, func(t *testing.T) {
			mine := filepath.Join(t.TempDir(), "log.db")
			copyFile(t, path, mine)
			tamper(t, mine, test.stmts...)
			a, ok := audit(t, mine, key)
			if ok {
				t.Fatalf("said to be intact: %+v", a)
			}
			said, event := a.Why, int64(0)
			for _, f := range a.Sessions {
				if !f.Intact {
					said, event = said+" "+f.Why, f.Event
					break
				}
			}
			if !strings.Contains(said, test.says) || test.event != 0 && event != test.event {
				t.Errorf("says %q of event %d, want %q of %d", said, event, test.says, test.event)
			}
		})
	}
}

// Nor is anything hidden behind what is packed: it would be unpacked to nothing.
func TestCheckFindsWhatIsPackedBehind(t *testing.T) {
	key, path := newKey(t), filepath.Join(t.TempDir(), "log.db")
	signedLog(t, path, key, "prompt ")
	var data []byte
	if err := raw(t, path).QueryRowContext(t.Context(), `SELECT data FROM blob WHERE n = 1`).Scan(&data); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string]string{"": "", "a frame to skip": "\x50\x2a\x4d\x18\x03\x00\x00\x00abc", "an empty frame": "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"} {
		packed := append(bytes.Clone(data), more...)
		hash := sha256.Sum256(packed)
		tamper(t, path, fmt.Sprintf(`UPDATE blob SET data = x'%x', hash = x'%x' WHERE n = 1`, packed, hash))
		if a, ok := audit(t, path, key); ok != (more == "") {
			t.Errorf("%q: %+v", name, a)
		}
	}
}

// Nothing in the log itself serves to take it back to how it was: the
// checkpoints of then are not kept.
func TestTheEndCannotBeCutOff(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, "log.db")
	signedLog(t, path, key, "prompt ")
	var size int64
	var edge []byte
	var signed string
	db := raw(t, path)
	if err := errors.Join(db.QueryRowContext(t.Context(), `SELECT log.size, edge, note FROM log, checkpoint`).Scan(&size, &edge, &signed), db.Close()); err != nil {
		t.Fatal(err)
	}
	signedLog(t, path, key, "more ")
	mine := filepath.Join(dir, "mine.db") // who has it from a backup puts it back beside the last
	copyFile(t, path, mine)
	tamper(t, mine, fmt.Sprintf(`INSERT INTO checkpoint VALUES (%d, '%s')`, size, signed))
	if a, ok := audit(t, mine, key); ok || !strings.Contains(a.Why, "two checkpoints") {
		t.Errorf("said to be intact, or %q", a.Why)
	}
	tamper(
		t, path, fmt.Sprintf(`DELETE FROM ledger WHERE n > %d`, size), fmt.Sprintf(`UPDATE log SET size = %d, edge = x'%x'`, size, edge),
		fmt.Sprintf(`DELETE FROM checkpoint WHERE size > %d`, size), `DELETE FROM event WHERE session > 4`, `DELETE FROM session WHERE n > 4`,
		`DELETE FROM blob WHERE n NOT IN (SELECT value FROM event, json_each(blobs) WHERE blobs IS NOT NULL)`,
	)
	if a, ok := audit(t, path, key); ok || !strings.Contains(a.Why, "under no signature") {
		t.Errorf("said to be intact, or %q", a.Why)
	}
}

// A log that somebody wrote anew, with all its hashes right: without the key by
// its signature, with the key by a checkpoint that was kept elsewhere.
func TestCheckFindsAForgedLog(t *testing.T) {
	dir, key, other := t.TempDir(), newKey(t), newKey(t)
	path := filepath.Join(dir, "log.db")
	signedLog(t, path, key, "prompt ")
	s := openLog(t, path)
	s.SignWith(key)
	kept, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signedLog(t, path, key, "more ")
	if a, ok := audit(t, path, key, kept); !ok {
		t.Errorf("the log has grown, and is called not intact: %+v", a)
	}
	for name, forger := range map[string]*store.Key{"another key": other, "the key": key} {
		forged := filepath.Join(t.TempDir(), "log.db")
		signedLog(t, forged, forger, "Prompt ")
		signedLog(t, forged, forger, "more ")
		var id string // the forger does not forget it
		if err := raw(t, path).QueryRowContext(t.Context(), `SELECT id FROM log`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		if a, ok := audit(t, forged, key, kept); ok {
			t.Errorf("%s: said to be intact: %+v", name, a)
		}
		if _, ok := audit(t, forged, key); ok != (forger == key) {
			t.Errorf("%s: without the kept checkpoint: intact %v", name, ok)
		}
	}
	if a, ok := audit(t, path, key, strings.Replace(kept, "glovebox log", "glovebox Log", 1)); ok {
		t.Errorf("a checkpoint that was changed is believed: %+v", a)
	}
}

// Any single byte of the file: either nothing that can be read is different,
// or the check says no. One of a column's value: it always says no.
func TestAnyByteOfTheDatabase(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	path := filepath.Join(dir, "log.db")
	signedLog(t, path, key, "prompt ")
	tamper(t, path, `VACUUM`)
	before := content(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "mine.db")
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	for range rounds(50) {
		at, bit := random.IntN(len(whole)), byte(1<<random.IntN(8))
		whole[at] ^= bit
		os.Remove(mine + "-wal")
		os.Remove(mine + "-shm")
		if err := os.WriteFile(mine, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := audit(t, mine, key); ok && content(t, mine) != before {
			t.Fatalf("seed %d: byte %d, bit %d: something else is read, and the check says intact", seed, at, bit)
		}
		whole[at] ^= bit
	}
	type cell struct{ table, column string }
	var cells []cell
	db := raw(t, path)
	for _, table := range []string{"log", "ledger", "checkpoint", "session", "event", "blob"} {
		rows, err := db.QueryContext(t.Context(), `SELECT name FROM pragma_table_info(?) WHERE name <> 'one'`, table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			c := cell{table: table}
			if err := rows.Scan(&c.column); err != nil {
				t.Fatal(err)
			}
			cells = append(cells, c)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rounds(50) {
		c := cells[i%len(cells)]
		copyFile(t, path, mine)
		pick := fmt.Sprintf(`rowid = (SELECT rowid FROM %s WHERE %s IS NOT NULL ORDER BY random() LIMIT 1)`, c.table, c.column)
		var kind string
		var size int
		err := raw(t, path).QueryRowContext(t.Context(), fmt.Sprintf(`SELECT typeof(%s), length(CAST(%[1]s AS BLOB)) FROM %s WHERE %s`, c.column, c.table, pick)).Scan(&kind, &size)
		if err != nil || size == 0 && kind != "integer" {
			continue // nothing there to change
		}
		set := fmt.Sprintf(`%s + 1`, c.column)
		if kind == "text" || kind == "blob" {
			set = fmt.Sprintf(`CAST(CAST(substr(%[1]s, 1, length(%[1]s) - 1) AS BLOB) || iif(CAST(substr(%[1]s, length(%[1]s)) AS BLOB) = x'41', x'42', x'41') AS %s)`, c.column, kind)
		}
		if c.column == "status" {
			set = `iif(status = 'done', 'failed', 'done')`
		}
		tamper(t, mine, fmt.Sprintf(`UPDATE OR IGNORE %s SET %s = %s WHERE %s`, c.table, c.column, set, pick))
		if _, ok := audit(t, mine, key); ok && content(t, mine) != before {
			t.Errorf("%s.%s was changed, and the check says intact", c.table, c.column)
		}
	}
}

// rounds is how often a random test goes round; GLOVEBOX_TEST_ROUNDS says otherwise.
func rounds(n int) int {
	if v := os.Getenv("GLOVEBOX_TEST_ROUNDS"); v != "" {
		if _, err := fmt.Sscan(v, &n); err != nil {
			panic(err)
		}
	}
	return n
}

// A log from before there were hashes is brought up to date, and says so.
func TestAnOldLogIsHashed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	first, err := os.ReadFile("migrations/001_log.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	big, _ := json.Marshal(store.ToolResult{CallID: "a", Tool: "shell", Stdout: strings.Repeat("x\n", 10_000)})
	for _, stmt := range []string{
		string(first), `PRAGMA application_id = 1735159670; PRAGMA user_version = 1`,
		`INSERT INTO session (n, id, model, started_at, title, status, ended_at, steps, last_seq, owner_pid, owner_start, owner_boot) VALUES (1, 'abc', 'm', 5, 'old', 'done', 7, 1, 5, 1, 2, 'b'), (2, 'def', 'm', 6, '', 'running', NULL, 0, 1, 1, 2, 'b')`,
		`INSERT INTO event (session, seq, at, kind, body) VALUES (1, 1, 5, 'session.started', '{"program":"0","model":"m","system":"","tools":null,"config":null,"policy":null,"rigor":""}'),
			(2, 1, 6, 'session.started', '{"program":"0","model":"m","system":"","tools":null,"config":null,"policy":null,"rigor":""}'),
			(1, 2, 6, 'prompt', '{"text":"old"}'), (1, 3, 6, 'telepathy', '{"x":1}'), (1, 4, 6, 'tool.result', '` + string(big) + `'), (1, 5, 7, 'session.ended', '{"status":"done"}')`,
	} {
		if _, err := db.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	key := newKey(t)
	a, ok := audit(t, path, key)
	if !ok || len(a.Sessions) != 2 || a.Sessions[0].Since == nil || a.Sessions[0].Events != 5 || a.Sessions[0].Signed {
		t.Fatalf("%+v", a)
	}
	s := openLog(t, path)
	s.SignWith(key)
	sum, err := s.Session(t.Context(), "abc")
	if err != nil || sum.Title != "old" || sum.Status != "done" || sum.StartedAt.UnixMicro() != 5 || sum.Steps != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	if _, err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, ok := audit(t, path, key); !ok || !a.Sessions[0].Signed || !a.Sessions[1].Signed {
		t.Errorf("after the next end: %+v", a)
	}
}

func readFile(paths ...string) (string, error) {
	var b strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return "", err
		}
		b.Write(data)
	}
	return b.String(), nil
}

// A log that one key has signed is not written under another: it would never be
// found intact again. It can be read, and checked, and goes on under its own.
func TestAnotherKeyWritesNothing(t *testing.T) {
	path, key, other := filepath.Join(t.TempDir(), "log.db"), newKey(t), newKey(t)
	signedLog(t, path, key, "prompt ")
	s := openLog(t, path)
	s.SignWith(other)
	all, err := s.Sessions(t.Context(), store.Filter{})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d sessions: %v", len(all), err)
	}
	done := all[len(all)-1].ID
	_, begun := s.Begin(t.Context(), store.SessionStarted{}, store.CurrentOwner())
	_, noted := s.Note(t.Context(), done, store.Note{By: "ada", Text: "x"})
	_, headed := s.Head(t.Context())
	for name, err := range map[string]error{"begin": begun, "note": noted, "head": headed, "remove": s.Remove(t.Context(), done, "x")} {
		if !errors.Is(err, store.ErrOtherKey) || !strings.Contains(err.Error(), key.Name()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Recover(t.Context()); err != nil {
		t.Errorf("recover: %v", err)
	}
	signedLog(t, path, key, "more ")
	if a, ok := audit(t, path, key); !ok {
		t.Errorf("not intact: %+v", a)
	}
}
