package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glovebox/store"
)

// found are the prompts that have a word in them, by number.
func found(t *testing.T, s *store.Store, word string) string {
	t.Helper()
	hits, err := s.Search(t.Context(), store.Query{Text: word})
	if err != nil {
		t.Fatalf("searching %s: %v", word, err)
	}
	var seqs []string
	for _, h := range hits {
		seqs = append(seqs, fmt.Sprint(h.Seq))
	}
	return strings.Join(seqs, " ")
}

// The index is the log's shadow: gone, torn, half written or of another log, it
// is as the log is at the next search.
func TestIndexIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	for i := range 200 {
		add(t, ses, store.Prompt{Text: fmt.Sprintf("first%d %s", i, strings.Repeat("filler ", 300))})
	}
	if got := found(t, s, "first7"); got != "9" {
		t.Fatalf("before: %s", got)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "backup.db")); err != nil {
		t.Fatal(err)
	}
	add(t, ses, store.Prompt{Text: "later"})
	add(t, ses, store.Prompt{Text: "last"})
	if got := found(t, s, "last"); got != "203" {
		t.Fatalf("before: %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	index := path + ".index"
	whole, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(index); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the index: %v, %v", info, err)
	}
	torn := []byte(string(whole))
	for i := 8192; i < len(torn); i++ {
		torn[i] ^= 0x55
	}
	for name, data := range map[string][]byte{"gone": nil, "empty": {}, "torn": torn, "cut": whole[:4096*2]} {
		if err := os.Remove(index); err != nil {
			t.Fatal(err)
		}
		if data != nil {
			if err := os.WriteFile(index, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := openLog(t, path)
		if got := found(t, s, "last") + "|" + found(t, s, "first7"); got != "203|9" {
			t.Errorf("%s: found %s", name, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}

	// A log that was put back from a backup, and goes on otherwise.
	copyFile(t, filepath.Join(dir, "backup.db"), path)
	s = openLog(t, path)
	if got := found(t, s, "last"); got != "" {
		t.Errorf("put back: found %s", got)
	}
	n, err := s.Note(t.Context(), ses.ID(), store.Note{By: "ada", Text: "otherwise"})
	if err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "otherwise") + "|" + found(t, s, "later") + "|" + found(t, s, "first7"); got != fmt.Sprint(n.Seq)+"||9" {
		t.Errorf("put back: found %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// The same, but it goes on before anybody searches, and further than it was.
	copyFile(t, index, filepath.Join(dir, "index"))
	copyFile(t, filepath.Join(dir, "backup.db"), path)
	if err := os.Rename(index, index+".aside"); err != nil {
		t.Fatal(err)
	}
	s = openLog(t, path)
	for _, text := range []string{"otherhistory", "andmore", "evenmore"} {
		if _, err := s.Note(t.Context(), ses.ID(), store.Note{By: "ada", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(index+".aside", index); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "otherwise") + "|" + found(t, s, "otherhistory") + "|" + found(t, s, "first7"); got != "|202|9" {
		t.Errorf("grown beyond: found %s", got)
	}
	s.Close()
}

// Who has an index open that others made anew takes nothing from the new one when
// it closes: SQLite does not remove a WAL beside a file that is not its own.
func TestIndexMadeAnewWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	first := openLog(t, path)
	ses := begin(t, first)
	add(t, ses, store.Prompt{Text: "early"})
	if got := found(t, first, "early"); got != "2" {
		t.Fatalf("before: %s", got)
	}
	if err := os.Remove(path + ".index"); err != nil { // as another process does that finds it damaged
		t.Fatal(err)
	}
	os.Remove(path + ".index-wal")
	os.Remove(path + ".index-shm")
	second := openLog(t, path)
	add(t, ses, store.Prompt{Text: "middle"})
	if got := found(t, second, "middle"); got != "3" {
		t.Fatalf("made anew: %s", got)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".index-wal"); err != nil {
		t.Errorf("what the new index holds went with the old one: %v", err)
	}
	third := openLog(t, path)
	for word, want := range map[string]string{"early": "2", "middle": "3"} {
		if got := found(t, third, word); got != want {
			t.Errorf("%s: %s", word, got)
		}
	}
}

// Where the index belongs is somebody's own file: it stays, and the log works.
func TestForeignFileWhereTheIndexBelongs(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"text": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("my notes\n", 1000)), 0o600) },
		"database": func(path string) error {
			_, err := raw(t, path).ExecContext(t.Context(), `CREATE TABLE mine (a)`)
			return err
		},
	} {
		path := filepath.Join(dir, name+".db")
		if err := make(path + ".index"); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path + ".index")
		if err != nil || len(before) == 0 {
			t.Fatal(err)
		}
		s := openLog(t, path)
		ses := begin(t, s)
		add(t, ses, store.Prompt{Text: "word"})
		_, err = s.Search(t.Context(), store.Query{Text: "word"})
		if !errors.Is(err, store.ErrUnusable) || !strings.Contains(err.Error(), path+".index is where the search index of the log belongs") {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if after, err := os.ReadFile(path + ".index"); err != nil || string(after) != string(before) {
			t.Errorf("%s: the file has changed (%v)", name, err)
		}
	}
}

// So does a directory, and it is not called the log.
func TestDirectoryWhereTheIndexBelongs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	if err := os.Mkdir(path+".index", 0o700); err != nil {
		t.Fatal(err)
	}
	s := openLog(t, path)
	defer s.Close()
	add(t, begin(t, s), store.Prompt{Text: "word"})
	_, err := s.Search(t.Context(), store.Query{Text: "word"})
	if !errors.Is(err, store.ErrUnusable) || !strings.Contains(err.Error(), "search index "+path+".index: this is not a file; move it away") {
		t.Error(err)
	}
}

// Who appends waits for nobody who indexes: not even for one that never ends.
func TestAppendDoesNotWaitForTheIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	add(t, ses, store.Prompt{Text: "word"})
	found(t, s, "word")
	tx, err := raw(t, path+".index").BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `DELETE FROM indexed WHERE session = 0`); err != nil { // takes the lock
		t.Fatal(err)
	}
	for range 50 { // more than is indexed meanwhile
		add(t, ses, store.Prompt{Text: "meanwhile " + strings.Repeat("filler ", 3000)})
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "meanwhile"); len(strings.Fields(got)) != 50 {
		t.Errorf("found %s", got)
	}
	s.Close()
}

// What is appended is indexed while the session goes on, before anybody asks.
func TestIndexedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s := openLog(t, path)
	defer s.Close()
	ses := begin(t, s)
	index := path + ".index"
	for i := 0; ; i++ {
		add(t, ses, store.Prompt{Text: strings.Repeat(fmt.Sprint("word", i, " "), 1000)})
		if _, err := os.Stat(index); err != nil {
			continue
		}
		var seq int64
		err := raw(t, index).QueryRowContext(t.Context(), `SELECT coalesce(max(seq), 0) FROM indexed`).Scan(&seq)
		if err == nil && seq > 1 { // it fails while the file is being made
			return
		}
		if i == 5000 {
			t.Fatal("35 MB, and nothing of it is indexed")
		}
	}
}

// Nothing is left out, and nothing is there twice, of what is indexed as it is
// appended, by two at once, in sessions to which others append too.
func TestIndexedMeanwhileIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	s, other := openLog(t, path), openLog(t, path)
	ses := []*store.Session{begin(t, s), begin(t, s)}
	for i := range 300 {
		add(t, ses[i%2], store.Prompt{Text: strings.Repeat(fmt.Sprintf("needle word%d ", i), i%300)})
		if i%20 == 0 {
			if _, err := other.Note(t.Context(), ses[i/20%2].ID(), store.Note{By: "ada", Text: "needle"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	hits, err := s.Search(t.Context(), store.Query{Text: "needle", Limit: 1000})
	seen := map[string]bool{}
	for _, h := range hits {
		seen[fmt.Sprint(h.Session, h.Seq)] = true
	}
	if err != nil || len(hits) != 299+15 || len(seen) != len(hits) {
		t.Errorf("%d hits, %d of them different, want 314 (%v)", len(hits), len(seen), err)
	}
	for i := range 300 {
		if hits, err := other.Search(t.Context(), store.Query{Text: fmt.Sprint("word", i)}); err != nil || len(hits) != min(i, 1) {
			t.Errorf("word%d: %d hits (%v)", i, len(hits), err)
		}
	}
}

// A log that was put back, and has grown to the very length that it had before,
// is another one all the same.
func TestIndexOfAnotherHistoryOfTheSameLength(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log.db")
	s := openLog(t, path)
	ses := begin(t, s)
	add(t, ses, store.SessionEnded{Status: "done"})
	if err := s.Backup(t.Context(), filepath.Join(dir, "backup.db")); err != nil {
		t.Fatal(err)
	}
	note := func(s *store.Store, text string) {
		if _, err := s.Note(t.Context(), ses.ID(), store.Note{By: "ada", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	note(s, "before")
	if got := found(t, s, "before"); got != "3" {
		t.Fatalf("found %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(dir, "backup.db"), path)
	s = openLog(t, path)
	defer s.Close()
	note(s, "otherwise")
	if got := found(t, s, "otherwise") + "|" + found(t, s, "before"); got != "3|" {
		t.Errorf("found %s", got)
	}
}

// Whatever somebody has put into the index, or taken out of it: the next search
// ends, and finds what is in the log.
func TestIndexThatWasTamperedWith(t *testing.T) {
	for name, stmt := range map[string]string{
		"a mark beyond all bounds": `INSERT INTO indexed VALUES (77, 'nobody', 4611686018427387904, x'00')`,
		"a mark below zero":        `UPDATE indexed SET seq = -5, root = x''`,
		"a table is gone":          `DROP TABLE indexed`,
		"the words are gone":       `DROP TABLE search_words`,
		"a view without an end":    `DROP TABLE indexed; CREATE VIEW indexed AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS session, 'x' AS id, 1 AS seq, x'' AS root FROM c`,
		"a trigger":                `CREATE TRIGGER t AFTER INSERT ON indexed BEGIN DELETE FROM search; END; DELETE FROM indexed`,
	} {
		path := filepath.Join(t.TempDir(), "log.db")
		s := openLog(t, path)
		ses := begin(t, s)
		add(t, ses, store.Prompt{Text: "word"})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := raw(t, path+".index").ExecContext(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s = openLog(t, path)
		add(t, begin(t, s), store.Prompt{Text: "word"})
		if got := found(t, s, "wor*"); got != "2 2" {
			t.Errorf("%s: found %s", name, got)
		}
		s.Close()
	}
}

// An event that was damaged, or taken out, hides no other one.
func TestSearchAroundDamage(t *testing.T) {
	for name, stmt := range map[string]string{
		"damaged":  `DROP TRIGGER event_no_update; UPDATE event SET body = '{' WHERE seq = 3`,
		"the last": `DROP TRIGGER event_no_delete; DELETE FROM event WHERE seq = 5`,
	} {
		path := filepath.Join(t.TempDir(), "log.db")
		s := openLog(t, path)
		ses := begin(t, s)
		for range 3 {
			add(t, ses, store.Prompt{Text: "word"})
		}
		add(t, ses, store.Prompt{Text: "end"})
		if _, err := raw(t, path).ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
		if got := found(t, s, "word"); got != map[string]string{"damaged": "4 2", "the last": "4 3 2"}[name] {
			t.Errorf("%s: found %s", name, got)
		}
		s.Close()
	}
}

// Who edits the index hides what is in the log, or makes up what is not: the
// check says so, or the next search goes by another index.
func TestTheIndexIsSealed(t *testing.T) {
	key, path := newKey(t), filepath.Join(t.TempDir(), "log.db")
	signedLog(t, path, key, "prompt ")
	find := func(t *testing.T, path string) int {
		t.Helper()
		s := openLog(t, path)
		defer s.Close()
		s.SignWith(key)
		hits, err := s.Search(t.Context(), store.Query{Text: "prompt"})
		if err != nil {
			t.Fatal(err)
		}
		return len(hits)
	}
	want := find(t, path)
	for stmt, says := range map[string]string{
		`DELETE FROM search WHERE rowid = (1 << 32) + 2`:                                                                            "search index",
		`INSERT INTO search (rowid, text, about) VALUES ((1 << 32) + 1, 'prompt', '')`:                                              "search index",
		`INSERT OR REPLACE INTO search (rowid, text, about) VALUES ((1 << 32) + 2, '', '')`:                                         "search index",
		`DELETE FROM search_data WHERE id = (SELECT max(id) FROM search_data)`:                                                      "search index",
		`UPDATE search_data SET block = CAST(block || x'00' AS BLOB) WHERE id = 1`:                                                  "search index",
		`UPDATE search_idx SET pgno = pgno + 2`:                                                                                     "search index",
		`UPDATE indexed SET seq = 2, root = (SELECT root FROM indexed WHERE session = 2)`:                                           "search index",
		`DELETE FROM indexed WHERE session = 1`:                                                                                     "search index",
		`UPDATE seal SET box = x''; DELETE FROM search WHERE rowid = (1 << 32) + 2`:                                                 "",
		`DELETE FROM seal; DELETE FROM search WHERE rowid = (1 << 32) + 2`:                                                          "",
		`CREATE TRIGGER evil AFTER INSERT ON indexed BEGIN DELETE FROM search WHERE 1; END`:                                         "",
		`PRAGMA user_version = 1; INSERT INTO search (search) VALUES ('delete-all')`:                                                "",
		`PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'tokenchars', 'separators') WHERE name = 'search'`: "",
		`VACUUM`: "",
	} {
		mine := filepath.Join(t.TempDir(), "log.db")
		copyFile(t, path, mine)
		copyFile(t, path+".index", mine+".index")
		db := raw(t, mine+".index")
		if _, err := db.ExecContext(t.Context(), stmt); err != nil {
			t.Errorf("%s: %v", stmt, err)
		}
		db.Close()
		a, ok := audit(t, mine, key)
		if ok != (says == "") || !strings.Contains(a.Why, says) {
			t.Errorf("%s: %q, want %q", stmt, a.Why, says)
		}
		if ok && find(t, mine) != want {
			t.Errorf("%s: another search", stmt)
		}
	}
	key = newKey(t) // another account's: it makes an index of its own
	if n := find(t, path); n != want {
		t.Errorf("under another key %d hits, want %d", n, want)
	}
}
