package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"glovebox/store"
	"glovebox/store/bundle"
	"glovebox/store/proof"
	"glovebox/store/redact"

	"github.com/google/go-cmp/cmp"
)

const secret = "AKIAZ5Q7RTYUIOPLKJHG"

func openLog(t testing.TB, dir string) (*store.Store, *store.Key) {
	t.Helper()
	key, err := store.LoadKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	s.SignWith(key)
	t.Cleanup(func() { s.Close() })
	return s, key
}

// session records one in which a secret turns up in many places.
func session(t testing.TB, s *store.Store) string {
	t.Helper()
	ctx := context.Background()
	ses, err := s.Begin(ctx, store.SessionStarted{Program: "1", Model: "script:demo", System: "Be careful.", Rigor: "standard"}, store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []store.Body{
		store.Prompt{Text: "My key is " + secret + ", mail grete.muster@posteo-mail.de"},
		store.ModelResponse{Turn: 1, Text: "I use it.", ToolCalls: []store.CallSpec{{ID: "a", Name: "shell", Arguments: `{"command":"echo ` + secret + ` >/work/` + secret + `.txt"}`}}},
		store.ToolCall{CallID: "a", Tool: "shell", Arguments: json.RawMessage(`{"command":"echo ` + secret + `","` + secret + `":4539148803436467}`)},
		store.ToolResult{CallID: "a", Tool: "shell", Stdout: strings.Repeat("line of output\n", 3000) + secret + "\n" + strings.Repeat("more\n", 3000)},
		store.ToolResult{CallID: "b", Tool: "shell", Stdout: strings.Repeat("line of output\n", 3000)},
		store.BoxDiff{Changes: []store.FileChange{{Path: "/work/" + secret + ".txt", Change: "added"}}},
		store.SessionEnded{Status: "done"},
		store.Note{By: "grete", Title: "About " + secret, Tags: []string{"odd"}},
	} {
		if _, err := ses.Append(ctx, body); err != nil {
			t.Fatal(err)
		}
	}
	return ses.ID()
}

func write(t testing.TB, s *store.Store, key *store.Key, id string, redacted bool) []byte {
	t.Helper()
	var r *redact.Redactor
	if redacted {
		var err error
		if r, err = redact.New(); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := bundle.Write(t.Context(), &b, s, id, key, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func verify(data []byte) (*bundle.Bundle, error) {
	ctx := context.Background()
	b, err := bundle.Open(ctx, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return b, b.Verify(ctx)
}

// everything in a zip file, unpacked, and its outside.
func unpacked(t testing.TB, data []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	b := string(data) + z.Comment
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		b += f.Name + string(content)
	}
	return b
}

func TestARedactedBundleVerifies(t *testing.T) {
	s, key := openLog(t, t.TempDir())
	id := session(t, s)
	whole, redacted := write(t, s, key, id, false), write(t, s, key, id, true)
	for _, data := range [][]byte{whole, redacted} {
		if _, err := verify(data); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(unpacked(t, whole), secret) {
		t.Error("the whole bundle is not whole")
	}
	for _, s := range []string{secret, "grete.muster@posteo-mail.de", "4539148803436467"} {
		if strings.Contains(unpacked(t, redacted), s) {
			t.Errorf("%s is in the redacted bundle", s)
		}
	}
	b, err := verify(redacted)
	if err != nil {
		t.Fatal(err)
	}
	where := map[string]bool{}
	for _, r := range b.Manifest.Redacted {
		where[fmt.Sprintf("%d %s %s", r.Seq, r.Field, r.Rule)] = true
	}
	for _, want := range []string{"2 text aws-access-token", "2 text email", "3 tool_calls aws-access-token", "4 arguments payment-card", "5 stdout aws-access-token", "7 changes aws-access-token", "9 title aws-access-token"} {
		if !where[want] {
			t.Errorf("not listed: %s\n%v", want, where)
		}
	}
}

func TestImport(t *testing.T) {
	mine, key := openLog(t, t.TempDir())
	dir := t.TempDir()
	theirs, _ := openLog(t, dir)
	id := session(t, mine)
	b, err := verify(write(t, mine, key, id, true))
	if err != nil {
		t.Fatal(err)
	}
	in := store.Import{Session: id, Events: b.Events(t.Context()), Evidence: b.Manifest.Evidence}
	if err := theirs.Import(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Import(t.Context(), in); !errors.Is(err, store.ErrExists) {
		t.Errorf("again: %v", err)
	}
	was, _ := mine.Session(t.Context(), id)
	is, err := theirs.Session(t.Context(), id)
	was.Title = "About [redacted: aws-access-token]"
	if diff := cmp.Diff(was, is); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := theirs.Note(t.Context(), id, store.Note{By: "bob", Text: "mine"}); err != nil {
		t.Fatal(err)
	}
	here, err := mine.Check(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	a, err := theirs.Check(t.Context(), "")
	if err != nil || !a.Intact() || a.Sessions[0].From != here.Log || a.Sessions[0].FromRoot != here.Sessions[0].Root {
		t.Errorf("%+v, %v, recorded as %+v", a, err, here)
	}
	// A proof of a field as it was recorded is no proof of one that was taken out.
	db := sqlite(t, filepath.Join(dir, "log.db"))
	defer db.Close()
	var packed []byte
	for d, err := range b.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		digest := proof.Digest(d.Proofs[0].Salt, d.Fields[0].Value)
		if err := db.QueryRowContext(t.Context(), `SELECT proof FROM event WHERE session = 1 AND seq = ?`, d.Seq).Scan(&packed); err != nil {
			t.Fatal(err)
		}
		packed = slices.Concat([]byte{byte(len(digest))}, digest[:], packed[1+len(d.Proofs[0].Salt):])
		break
	}
	for _, stmt := range []string{`DROP TRIGGER event_no_update`, fmt.Sprintf(`UPDATE event SET proof = x'%x' WHERE session = 1 AND seq = 1`, packed)} {
		if _, err := db.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	a, err = theirs.Check(t.Context(), "")
	if err != nil || a.Intact() || a.Sessions[0].Why != "what proves its events was changed" {
		t.Errorf("%+v, %v", a, err)
	}
	if hits, err := theirs.Search(t.Context(), store.Query{Text: "line of output"}); err != nil || len(hits) != 2 {
		t.Errorf("%+v, %v", hits, err)
	}
	// Another key for a log that is known.
	log, _ := mine.LogID(t.Context())
	_, other := openLog(t, t.TempDir())
	forged := store.Import{Session: "another", Evidence: store.Evidence{Log: log, Key: other.Public()}}
	if err := theirs.Import(t.Context(), forged); !errors.Is(err, store.ErrBroken) {
		t.Errorf("another key: %v", err)
	}
}

// Whatever is done to a bundle: it is not believed.
func TestAnyEditOfABundle(t *testing.T) {
	dir := t.TempDir()
	s, key := openLog(t, dir)
	id := session(t, s)
	data := write(t, s, key, id, true)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	edits := map[string]func([]byte) []byte{
		"bit flipped":  func(b []byte) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b },
		"byte removed": func(b []byte) []byte { i := r.IntN(len(b)); return slices.Delete(b, i, i+1) },
		"byte added":   func(b []byte) []byte { return slices.Insert(b, r.IntN(len(b)+1), byte(r.IntN(256))) },
		"cut":          func(b []byte) []byte { return b[:r.IntN(len(b))] },
		"lengthened":   func(b []byte) []byte { return append(b, make([]byte, 1+r.IntN(100))...) },
		"repeated":     func(b []byte) []byte { return append(b, b...) },
	}
	for range 200 {
		for name, edit := range edits {
			if _, err := verify(edit(bytes.Clone(data))); !errors.Is(err, bundle.ErrBroken) {
				t.Fatalf("seed %d: %s: %v", seed, name, err)
			}
		}
	}
	for i := range data { // and every byte once
		if i%7 == int(seed%7) {
			mine := bytes.Clone(data)
			mine[i] ^= 0x20
			if _, err := verify(mine); err == nil {
				t.Fatalf("byte %d", i)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	s, key := openLog(f, f.TempDir())
	id := session(f, s)
	f.Add(write(f, s, key, id, true))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := verify(data); err != nil && !errors.Is(err, bundle.ErrBroken) {
			t.Error(err)
		}
	})
}

// What somebody else's log says was spent is neither ours nor less than nothing.
func TestImportedSpending(t *testing.T) {
	ctx := t.Context()
	for pico, want := range map[int64]error{1 << 62: nil, -1 << 62: store.ErrInvalid} {
		theirs, key := openLog(t, t.TempDir())
		mine, _ := openLog(t, t.TempDir())
		ses, err := theirs.Begin(ctx, store.SessionStarted{Program: "1", Model: "m"}, store.CurrentOwner())
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []store.Body{store.ModelResponse{Turn: 1, Charge: &store.Charge{PicoUSD: pico}}, store.ModelRequest{Turn: 2, Reserved: &store.Charge{PicoUSD: 1}}, store.SessionEnded{Status: "done"}} {
			if _, err := ses.Append(ctx, body); err != nil {
				t.Fatal(err)
			}
		}
		b, err := verify(write(t, theirs, key, ses.ID(), true))
		if err != nil {
			t.Fatal(err)
		}
		if err := mine.Import(ctx, store.Import{Session: ses.ID(), Events: b.Events(ctx), Evidence: b.Manifest.Evidence}); !errors.Is(err, want) {
			t.Errorf("%d: %v", pico, err)
		}
		if got, err := mine.Spent(ctx, time.Now().Add(-time.Hour)); err != nil || got != (store.Spent{}) {
			t.Errorf("%d: %+v, %v", pico, got, err)
		}
	}
}

// A log with everything in it, one cell, row or table of it changed: the check
// says no. What is in the cell afterwards means another thing, or the same.
func TestAnyCellOfALog(t *testing.T) {
	dir := t.TempDir()
	theirs, theirKey := openLog(t, filepath.Join(dir, "theirs"))
	mine, key := openLog(t, filepath.Join(dir, "mine"))
	ctx := t.Context()
	b, err := verify(write(t, theirs, theirKey, session(t, theirs), true))
	if err != nil {
		t.Fatal(err)
	}
	m := b.Manifest
	gone := session(t, mine)
	running, err := mine.Begin(ctx, store.SessionStarted{Program: "1", Model: "m"}, store.CurrentOwner())
	path := filepath.Join(dir, "log.db")
	err = errors.Join(err, mine.Remove(ctx, gone, "old"), mine.Import(ctx, store.Import{Session: m.Session, Events: b.Events(ctx), Evidence: m.Evidence}))
	for _, id := range []string{session(t, mine), m.Session, running.ID()} {
		_, noted := mine.Note(ctx, id, store.Note{By: "bob", Tags: []string{"x"}})
		err = errors.Join(err, noted)
	}
	if err = errors.Join(err, mine.Backup(ctx, path)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	intact := func() bool {
		s, err := store.Open(ctx, path)
		if err != nil {
			return false
		}
		defer s.Close()
		s.SignWith(key)
		a, err := s.Check(ctx, "")
		return err == nil && a.Intact()
	}
	if !intact() {
		t.Fatal("untouched, and not intact")
	}
	db := sqlite(t, path)
	var cells []string // tables, columns and rows
	for _, table := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table'`) {
		for _, column := range texts(t, db, `SELECT name FROM pragma_table_info('`+table+`')`) {
			for _, row := range texts(t, db, `SELECT rowid FROM `+table) {
				cells = append(cells, table+" "+column+" "+row)
			}
		}
	}
	db.Close()
	changes := []string{"NULL", "x''", "x'00'", "''", "'x'", "'{}'", "0", "1", "-%[1]s", "%[1]s + 1", "%[1]s || ' '", "' ' || %[1]s", "CAST(%[1]s || x'00' AS BLOB)", "upper(%[1]s)", ""}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 2))
	for n, tried := 0, 0; n < 100 && tried < 1000; tried++ {
		cell := strings.Fields(cells[r.IntN(len(cells))])
		table, column, row := cell[0], cell[1], cell[2]
		change := strings.ReplaceAll(changes[r.IntN(len(changes))], "%[1]s", column)
		stmt := fmt.Sprintf(`UPDATE %s SET %s = %s WHERE rowid = %s AND %s IS NOT %s`, table, column, change, row, column, change)
		if change == "" {
			stmt = fmt.Sprintf(`DELETE FROM %s WHERE rowid = %s`, table, row)
		}
		for _, old := range []string{"-wal", "-shm", ".index", ".index-wal", ".index-shm"} {
			os.Remove(path + old)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		db := sqlite(t, path)
		triggers := texts(t, db, `SELECT sql FROM sqlite_schema WHERE type = 'trigger'`)
		for _, name := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'trigger'`) {
			triggers = append(triggers, name)
			if _, err := db.ExecContext(ctx, `DROP TRIGGER `+name); err != nil {
				t.Fatal(err)
			}
		}
		result, err := db.ExecContext(ctx, stmt)
		for _, sql := range triggers[:len(triggers)/2] {
			if _, err := db.ExecContext(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		db.Close()
		if err != nil {
			continue // SQLite does not take that there
		}
		if changed, _ := result.RowsAffected(); changed == 0 {
			continue
		}
		n++
		if intact() {
			t.Errorf("seed %d: said to be intact: %s", seed, stmt)
		}
	}
}

func sqlite(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=foreign_keys(0)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func texts(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
