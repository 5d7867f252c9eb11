package redact

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"glovebox/store"
	"glovebox/store/proof"
)

// Whatever is in a text: what is left of it is JSON, what differs is listed,
// and what was learnt is gone.
func FuzzFields(f *testing.F) {
	shared, err := New()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("AKIAZ5Q7RTYUIOPLKJHG %41 \\u0041 &#65; \x1b[m", "QUtJQVo1UTdSVFlVSU9QTEtKSEc=")
	f.Add(strings.Repeat("QUtJ", 20)+"\n"+strings.Repeat("4142", 20), "\xff&#x;%4\\u00")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := newRedactor(shared.scan, false)
		var fields []proof.Field
		for name, text := range map[string]string{"a": a, "b": b, "c": a + b} {
			value, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			fields = append(fields, proof.Field{Name: name, Value: value})
		}
		err := r.Learn(func(yield func(store.Disclosure, error) bool) { yield(store.Disclosure{Seq: 1, Fields: fields}, nil) })
		if err != nil {
			t.Fatal(err)
		}
		out, changed := r.Fields(1, fields)
		for i, f := range out {
			if !json.Valid(f.Value) {
				t.Errorf("%q became %q, which is no JSON", fields[i].Value, f.Value)
			}
			if listed := slices.ContainsFunc(r.Removals(), func(l Removal) bool { return l.Field == f.Name }); listed != changed[i] {
				t.Errorf("changed %v, listed %v: %q became %q", changed[i], listed, fields[i].Value, f.Value)
			}
			for secret := range r.learnt {
				if strings.Contains(unquote(f.Value), secret) && !strings.Contains("[redacted: "+r.learnt[secret]+"]", secret) {
					t.Errorf("%q is left in %q", secret, f.Value)
				}
			}
		}
	})
}
