package export_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/bundle"
)

// vocabulary is an event of each kind that a session has between its first and its last.
var vocabulary = []store.Body{
	store.BoxCreated{},
	store.FilePut{},
	store.Prompt{},
	store.ModelRequest{},
	store.ModelResponse{},
	store.Decision{},
	store.Filtered{},
	store.Tripwire{},
	store.Compacted{},
	store.ToolCall{},
	store.ToolResult{},
	store.Egress{},
	store.EgressDone{},
	store.LimitReached{},
	store.Interrupted{},
	store.Failure{},
	store.BoxDiff{},
	store.Probed{},
	store.Verified{},
	store.BoxDestroyed{},
	store.Drift{},
	store.Compared{},
	store.Note{},
}

// fill puts text and number into every place of a value.
func fill(v reflect.Value, text string, number int64) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(number)
	case reflect.Float64:
		v.SetFloat(float64(number))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, number)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"` + text + `":["` + text + `"]}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text, number)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(text), reflect.ValueOf(text))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, number)
		}
	}
}

func filled(b store.Body, text string, number int64) store.Body {
	v := reflect.New(reflect.TypeOf(b)).Elem()
	fill(v, text, number)
	return v.Interface().(store.Body)
}

// There is no field of any event in which a secret could leave, in any format:
// models, tools, policies, names of files and of people, hosts, titles and tags.
func TestNoFieldOfAnyEventLetsItOut(t *testing.T) {
	const key, mail, card = "AKIAZ5Q7RTYUIOPLKJHG", "grete.muster@posteo-mail.de", 4539148803436467
	s, signing := openLog(t)
	ses, err := s.Begin(t.Context(), filled(store.SessionStarted{}, key+":"+mail, card).(store.SessionStarted), store.CurrentOwner())
	if err != nil {
		t.Fatal(err)
	}
	bodies := vocabulary
	bodies = append(bodies[:len(bodies):len(bodies)], store.SessionEnded{Status: "failed", Reason: key + mail}, store.Note{})
	for _, b := range bodies {
		switch b.(type) {
		case store.SessionEnded:
		case store.Note:
			note := filled(b, key+":"+mail, card).(store.Note)
			note.Tags, note.Untags, note.Step = []string{key}, []string{key + "x"}, 0 // no sign of an address is in a tag
			b = note
		default:
			b = filled(b, key+":"+mail, card)
		}
		if _, err := ses.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	texts, packed := everyFormat(t, s, signing, ses.ID())
	read, err := bundle.Open(t.Context(), bytes.NewReader(packed), int64(len(packed)))
	if err == nil {
		theirs, _ := openLog(t)
		err = theirs.Import(t.Context(), store.Import{Session: ses.ID(), Events: read.Events(t.Context()), Evidence: read.Manifest.Evidence})
	}
	if err != nil {
		t.Fatal(err)
	}
	for format, is := range texts {
		for _, value := range []string{key, "posteo", "4539148803436467", "4.539148803436467"} {
			if at := strings.Index(is, value); at >= 0 {
				t.Errorf("%s is in %s: …%s…", value, format, is[max(0, at-60):min(len(is), at+40)])
			}
		}
	}
}
