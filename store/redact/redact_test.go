package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
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

// redacted is what leaves of a session, as text, and what is listed.
func redacted(t *testing.T, bodies ...store.Body) (string, []redact.Removal) {
	t.Helper()
	r, err := redact.New()
	if err != nil {
		t.Fatal(err)
	}
	var events []store.Disclosure
	for i, b := range bodies {
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := proof.Split(data)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, store.Disclosure{Seq: int64(i + 1), Kind: b.Kind(), Fields: fields})
	}
	err = r.Learn(func(yield func(store.Disclosure, error) bool) {
		for _, d := range events {
			if !yield(d, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, d := range events {
		fields, changed := r.Fields(d.Seq, d.Fields)
		object := proof.Join(fields)
		if !json.Valid(object) {
			t.Errorf("this is no JSON any more: %s", object)
		}
		out.Write(append(object, '\n'))
		for i, f := range fields {
			if listed := slices.ContainsFunc(r.Removals(), func(l redact.Removal) bool { return l.Seq == d.Seq && l.Field == f.Name }); listed != changed[i] {
				t.Errorf("event %d, field %s: changed %v, listed %v: %s", d.Seq, f.Name, changed[i], listed, f.Value)
			}
		}
	}
	return out.String(), r.Removals()
}

func wrapped(s string, width int) string {
	var lines []string
	for ; len(s) > width; s = s[width:] {
		lines = append(lines, s[:width])
	}
	return strings.Join(append(lines, s), "\n") + "\nand so on\n"
}

// A secret is seen through what an agent wraps it in, whether or not it also
// stands somewhere as it is.
func TestEncodedSecretsAreSeen(t *testing.T) {
	const key, password = "AKIAZ5Q7RTYUIOPLKJHG", "q7Zt-Wv9!xK2#m"
	file := "[default]\naws_access_key_id = " + key + "\nregion = eu-central-1\noutput = json\n"
	b64 := base64.StdEncoding.EncodeToString
	for name, text := range map[string]string{
		"base64":              b64([]byte(file)),
		"base64, alone":       b64([]byte(key)),
		"base64 of addresses": base64.RawURLEncoding.EncodeToString([]byte(file)),
		"base64 in lines":     wrapped(b64([]byte(strings.Repeat("# nothing\n", 12)+file)), 76),
		"base64 twice":        b64([]byte(b64([]byte(file)))),
		"base64 in JSON":      `{"data":{"credentials":"` + b64([]byte(file)) + `"}}`,
		"hex":                 hex.EncodeToString([]byte(file)),
		"hex in lines":        wrapped(hex.EncodeToString([]byte(file)), 60),
		"escaped for JSON":    `{"id":1,"note":"\u0041KIA` + key[4:] + `"}` + "\n" + `{"id":2}`,
		"escaped for C":       `\x41\x4b\x49\x41` + key[4:],
		"escaped for HTML":    "&#65;&#x4b;IA" + key[4:],
		"escaped for the web": "?id=%41%4BIA" + key[4:] + "&x=1",
		"in colours":          "\x1b[01;31m\x1b[KAKIA\x1b[m\x1b[K" + key[4:],
		"without width":       "AKIA\u200b" + key[4:],
		"a password, base64":  b64([]byte("user: ada, it is " + password)),
		"a password, web":     "x=" + url.QueryEscape(password),
		"a password, hex":     hex.EncodeToString([]byte("it is " + password)),
	} {
		out, removed := redacted(
			t, store.Prompt{Text: `{"password": "` + password + `"}`}, store.ToolResult{CallID: "a", Stdout: "before " + text + " after"},
			store.ModelResponse{Text: text, ToolCalls: []store.CallSpec{{Arguments: `{"command":` + string(must(json.Marshal("echo "+text))) + `}`}}},
		)
		for _, secret := range []string{key, password, text, key[4:]} {
			if strings.Contains(out, secret) || strings.Contains(out, string(must(json.Marshal(secret)))) {
				t.Errorf("%s: %q is left in %s", name, secret, out)
			}
		}
		if len(removed) < 4 {
			t.Errorf("%s: only %v is listed", name, removed)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// An excerpt that was cut within a secret keeps no part of it.
func TestTornSecretsAreSeen(t *testing.T) {
	const key = "AKIAZ5Q7RTYUIOPLKJHG"
	out, _ := redacted(
		t, store.ToolResult{Stdout: "key " + key}, store.Drift{What: "stdout", Detail: "line 1:\n- key " + key[:12] + "…\n+ …" + key[8:] + " and …" + key[16:] + "…"},
		store.Failure{Message: key[:9] + "…" + key[9:]},
	)
	for _, part := range []string{key[:6], key[8:14], key[12:18]} {
		if strings.Contains(out, part) {
			t.Errorf("%s is left: %s", part, out)
		}
	}
	if !strings.Contains(out, "…[redacted: aws-access-token] and …"+key[16:]+"…") {
		t.Errorf("%s", out)
	}
}

// What a filter took out when it was recorded hides nothing that is taken out now.
func TestEveryRemovalIsListed(t *testing.T) {
	_, removed := redacted(t, store.Prompt{Text: "[redacted: email] and grete.muster@posteo-mail.de"}, store.Prompt{Text: "[redacted: email]"})
	if want := (redact.Removal{Seq: 1, Field: "text", Rule: "email", Times: 1}); len(removed) != 1 || removed[0] != want {
		t.Errorf("%+v", removed)
	}
}

// What is escaped and packed is nobody's business where it holds nothing.
func TestHarmlessEncodingsStay(t *testing.T) {
	for _, text := range []string{
		"https://shop.example/a%20b?x=%7B%22a%22%3A1%7D", `{"name":"Zo\u00eb","path":"C:\\x41"}`, "\x1b[32mok\x1b[0m", "a\u200db",
		base64.StdEncoding.EncodeToString([]byte("just a line of text that says nothing")), strings.Repeat("deadbeef", 8),
	} {
		if out, removed := redacted(t, store.ToolResult{Stdout: text}); len(removed) > 0 {
			t.Errorf("%q became %s", text, out)
		}
	}
}
