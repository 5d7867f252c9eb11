package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is noted on a session while it goes on stops nothing of what is shown of
// it, and is shown itself.
func TestNoteOnARunningSession(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	tagged := make(chan struct{})
	serve(t, h, busy()).before = func(n int) {
		if n == 10 { // of 31: event 20 was long before
			select {
			case <-tagged:
			case <-t.Context().Done():
			}
		}
	}
	cmd, ch := h.follow("run", "--json", "work")
	last, noted := event{}, false
	for e := range ch {
		if e.Seq != last.Seq+1 {
			t.Fatalf("event %d comes after event %d", e.Seq, last.Seq)
		}
		last = e
		noted = noted || e.Kind == "note"
		if e.Seq == 20 {
			h.ok("sessions", "tag", e.Session, "odd")
			close(tagged)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !noted || last.Kind != "session.ended" {
		t.Errorf("noted: %v, the last event is %d, %s", noted, last.Seq, last.Kind)
	}
}

// The log from inside the terminal: find, jump, mark, check, export, import,
// resume; and a log that was changed is told.
func TestLogInTheWorkbench(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	there := newHome(t) // somebody else's
	serve(t, there, "name = 'other'\n[[turn]]\ntext = 'greetings from elsewhere'\n")
	there.ok("run", "hello from there")
	bundle := h.file("their.gbx", there.ok("export", "last", "-o", "-"))

	model := serve(t, h, `
name = "two"
[[turn]]
text = "I make a marmalade."
[[turn.call]]
tool = "shell"
args = { command = "echo marmalade-made" }
[[turn]]
text = "Done; write to ada.lovelace@gmail.com."
[[turn]]
text = "We go on."
`)
	h.ok("run", "make something")
	m := openTmux(t, h)

	m.Enter(h.bin + "; echo left with $?")
	m.Sees("make something")
	m.Keys("f")
	m.Sees("Filters:")
	m.Write("marmal exit:0")
	m.Sees("tool.result")
	m.Keys("Enter")
	m.Sees("playback · step 10/", "│ marmalade-made")
	m.Keys("m")
	m.Sees("Mark step 10 of session")
	m.Keys("c")
	m.Write("which oranges?")
	m.Keys("Enter")
	m.Sees("noted: a comment")
	m.Keys("G")
	m.Sees("on step 10: a comment")
	m.Sees("which oranges?")
	m.Keys("Escape")
	m.Sees("find in the log")
	m.Keys("Escape")
	m.Sees("1 session")
	m.Keys("m", "t")
	m.Write("#fruit")
	m.Keys("Enter")
	m.Sees("make something  #fruit")
	m.Keys("c")
	m.Sees("✓ intact: log")
	m.Keys("Escape")
	m.Sees("1 session")
	m.Keys("x")
	m.Sees("Secrets, personal data")
	m.Keys("Down", "Enter")
	m.Sees("taken out, in")
	page, err := filepath.Glob(filepath.Join(h.dir, "*.html"))
	if err != nil || len(page) != 1 {
		t.Fatalf("exported: %v, %v", page, err)
	}
	if text, err := os.ReadFile(page[0]); err != nil || !strings.Contains(string(text), "marmalade-made") || strings.Contains(string(text), "ada.lovelace") {
		t.Errorf("the page is not what was to be exported, or not redacted (%v)", err)
	}
	m.Keys("Escape")
	m.Sees("1 session")
	m.Keys("i")
	m.Sees("file>")
	m.Write(bundle)
	m.Keys("Enter")
	m.Sees("signed by foreign key")
	m.Keys("Escape")
	m.Sees("2 sessions", "┃ hello from there") // the new one is selected

	m.Write("/make")
	m.Sees("1 of 2 sessions")
	m.Keys("Tab", "R")
	m.Sees("goes on from session")
	m.Sees("● sealed")
	m.Write("and then?")
	m.Keys("Enter")
	m.Sees("We go on.")
	if asked := model.requests; !strings.Contains(asked[len(asked)-1], "marmalade-made") {
		t.Errorf("the model is not told what went before:\n%s", asked[len(asked)-1])
	}
	m.Keys("C-d")
	m.Sees("session ended: done")

	// Behind its back.
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `DROP TRIGGER event_no_update; UPDATE event SET at = at + 1 WHERE id = 4 + ((SELECT n FROM session WHERE title = 'make something') << 32)`); err != nil {
		t.Fatal(err)
	}
	m.Keys("Escape")
	m.Sees("of 3 sessions")
	m.Keys("C")
	m.Sees("✗ not intact: session", "event 4")
	m.Keys("Escape")
	m.Sees("of 3 sessions")
	m.Keys("q")
	m.Sees("left with 0")
}
