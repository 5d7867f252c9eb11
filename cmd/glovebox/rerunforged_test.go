package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glovebox/store"
)

// forged writes a session that no program of ours would have recorded, as an
// imported one may be.
func (h *home) forged(change func(*store.BoxCreated), calls ...string) (id string) {
	h.t.Helper()
	ctx := context.Background()
	var started store.SessionStarted
	var box store.BoxCreated
	log, err := store.Open(ctx, filepath.Join(h.dir, "log.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	key, err := store.LoadKey(filepath.Join(h.dir, "key"))
	if err != nil {
		h.t.Fatal(err)
	}
	log.SignWith(key)
	last, err := log.Session(ctx, "last")
	if err != nil {
		h.t.Fatal(err)
	}
	for e, err := range log.Events(ctx, last.ID, 0) {
		switch b := e.Body.(type) {
		case store.SessionStarted:
			started = b
		case store.BoxCreated:
			box = b
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	change(&box)
	ses, err := log.Begin(ctx, started, store.CurrentOwner())
	if err != nil {
		h.t.Fatal(err)
	}
	bodies := []store.Body{box}
	for _, text := range calls {
		var e store.Event
		if err := json.Unmarshal([]byte(`{"at":"2026-01-01T00:00:00Z",`+text[1:]), &e); err != nil {
			h.t.Fatal(err)
		}
		bodies = append(bodies, e.Body)
	}
	for _, b := range append(bodies, store.SessionEnded{Status: "done"}) {
		if _, err := ses.Append(ctx, b); err != nil {
			h.t.Fatal(err)
		}
	}
	return ses.ID()
}

// Recorded values may be anything: nothing of them reaches the terminal as it is,
// and nothing that was refused runs, whatever it claims to be.
func TestRerunOfHostileRecords(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.recordedSession("[[turn]]\ntext = 'Nothing.'\n")
	id := h.forged(func(*store.BoxCreated) {},
		`{"kind":"decision","call_id":"1","tool":"shell\u001b]0;t\u0007","verdict":"invalid","reason":"\u001b[2J\u202egone","by":"policy\u001b[1m"}`,
		`{"kind":"tool.result","call_id":"1","tool":"shell\u001b]0;t\u0007","error":"\u001b[2J\u202egone"}`,
		`{"kind":"tool.call","call_id":"2","tool":"shell","arguments":{"command":"printf '\\033[31mred'"}}`,
		`{"kind":"tool.result","call_id":"2","tool":"shell","exit":0,"stdout":"\u001b[2J\rblue\u202e\u0000"}`,
		`{"kind":"tool.call","call_id":"3","tool":"no\u001btool","arguments":{"x":"\u001b"}}`,
		`{"kind":"tool.result","call_id":"3","tool":"no\u001btool","exit":0,"stdout":"x"}`,
		`{"kind":"decision","call_id":"4","tool":"shell","verdict":"deny","reason":"never","by":"user"}`,
		`{"kind":"tool.call","call_id":"4","tool":"shell","arguments":{"command":"echo nev\u0027\u0027er"}}`,
		`{"kind":"tool.result","call_id":"4","tool":"shell","exit":0,"stdout":"never\\n"}`,
		`{"kind":"tool.call","call_id":"7","tool":"shell","arguments":"not an object"}`,
		`{"kind":"tool.result","call_id":"7","tool":"shell","exit":0}`,
		`{"kind":"tool.result","call_id":"5","tool":"shell","exit":0}`,
		`{"kind":"tool.call","call_id":"6","tool":"shell","arguments":{"command":"echo lost"}}`,
	)
	for _, args := range [][]string{{"rerun", id}, {"rerun", "--json", id}, {"replay", "--plain", "last"}} {
		out, errOut, _ := h.run(args...)
		for _, r := range out + errOut {
			if r < ' ' && r != '\n' || r == 0x202e || r == 0x7f {
				t.Errorf("%q: %q is in %q", args, r, out+errOut)
				break
			}
		}
		if !strings.Contains(out, "blue") || !strings.Contains(out, "red") {
			t.Errorf("%q: the difference is not shown: %s%s", args, out, errOut)
		}
	}
	differ, _ := h.rerun(exitNo, id)
	if got := texts(differ); got != "data true, data true, stdout true, decision true, call unknown, decision true, call unknown, call unknown, file unknown" {
		t.Errorf("%s", got)
	}
	if log := h.ok("replay", "--json", "last"); strings.Contains(log, `"stdout":"never`) {
		t.Error("what was refused has run")
	}
}

// A recording cannot claim what nothing compares.
func TestRerunPassesNothingOver(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	h.file("glovebox.toml", "[data]\nschema = 'shop'\n")
	h.recordedSession("[[turn]]\ntext = 'Nothing.'\n")
	calls := []string{
		`{"kind":"tool.call","call_id":"1","tool":"shell","arguments":{"command":"echo hello"}}`,
		`{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"hello\n"}`,
		`{"kind":"box.diff","changes":[]}`,
	}
	for claim, want := range map[string]string{
		`{"kind":"tool.result","call_id":"1","tool":"shell","exit":0,"stdout":"a second one\n"}`:         "call unknown",
		`{"kind":"tool.result","call_id":"2","tool":"shell","exit":0,"stdout":"without a call\n"}`:       "call unknown",
		`{"kind":"box.diff","changes":[{"path":"/work/x","change":"added","type":"dir","mode":"0755"}]}`: "box unknown",
		`{"kind":"box.created","box":"x","image":"y","image_digest":"z","runtime":"r","engine":"e"}`:     "box unknown",
		`{"kind":"note","by":"ada","text":"nothing that is compared"}`:                                   "",
	} {
		differ, _ := h.rerun(exitNo, h.forged(func(*store.BoxCreated) {}, calls[0], calls[1], claim, calls[2]))
		got := strings.Split(texts(differ), ", ")
		if got = slices.DeleteFunc(got, func(s string) bool { return s == "data true" }); strings.Join(got, ", ") != want {
			t.Errorf("%s: %s", claim, got)
		}
	}
}

// A log that somebody has changed with other tools is no recording any more.
func TestNothingIsTheSameAsWhatWasChanged(t *testing.T) {
	needEngine(t)
	h := newHome(t)
	id := h.recordedSession(shells("echo hello"))
	h.ok("diff", id, id)
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `DROP TRIGGER event_no_update; UPDATE event SET body = replace(body, 'hello', 'hullo') WHERE kind IN ('tool.call', 'tool.result')`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"rerun", id}, {"diff", id, id}} {
		if out, errOut, code := h.run(args...); code != exitNo || out != "" || !strings.Contains(errOut, "is not as it was recorded") {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errOut)
		}
	}
}
