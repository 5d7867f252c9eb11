package redact_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/proof"
	"glovebox/store/redact"
)

// A digest goes with what it would give away: of a text that was taken out, or
// that nobody can look at where something was.
func TestDigestsGoWithTheirTexts(t *testing.T) {
	const (
		clean   = `{"bytes":70000,"sha256":"00ff","clean":true}`
		unclean = `{"bytes":70000,"sha256":"00ff"}`
		file    = `[{"path":"/work/a","change":"added","size":9,"old_size":0,"sha256":"00ff","patch":"+1\n"}]`
		secret  = `[{"path":"/work/a","change":"added","size":9,"old_size":0,"sha256":"00ff","patch":"+mail jane.roe@acme-widgets.com\n"}]`
		binary  = `[{"path":"/work/a","change":"modified","size":9,"old_size":9,"sha256":"00ff","old_sha256":"00ff","binary":true}]`
		mail    = `"ask jane.roe@acme-widgets.com"`
		nothing = `"ask me"`
		home    = `"see /home/jane/notes"`
	)
	for _, c := range []struct {
		name, said, field, value string
		patterns                 []string
		stays                    bool
	}{
		{"looked through", nothing, "stdout_whole", clean, nil, true},
		{"not looked through", nothing, "stdout_whole", unclean, nil, false},
		{"no list at all", nothing, "stderr_whole", `["00ff"]`, nil, false},
		{"looked through, and something elsewhere", mail, "stdout_whole", clean, nil, false},
		{"looked through for other things", nothing, "stderr_whole", clean, []string{"hunter.*"}, false},
		{"looked through, and a name that no box knows", "note " + home, "stdout_whole", clean, nil, true},
		{"looked through, and a name that a box may know", home, "stdout_whole", clean, nil, false},
		{"a file that can be seen", mail, "changes", file, nil, true},
		{"a file with something taken out", nothing, "changes", secret, nil, false},
		{"a file that cannot be seen", nothing, "changes", binary, nil, true},
		{"a file that cannot be seen, and something elsewhere", mail, "changes", binary, nil, false},
	} {
		r, err := redact.New(c.patterns...)
		if err != nil {
			t.Fatal(err)
		}
		kind := "prompt"
		if rest, note := strings.CutPrefix(c.said, "note "); note {
			kind, c.said = "note", rest
		}
		fields := []proof.Field{{Name: "text", Value: []byte(c.said)}, {Name: c.field, Value: []byte(c.value)}}
		if err := r.Learn(func(yield func(store.Disclosure, error) bool) {
			yield(store.Disclosure{Seq: 2, Kind: kind, Fields: fields}, nil)
		}); err != nil {
			t.Fatal(err)
		}
		out, changed := r.Fields(2, fields)
		if got := string(out[1].Value); strings.Contains(got, "00ff") != c.stays || changed[1] == c.stays || !json.Valid(out[1].Value) {
			t.Errorf("%s: of %s %s is left", c.name, c.value, got)
		}
		if told := strings.Contains(fmt.Sprint(r.Removals()), c.field+" digest"); told == c.stays {
			t.Errorf("%s: %v", c.name, r.Removals())
		}
	}
}

// Pictures stay behind in whatever shape an event from elsewhere has them.
func TestPicturesStay(t *testing.T) {
	for _, value := range []string{
		`[{"name":"x.png","type":"image/png","data":"UElDVFVSRQ=="}]`,
		`[{"name":1,"data":"UElDVFVSRQ=="}]`,
		`[{"name":"x"},["UElDVFVSRQ=="]]`,
		`{"data":"UElDVFVSRQ=="}`,
		`"UElDVFVSRQ=="`,
		`[{"name":"x","data":["UElDVFVSRQ=="]}]`,
		`[{"name":"x","more":"UElDVFVSRQ=="}]`,
	} {
		r, err := redact.New()
		if err != nil {
			t.Fatal(err)
		}
		out, changed := r.Fields(2, []proof.Field{{Name: "images", Value: []byte(value)}})
		if got := string(out[0].Value); strings.Contains(got, "UElDVFVSRQ") || !changed[0] || !json.Valid(out[0].Value) {
			t.Errorf("of %s %s is left", value, got)
		}
	}
}
